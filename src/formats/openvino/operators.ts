/**
 * The OpenVINO layers of this model family, opsets and versions 5 to 7 in one table: by type in lower
 * case (files differ in spelling: PReLU, PRelu) what reads them, and the attributes that it knows.
 * `import.ts` refuses types that are not in it, and says which attributes were left out.
 */

import { activation, bound, clamp, prelu, relu, sigmoid, swish } from './activations.ts';
import { concat, gather, reduceProd, shapeOf, stridedSlice } from './computed.ts';
import type { IrContext } from './context.ts';
import type { IrLayer } from './ir.ts';
import {
  batchNormInference,
  convolution,
  fullyConnected,
  groupConvolution,
  matMul,
} from './layers.ts';
import { normalize, normalizeL2, power, reduceL2, reduceMean, reduceSum, sqrt } from './norms.ts';
import { add, divide, eltwise, multiply, negative, scaleShift, subtract } from './pointwise.ts';
import { fakeQuantize } from './quantized.ts';
import {
  broadcast,
  constant,
  convert,
  convertLike,
  flatten,
  passThrough,
  reshape,
  squeeze,
  tile,
  transpose,
  unsqueeze,
} from './shaping.ts';
import type { IrValue } from './values.ts';
import { averagePool, maxPool, pad, pooling } from './windows.ts';

/** Appends `layer` to the graph, or works out a constant. */
export type ImportLayer = (layer: IrLayer, at: IrContext) => IrValue;

const WINDOW = 'strides pads_begin pads_end auto_pad kernel';
const POOLING = `${WINDOW} exclude-pad exclude_pad rounding_type rounding-type`;
const CONVOLUTION = `${WINDOW} dilations group output`;
const BINARY = 'auto_broadcast m_pythondiv';
const MASKS = 'begin_mask end_mask new_axis_mask shrink_axis_mask ellipsis_mask';

// biome-ignore format: one table
const LAYERS: readonly (readonly [type: string, attributes: string, read: ImportLayer])[] = [
  ['Const', 'element_type shape offset size', constant],
  ['Convert', 'destination_type precision', convert],
  ['ConvertLike', '', convertLike],
  ['Result', '', passThrough],
  ['Dropout', '', passThrough],
  ['Convolution', CONVOLUTION, convolution],
  ['GroupConvolution', CONVOLUTION, groupConvolution],
  ['FullyConnected', 'out-size', fullyConnected],
  ['MatMul', 'transpose_a transpose_b', matMul],
  ['BatchNormInference', 'eps epsilon', batchNormInference],
  ['Add', BINARY, add],
  ['Subtract', BINARY, subtract],
  ['Multiply', BINARY, multiply],
  ['Divide', BINARY, divide],
  ['Maximum', BINARY, bound('min')],
  ['Minimum', BINARY, bound('max')],
  ['Negative', '', negative],
  ['Power', `${BINARY} power scale shift`, power],
  ['Sqrt', '', sqrt],
  ['Eltwise', 'operation coeff', eltwise],
  ['ScaleShift', '', scaleShift],
  ['PReLU', 'channel_shared', prelu],
  ['ReLU', 'negative_slope', relu],
  ['Clamp', 'min max', clamp],
  ['Sigmoid', '', sigmoid],
  ['Swish', '', swish],
  ['Activation', 'type negative_slope min max', activation],
  ['AvgPool', POOLING, averagePool],
  ['MaxPool', `${POOLING} dilations index_element_type axis`, maxPool],
  ['Pooling', `${POOLING} pool-method`, pooling],
  ['Pad', 'pad_mode pads_begin pads_end pad_value', pad],
  ['ReduceMean', 'keep_dims', reduceMean],
  ['ReduceSum', 'keep_dims', reduceSum],
  ['ReduceL2', 'keep_dims', reduceL2],
  ['ReduceProd', 'keep_dims', reduceProd],
  ['NormalizeL2', 'eps eps_mode', normalizeL2],
  ['Normalize', 'across_spatial channel_shared eps', normalize],
  ['FakeQuantize', 'levels auto_broadcast', fakeQuantize],
  ['Reshape', 'special_zero dim axis num_axes', reshape],
  ['Flatten', 'axis end_axis', flatten],
  ['Squeeze', 'allow_axis_skip', squeeze],
  ['Unsqueeze', '', unsqueeze],
  ['Transpose', '', transpose],
  ['Permute', 'order', transpose],
  ['Broadcast', 'mode', broadcast],
  ['Tile', 'axis tiles', tile],
  ['ShapeOf', 'output_type', shapeOf],
  ['Gather', 'batch_dims axis', gather],
  ['Concat', 'axis', concat],
  ['StridedSlice', MASKS, stridedSlice],
];

export const SUPPORTED_LAYERS: readonly string[] = [
  'Parameter',
  'Input',
  ...LAYERS.map(([type]) => type),
];

interface Supported {
  readonly read: ImportLayer;
  readonly attributes: ReadonlySet<string>;
}

const BY_TYPE: ReadonlyMap<string, Supported> = new Map(
  LAYERS.map(([type, attributes, read]) => [
    type.toLowerCase(),
    { read, attributes: new Set(attributes.split(' ')) },
  ]),
);

export function supportedLayer(type: string): Supported | undefined {
  return BY_TYPE.get(type.toLowerCase());
}

/** Attributes that `layer` states and its reader does not ask for. */
export function unknownAttributes(layer: IrLayer): string[] {
  const known = supportedLayer(layer.type)?.attributes;
  return [...layer.data.keys()].filter((key) => !known?.has(key));
}
