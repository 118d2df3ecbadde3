/**
 * The OpenVINO layers of this model family, opsets and versions 5 to 7 in one table, by type in
 * lower case: files differ in spelling (PReLU, PRelu). `import.ts` refuses what is not in it.
 */

import type { IrContext, IrValue } from './context.ts';
import type { IrLayer } from './ir.ts';
import {
  averagePool,
  convolution,
  fullyConnected,
  groupConvolution,
  matMul,
  normalizeL2,
  reduceMean,
} from './layers.ts';
import {
  activation,
  add,
  clamp,
  divide,
  eltwise,
  fakeQuantize,
  multiply,
  power,
  prelu,
  relu,
  scaleShift,
  sigmoid,
  subtract,
} from './pointwise.ts';
import {
  constant,
  flatten,
  passThrough,
  reshape,
  squeeze,
  transpose,
  unsqueeze,
} from './shaping.ts';

/** Appends `layer` to the graph, or works out a constant. */
export type ImportLayer = (layer: IrLayer, at: IrContext) => IrValue;

const LAYERS: Readonly<Record<string, ImportLayer>> = {
  Const: constant,
  Convert: passThrough,
  Dropout: passThrough,
  Result: passThrough,
  Convolution: convolution,
  GroupConvolution: groupConvolution,
  FullyConnected: fullyConnected,
  MatMul: matMul,
  Add: add,
  Subtract: subtract,
  Multiply: multiply,
  Divide: divide,
  Eltwise: eltwise,
  ScaleShift: scaleShift,
  Power: power,
  PReLU: prelu,
  ReLU: relu,
  Clamp: clamp,
  Sigmoid: sigmoid,
  Activation: activation,
  AvgPool: averagePool,
  Pooling: averagePool,
  ReduceMean: reduceMean,
  NormalizeL2: normalizeL2,
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
};

export const SUPPORTED_LAYERS: readonly string[] = ['Parameter', 'Input', ...Object.keys(LAYERS)];

const BY_TYPE: ReadonlyMap<string, ImportLayer> = new Map([
  ...Object.entries(LAYERS).map(([type, layer]) => [type.toLowerCase(), layer] as const),
  ['fakequantize', fakeQuantize],
]);

export function layerImporter(type: string): ImportLayer | undefined {
  return BY_TYPE.get(type.toLowerCase());
}
