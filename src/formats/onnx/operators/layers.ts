/** Conv, Gemm, MatMul, BatchNormalization, pooling and L2 normalisation of float networks. */

import type { Shape, Tensor } from '../../../graph/graph.ts';
import { expect, sizeOf } from '../../../graph/limits.ts';
import { type Constant, intsOf, mapped, numbersOf, tensorOf, transposed2d } from '../constant.ts';
import {
  type Activation,
  floatAttribute,
  intAttribute,
  intsAttribute,
  isPlain,
  type OnnxContext,
  type OperatorImport,
  outputOf,
  textAttribute,
  unsupported,
  whereOf,
} from '../context.ts';
import type { OnnxNode } from '../model.ts';
import { channelled } from './activations.ts';
import { matrixOf } from './layout.ts';

/** Far below what a norm of an embedding can be; keeps 0 / 0 out. */
const NORM_EPS = 1e-12;

export const conv: OperatorImport = (node, context) => {
  const weight = context.constant(node, 1);
  const bias = context.optionalConstant(node, 2);
  return emitConv(node, context, weight, bias && numbersOf(bias, whereOf(node)));
};

/** `weight` is OIHW; the input is the node's first. */
export function emitConv(
  node: OnnxNode,
  context: OnnxContext,
  weight: Constant,
  bias: Float64Array | undefined,
): Activation {
  const x = context.activation(node, 0);
  const where = whereOf(node);
  const spatial = isPlain(x) && x.shape.length === 3;
  expect(spatial, 'unsupported_operator', where, 'an input [1, C, H, W]', [...x.dims]);
  expect(weight.dims.length === 4, 'unsupported_operator', where, 'weights OIHW', [...weight.dims]);
  const kernel = weight.dims.slice(2) as [number, number];
  const stated = intsAttribute(node, 'kernel_shape') ?? kernel;
  const agrees = stated.length === 2 && stated.every((n, i) => n === kernel[i]);
  expect(agrees, 'bad_model', where, `kernel_shape [${kernel}] of its weights`, [...stated]);
  const dilations = intsAttribute(node, 'dilations') ?? [1, 1];
  const dense = dilations.every((n) => n === 1);
  expect(dense, 'unsupported_operator', where, 'dilations of 1', [...dilations]);
  const stride = pair(node, intsAttribute(node, 'strides') ?? [1, 1], 'strides');
  return context.emit({
    op: 'conv',
    name: outputOf(node),
    inputs: [x.name],
    weight: tensorOf(context.weight(weight, node)),
    bias,
    stride,
    pads: padsOf(node, x.shape, kernel, stride),
    group: intAttribute(node, 'group', 1),
  });
}

type Pads = readonly [number, number, number, number];

/** top, left, bottom, right; `auto_pad` SAME puts the odd pixel at the end (UPPER) or start. */
function padsOf(
  node: OnnxNode,
  shape: Shape,
  kernel: readonly [number, number],
  stride: readonly [number, number],
): Pads {
  const mode = textAttribute(node, 'auto_pad', 'NOTSET');
  if (mode === 'VALID') return [0, 0, 0, 0];
  if (mode === 'NOTSET' || mode === '') {
    const pads = intsAttribute(node, 'pads') ?? [0, 0, 0, 0];
    expect(pads.length === 4, 'bad_model', whereOf(node), 'four pads', [...pads]);
    return pads as readonly number[] as Pads;
  }
  if (mode !== 'SAME_UPPER' && mode !== 'SAME_LOWER') {
    throw unsupported(node, 'auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER', mode);
  }
  const ends = [0, 1].map((axis) => {
    const size = shape[axis + 1] as number;
    const step = stride[axis] as number;
    const steps = Math.ceil(size / step) - 1;
    const total = Math.max(0, steps * step + (kernel[axis] as number) - size);
    const small = Math.floor(total / 2);
    return mode === 'SAME_UPPER' ? [small, total - small] : [total - small, small];
  }) as [[number, number], [number, number]];
  return [ends[0][0], ends[1][0], ends[0][1], ends[1][1]];
}

function pair(node: OnnxNode, values: readonly number[], what: string): [number, number] {
  expect(values.length === 2, 'unsupported_operator', whereOf(node), `two ${what}`, [...values]);
  return [values[0] as number, values[1] as number];
}

/** Parameters are per channel whatever `spatial` says: the exporter wrote 0 and meant 1. */
export const batchNormalization: OperatorImport = (node, context) => {
  const x = channelled(node, context);
  const channels = x.shape[0];
  if (intAttribute(node, 'training_mode', 0) !== 0) {
    throw unsupported(node, 'inference', 'training_mode 1; export the model in evaluation mode');
  }
  if (intAttribute(node, 'spatial', 1) === 0) {
    context.note('repaired: BatchNormalization with spatial=0 is read as spatial=1, per channel');
  }
  const parameter = (index: number, what: string): Float64Array =>
    context.vector(context.constant(node, index), channels, what, node);
  const gamma = parameter(1, 'scales');
  const beta = parameter(2, 'shifts');
  const mean = parameter(3, 'means');
  const variance = parameter(4, 'variances');
  const eps = floatAttribute(node, 'epsilon', 1e-5);
  const scale = gamma.map((g, c) => g / Math.sqrt((variance[c] as number) + eps));
  const shift = beta.map((b, c) => b - (mean[c] as number) * (scale[c] as number));
  const y = context.emitAffine(node, x, scale, shift, { mean, variance });
  context.batchNorms.add(y.name);
  return y;
};

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
  const outputs = scaled.dims[0] ?? 0;
  const full = bias?.length === 1 ? new Float64Array(outputs).fill(bias[0] as number) : bias;
  return emitFc(node, context, matrixOf(scaled, node, context), full);
}

