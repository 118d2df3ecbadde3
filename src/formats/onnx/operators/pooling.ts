/**
 * Pooling: over the whole picture, by windows of one pixel (subsampling), averages of small windows as
 * depthwise convolutions; reductions over height and width. Refuses maxima of more than one pixel.
 */

import type { Tensor } from '../../../graph/graph.ts';
import { expect, sizeOf } from '../../../graph/limits.ts';
import { isOnePixel, orderOf } from '../activation.ts';
import { intAttribute, intsAttribute } from '../attributes.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import type { Activation } from '../values.ts';
import { padsOf, pair, pictureOf, requireDense } from './conv.ts';
import { reducedAxes, withoutAxes } from './dims.ts';
import { summedSquares } from './norm.ts';
import { subsampled } from './parts.ts';

type Pair = readonly [number, number];

export const globalAveragePool: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  pictureOf(node, x);
  const means = x.dims.map((n, i) => (i < 2 ? n : 1));
  return mean(node, context, x, means, outputOf(node));
};

/** Over height and width only. */
export const reduceMean: OperatorImport = (node, context) => {
  const [x, dims] = overPixels(node, context);
  return mean(node, context, x, dims, outputOf(node));
};

/** Of squares: a step of an L2 normalisation. Of anything else over height and width only. */
export const reduceSum: OperatorImport = (node, context) => {
  const squares = summedSquares(node, context);
  if (squares) return squares;
  const [x, dims] = overPixels(node, context);
  const average = mean(node, context, x, dims, `${outputOf(node)}/mean`);
  return context.emitAffine(node, average, sizeOf(x.shape.slice(1)), 0);
};

/** What is reduced over its pixels, and the dimensions of the result. */
function overPixels(node: OnnxNode, context: OnnxContext): [Activation, number[]] {
  const x = context.activation(node, 0);
  const axes = reducedAxes(node, x.dims.length, context.optionalConstant(node, 1));
  const reduced = axes.flatMap((axis) => x.axes[axis] ?? []);
  const isAll = orderOf(x).every((axis) => (axis === 0) !== reduced.includes(axis));
  const got = `axes ${axes.join(', ')} of [${x.dims}]`;
  if (!isAll) throw unsupported(node, 'a reduction over height and width', got);
  return [x, withoutAxes(node, x.dims, axes)];
}

function mean(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  dims: readonly number[],
  name: string,
): Activation {
  const axes = placesOf(x, dims);
  // One pixel is its own mean.
  if (isOnePixel(x)) return { ...x, dims: [...dims], axes };
  expect(x.shape.length === 3, 'unsupported_operator', whereOf(node), 'an input [1, C, H, W]', [
    ...x.dims,
  ]);
  const pooled = context.builder.add({ op: 'global_average_pool', name, inputs: [x.name] });
  const shape = context.builder.shapeOf(pooled);
  const range = context.ranges.get(x.name);
  if (range) context.ranges.set(pooled, range);
  const layout = { dims: [...dims], axes, flatName: undefined };
  return { ...x, name: pooled, shape, extents: shape, ...layout };
}

/** The channel is what is left. */
function placesOf(x: Activation, dims: readonly number[]): number[][] {
  const channels = x.extents[0];
  let placed = channels === 1;
  return dims.map((n) => {
    const isChannel = !placed && n === channels;
    placed ||= isChannel;
    return isChannel ? [0] : [];
  });
}

/** The whole picture, single pixels, or windows without padding. */
export const averagePool: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  const [channels, height, width] = pictureOf(node, x);
  const kernel = pair(node, intsAttribute(node, 'kernel_shape') ?? [], 'sides of a window');
  const stride = pair(node, intsAttribute(node, 'strides') ?? [1, 1], 'strides');
  requireDense(node, kernel);
  const pads = padsOf(node, x.dims, kernel, stride);
  const padded = pads.some((n) => n !== 0);
  const whole = kernel[0] === height && kernel[1] === width;
  if (whole && !padded) return globalAveragePool(node, context);
  if (kernel.every((n) => n === 1)) return singlePixels(node, context, x, stride);
  if (padded && intAttribute(node, 'count_include_pad', 0) === 0) {
    throw unsupported(node, 'no padding, or count_include_pad 1', 'count_include_pad 0');
  }
  const [top, left, bottom, right] = pads;
  requireWhole(node, [height + top + bottom, width + left + right], kernel, stride);
  const weight = averages(channels, kernel);
  const inputs = [x.name];
  return context.emit({
    op: 'conv',
    name: outputOf(node),
    inputs,
    weight,
    stride,
    pads,
    group: channels,
  });
};

function averages(channels: number, [kh, kw]: Pair): Tensor {
  const read = (): Float32Array => new Float32Array(channels * kh * kw).fill(1 / (kh * kw));
  return { shape: [channels, 1, kh, kw], read };
}

/** Windows of one pixel: the shortcut of AdaFace's, CurricularFace's and face.evoLVe's networks. */
export const maxPool: OperatorImport = (node, context) => {
  const x = context.rearrangeable(node, 0);
  const kernel = pair(node, intsAttribute(node, 'kernel_shape') ?? [], 'sides of a window');
  const stride = pair(node, intsAttribute(node, 'strides') ?? [1, 1], 'strides');
  if (kernel.some((n) => n !== 1)) {
    throw unsupported(node, 'windows of one pixel, subsampling', `windows of ${kernel.join('x')}`);
  }
  pictureOf(node, x);
  const y = singlePixels(node, context, x, stride);
  return [y, { kind: 'unread', what: 'the indices of a MaxPool' }];
};

/** Whatever `ceil_mode` says: a window has to start inside the picture. */
function singlePixels(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  stride: Pair,
): Activation {
  if (padsOf(node, x.dims, [1, 1], stride).some((n) => n !== 0)) {
    throw unsupported(node, 'windows of one pixel without padding', 'some padding');
  }
  const name = context.builder.subsample(outputOf(node), x.name, stride);
  const shape = context.builder.shapeOf(name);
  return subsampled(x, context, name, [1, ...shape]);
}

/** With `ceil_mode` a last window may hang over the edge, and counts fewer pixels. */
function requireWhole(node: OnnxNode, sides: Pair, kernel: Pair, stride: Pair): void {
  const fits = [0, 1].every((i) => {
    const rest = (sides[i] as number) - (kernel[i] as number);
    return rest % (stride[i] as number) === 0;
  });
  if (fits || intAttribute(node, 'ceil_mode', 0) === 0) return;
  throw unsupported(node, 'ceil_mode 0', 'ceil_mode 1 and windows that hang over the edge');
}
