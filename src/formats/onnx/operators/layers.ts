/** Gemm, MatMul and BatchNormalization of float networks. */

import type { Tensor } from '../../../graph/graph.ts';
import { expect, sizeOf } from '../../../graph/limits.ts';
import { inGraphOrder, isFlat, isInOrder } from '../activation.ts';
import { floatAttribute, intAttribute } from '../attributes.ts';
import { type Constant, numbersOf, tensorOf } from '../constant.ts';
import { mapped, transposed2d } from '../constant-views.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import type { Activation } from '../values.ts';
import { channelVectors } from './channels.ts';

/** Parameters are per channel whatever `spatial` says: the exporter wrote 0 and meant 1. */
export const batchNormalization: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  requireInference(node, context);
  if (intAttribute(node, 'spatial', 1) === 0) {
    context.note('repaired: BatchNormalization with spatial=0 is read as spatial=1, per channel');
  }
  const channels = x.dims[1] ?? 0;
  const parameter = (index: number, what: string): Float64Array =>
    context.vector(context.constant(node, index), channels, what, node);
  const gamma = parameter(1, 'scales');
  const beta = parameter(2, 'shifts');
  const mean = parameter(3, 'means');
  const variance = parameter(4, 'variances');
  const eps = floatAttribute(node, 'epsilon', 1e-5);
  const scale = gamma.map((g, c) => g / Math.sqrt((variance[c] as number) + eps));
  const shift = beta.map((b, c) => b - (mean[c] as number) * (scale[c] as number));
  const placed = channelVectors(node, context, x, 1, [scale, shift, mean, variance]);
  if (!placed) throw unsupported(node, 'channels on axis 1', `[${x.dims}]`);
  const [s, t, m, v] = placed[1] as [Float64Array, Float64Array, Float64Array, Float64Array];
  const y = context.emitAffine(node, placed[0], s, t, { mean: m, variance: v });
  context.batchNorms.add(y.name);
  return y;
};

/** Attribute `training_mode` since opset 14; before, further outputs were how a file asked for it. */
function requireInference(node: OnnxNode, context: OnnxContext): void {
  const wanted = node.outputs.slice(1).some((name) => name !== '');
  const stated = intAttribute(node, 'training_mode', 0) !== 0;
  if (!stated && !(wanted && context.opsetOf(node) >= 7)) return;
  const got = stated ? 'training_mode 1' : 'statistics as further outputs';
  throw unsupported(node, 'inference', `${got}; export the model in evaluation mode`);
}

/** Y = alpha * x * B + beta * C, x of one row. */
export const gemm: OperatorImport = (node, context) => {
  const alpha = floatAttribute(node, 'alpha', 1);
  const beta = floatAttribute(node, 'beta', 1);
  const finite = Number.isFinite(alpha) && Number.isFinite(beta);
  expect(finite, 'bad_model', whereOf(node), 'finite alpha and beta', [alpha, beta]);
  const c = context.optionalConstant(node, 2);
  if (c) requireRow(node, c);
  const bias = c && numbersOf(c, whereOf(node)).map((value) => value * beta);
  return emitGemm(node, context, context.constant(node, 1), { alpha, bias });
};

/** C against one row: one value, [N] or [1, N]. */
export function requireRow(node: OnnxNode, c: Constant): void {
  const fits = c.dims.length <= 2 && sizeOf(c.dims) === (c.dims.at(-1) ?? 1);
  expect(fits, 'unsupported_operator', whereOf(node), 'a bias of one row', [...c.dims]);
}

/** `matrix` is [K, N], or [N, K] with attribute `transB`. A bias of one value holds for all. */
export function emitGemm(
  node: OnnxNode,
  context: OnnxContext,
  matrix: Constant,
  { alpha, bias }: { alpha: number; bias: Float64Array | undefined },
): Activation {
  if (intAttribute(node, 'transA', 0) !== 0) throw unsupported(node, 'transA 0', 'transA 1');
  const rows = intAttribute(node, 'transB', 0) === 0 ? transposed2d(matrix, whereOf(node)) : matrix;
  const scaled = alpha === 1 ? rows : mapped(rows, (value) => value * alpha, whereOf(node));
  return emitFc(node, context, scaled, bias);
}

export const matMul: OperatorImport = (node, context) =>
  emitFc(node, context, transposed2d(context.constant(node, 1), whereOf(node)), undefined);

/** `matrix` is [O, K]; the input is the node's first, [1, K]. */
export function emitFc(
  node: OnnxNode,
  context: OnnxContext,
  matrix: Constant,
  bias: Float64Array | undefined,
): Activation {
  const x = context.activation(node, 0);
  const isMatrix = matrix.dims.length === 2;
  expect(isMatrix, 'bad_model', whereOf(node), 'a weight matrix', [...matrix.dims]);
  const isRow = x.dims.length >= 1 && isFlat(x) && sizeOf(x.dims) === x.dims.at(-1);
  expect(isRow, 'unsupported_operator', whereOf(node), 'an input [1, K], flattened', [...x.dims]);
  const outputs = matrix.dims[0] as number;
  const weight = inFeatureOrder(x, tensorOf(context.weight(matrix, node)));
  const full = bias?.length === 1 ? new Float64Array(outputs).fill(bias[0] as number) : bias;
  const { name } = context.flat(x, node);
  const y = context.emit({ op: 'fc', name: outputOf(node), inputs: [name], weight, bias: full });
  // As many leading axes of size 1 as the input has.
  const dims = [...x.dims.slice(0, -1), outputs];
  return { ...y, dims, axes: dims.map((n, i) => (i === dims.length - 1 && n > 1 ? [0] : [])) };
}

/** Columns in the graph's order, C-major, where the file counted its features in another. */
function inFeatureOrder(x: Activation, weight: Tensor): Tensor {
  if (isInOrder(x)) return weight;
  const [outputs = 0, features = 0] = weight.shape;
  const place = x.dims.length - 1;
  const read = (): Float32Array => {
    const order = inGraphOrder(
      x,
      place,
      Float64Array.from({ length: features }, (_, k) => k),
    );
    const from = weight.read();
    const to = new Float32Array(from.length);
    for (let o = 0; o < outputs; o++) {
      const row = o * features;
      for (let k = 0; k < features; k++) to[row + k] = from[row + (order[k] as number)] as number;
    }
    return to;
  };
  return { shape: weight.shape, read };
}