export const matMul: OperatorImport = (node, context) => {
  const matrix = transposed2d(context.constant(node, 1), whereOf(node));
  return emitFc(node, context, matrixOf(matrix, node, context), undefined);
};

/** `weight` is [O, K]; the input is the node's first, [1, K]. */
export function emitFc(
  node: OnnxNode,
  context: OnnxContext,
  weight: Tensor,
  bias: Float64Array | undefined,
): Activation {
  const x = context.activation(node, 0);
  const flat = x.dims.length === 2 && isPlain(x);
  const expected = 'an input [1, K], flattened';
  expect(flat, 'unsupported_operator', whereOf(node), expected, [...x.dims]);
  return context.emit({ op: 'fc', name: outputOf(node), inputs: [x.name], weight, bias });
}

export const globalAveragePool: OperatorImport = (node, context) => pool(node, context, true);

/** Over height and width only. */
export const reduceMean: OperatorImport = (node, context) => {
  const axes = reducedAxes(node, context);
  const spatial = axes.length === 2 && axes[0] === 2 && axes[1] === 3;
  expect(spatial, 'unsupported_operator', whereOf(node), 'a mean over axes 2 and 3', axes);
  return pool(node, context, intAttribute(node, 'keepdims', 1) !== 0);
};

/** Only where the window is the whole picture. */
export const averagePool: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  const kernel = intsAttribute(node, 'kernel_shape') ?? [];
  const mode = textAttribute(node, 'auto_pad', 'NOTSET');
  const plain = ['', 'NOTSET', 'VALID'].includes(mode);
  expect(plain, 'unsupported_operator', whereOf(node), 'auto_pad NOTSET or VALID', mode);
  const dilations = intsAttribute(node, 'dilations') ?? [];
  const dense = dilations.every((n) => n === 1);
  expect(dense, 'unsupported_operator', whereOf(node), 'dilations of 1', [...dilations]);
  const padded = (intsAttribute(node, 'pads') ?? []).some((n) => n !== 0);
  const whole = kernel.length === 2 && kernel[0] === x.shape[1] && kernel[1] === x.shape[2];
  if (!whole || padded) {
    throw unsupported(node, `a window of the whole [${x.dims}]`, `kernel [${kernel}]`);
  }
  return pool(node, context, true);
};

function pool(node: OnnxNode, context: OnnxContext, keepDims: boolean): Activation {
  const x = context.activation(node, 0);
  const spatial = isPlain(x) && x.shape.length === 3;
  expect(spatial, 'unsupported_operator', whereOf(node), 'an input [1, C, H, W]', [...x.dims]);
  const name = keepDims ? outputOf(node) : `${outputOf(node)}/mean`;
  const mean = context.emit({ op: 'global_average_pool', name, inputs: [x.name] });
  if (keepDims) return mean;
  return context.emit({ op: 'flatten', name: outputOf(node), inputs: [mean.name] });
}

/** x / |x| over all features. */
export const lpNormalization: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  const axis = intAttribute(node, 'axis', -1);
  const overFeatures = isPlain(x) && x.shape.length === 1 && (axis === 1 || axis === -1);
  if (!overFeatures || intAttribute(node, 'p', 2) !== 2) {
    throw unsupported(node, 'the L2 norm over the features of [1, F]', `[${x.dims}], axis ${axis}`);
  }
  const name = outputOf(node);
  return context.emit({ op: 'l2_normalize', name, inputs: [x.name], eps: NORM_EPS }, x.dims);
};

export const reduceL2: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  const [axis, ...others] = reducedAxes(node, context);
  const overFeatures = isPlain(x) && x.shape.length === 1 && axis === 1 && others.length === 0;
  if (!overFeatures) throw unsupported(node, 'the norm over the features of [1, F]', `[${x.dims}]`);
  return { kind: 'norm', of: x, eps: NORM_EPS };
};

/** Axes as an attribute or (opset 13 / 18) as an input, none negative, sorted. */
function reducedAxes(node: OnnxNode, context: OnnxContext): number[] {
  const x = context.activation(node, 0);
  const stated = context.optionalConstant(node, 1);
  const axes = stated ? intsOf(stated, whereOf(node)) : intsAttribute(node, 'axes');
  const all = axes ?? x.dims.map((_, i) => i);
  return all.map((axis) => (axis < 0 ? axis + x.dims.length : axis)).sort((a, b) => a - b);
}
