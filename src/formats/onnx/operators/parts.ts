/**
 * Operators that pick or join parts of a value: strided slices are subsampling, channels in another order
 * a convolution of one tap, concatenation along channels a node of the graph. Refuses every other part.
 */

import { expect } from '../../../graph/limits.ts';
import { channelDim, haveSameLayout, isOnePixel } from '../activation.ts';
import { intAttribute } from '../attributes.ts';
import { intsOf } from '../constant.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import type { Activation } from '../values.ts';
import { axisOf, slicesOf, splitSizes } from './dims.ts';
import { redimensioned } from './layout.ts';

type Dims = readonly number[];

/** Every n-th row and column; everything else has to be left whole. */
export const slice: OperatorImport = (node, context) => {
  const x = context.rearrangeable(node, 0);
  const inputs = node.inputs.map((_, i) =>
    i === 0 ? undefined : context.optionalConstant(node, i),
  );
  const stride: [number, number] = [1, 1];
  const offset: [number, number] = [0, 0];
  const dims = [...x.dims];
  const ranges = slicesOf(node, x.dims, inputs);
  const [first] = ranges;
  // x[..., ::-1], the one step below 0 that means something.
  if (first?.step === -1 && first.end === -1 && ranges.length === 1) {
    const backwards = Array.from({ length: first.start + 1 }, (_, i) => first.start - i);
    return channelsAt(node, context, x, first.axis, backwards, outputOf(node));
  }
  for (const { axis, start, end, step } of ranges) {
    const length = x.dims[axis] as number;
    if (start === 0 && end === length && (step === 1 || length === 1)) continue;
    const [side, ...others] = x.axes[axis] ?? [];
    const isSide = x.shape.length === 3 && others.length === 0 && (side === 1 || side === 2);
    const taken = (to: number): number => Math.ceil((to - start) / step);
    const reachesEnd = step > 0 && start < end && taken(end) === taken(length);
    if (!isSide || !reachesEnd) {
      const got = `${start}..${end} by ${step} of axis ${axis} of [${x.dims}]`;
      throw unsupported(node, 'every n-th row and column of [1, C, H, W]', got);
    }
    stride[side - 1] = step;
    offset[side - 1] = start;
    dims[axis] = taken(length);
  }
  const name = context.builder.subsample(outputOf(node), x.name, stride, offset);
  return name === x.name ? x : subsampled(x, context, name, dims);
};

/** The only entry of an axis, or channels in another order. */
export const gather: OperatorImport = (node, context) => {
  const x = context.rearrangeable(node, 0);
  const places = context.constant(node, 1);
  const axis = axisOf(node, intAttribute(node, 'axis', 0), x.dims.length);
  const size = x.dims[axis] as number;
  const taken = intsOf(places, whereOf(node)).map((place) => axisOf(node, place, size));
  if (size === 1 && taken.length === 1) {
    const dims = [...x.dims.slice(0, axis), ...places.dims, ...x.dims.slice(axis + 1)];
    return redimensioned(node, x, dims);
  }
  if (places.dims.length === 1) return channelsAt(node, context, x, axis, taken, outputOf(node));
  throw unsupported(node, 'the only entry of an axis', `one of axis ${axis} of [${x.dims}]`);
};

/** Parts of few channels: how graphs turn RGB into BGR, with a Concat behind it. */
export const split: OperatorImport = (node, context) => {
  const x = context.rearrangeable(node, 0);
  const axis = axisOf(node, intAttribute(node, 'axis', 0), x.dims.length);
  const stated = context.optionalConstant(node, 1);
  const sizes = splitSizes(node, x.dims[axis] as number, stated);
  let start = 0;
  return sizes.map((count, part) => {
    const taken = Array.from({ length: count }, (_, i) => start + i);
    start += count;
    return channelsAt(node, context, x, axis, taken, node.outputs[part] ?? '');
  });
};

/** More would be a real layer of weights that only move numbers. */
const MAX_MOVED_CHANNELS = 16;

/**
 * Channels `taken` of `x`, along dimension `axis`. A graph has no operator that moves channels: it is a 1x1
 * convolution of zeros and ones, and `graph-start.ts` knows one that exchanges red and blue again.
 */
function channelsAt(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  axis: number,
  taken: readonly number[],
  name: string,
): Activation {
  const channels = x.shape[0];
  const isChannel = x.shape.length === 3 && channelDim(x) === axis;
  if (!isChannel || channels > MAX_MOVED_CHANNELS || taken.length === 0) {
    const got = `entries ${taken.slice(0, 4)} of axis ${axis} of [${x.dims}]`;
    throw unsupported(node, `a choice among at most ${MAX_MOVED_CHANNELS} channels`, got);
  }
  const weight = new Float32Array(taken.length * channels);
  for (const [row, channel] of taken.entries()) weight[row * channels + channel] = 1;
  const moved = context.builder.add({
    op: 'conv',
    name,
    inputs: [x.name],
    weight: { shape: [taken.length, channels, 1, 1], read: () => weight.slice() },
    stride: [1, 1],
    pads: [0, 0, 0, 0],
    group: 1,
  });
  const extents = context.builder.shapeOf(moved);
  const range = context.ranges.get(x.name);
  if (range) context.ranges.set(moved, range);
  const dims = x.dims.map((n, i) => (i === axis ? taken.length : n));
  const axes = x.axes.map((group, i) => (i === axis && taken.length === 1 ? [] : group));
  return { ...x, name: moved, shape: extents, extents, dims, axes, flatName: undefined };
}

/** The layout of `x` for its subsampled form. */
export function subsampled(
  x: Activation,
  context: OnnxContext,
  name: string,
  dims: Dims,
): Activation {
  const range = context.ranges.get(x.name);
  if (range) context.ranges.set(name, range);
  const extents = context.builder.shapeOf(name);
  const axes = x.axes.map((group) => group.filter((axis) => (extents[axis] as number) > 1));
  return { ...x, name, shape: extents, extents, dims, axes };
}

/** Along the channels. */
export const concat: OperatorImport = (node, context) => {
  const parts = node.inputs.map((_, i) => context.activation(node, i));
  const [first] = parts;
  expect(first !== undefined, 'bad_model', whereOf(node), 'at least 1 input', 0);
  const axis = axisOf(node, intAttribute(node, 'axis', 1), first.dims.length);
  const shown = parts.map(({ dims }) => `[${dims}]`).join(' and ');
  let joined = first;
  for (const [i, part] of parts.entries()) {
    if (i === 0) continue;
    const fits = haveChannelsAt(joined, axis) && haveChannelsAt(part, axis);
    if (!fits || !sameBeside(joined, part, axis)) {
      throw unsupported(node, 'parts that differ in their channels alone', shown);
    }
    const isLast = i === parts.length - 1;
    joined = joinedPair(context, joined, part, axis, `${outputOf(node)}${isLast ? '' : `/${i}`}`);
  }
  return joined;
};

function joinedPair(
  context: OnnxContext,
  a: Activation,
  b: Activation,
  axis: number,
  name: string,
): Activation {
  const sum = context.builder.add({ op: 'concat', name, inputs: [a.name, b.name] });
  const extents = context.builder.shapeOf(sum);
  const ranges = [a, b].map((part) => context.ranges.get(part.name));
  const [first, second] = ranges;
  if (first && second) {
    const [low, high] = [Math.min(first[0], second[0]), Math.max(first[1], second[1])];
    context.ranges.set(sum, [low, high]);
  }
  const dims = a.dims.map((n, k) => (k === axis ? n + (b.dims[axis] as number) : n));
  const axes = a.axes.map((group, k) => (k === axis ? [0] : group));
  return { ...a, name: sum, shape: extents, extents, dims, axes, flatName: undefined };
}

function haveChannelsAt(x: Activation, axis: number): boolean {
  const place = channelDim(x);
  if (x.shape.length === 1 && !isOnePixel(x)) return false;
  // A single channel has no place of its own.
  return x.shape[0] === 1 ? x.dims[axis] === 1 : place === axis;
}

function sameBeside(a: Activation, b: Activation, axis: number): boolean {
  const beside = (x: Activation): Activation => ({
    ...x,
    extents: x.extents.length === 3 ? [1, x.extents[1], x.extents[2]] : [1],
    dims: x.dims.filter((_, i) => i !== axis),
    axes: x.axes.filter((_, i) => i !== axis),
  });
  const alike = a.shape.length === b.shape.length || (isOnePixel(a) && isOnePixel(b));
  return alike && haveSameLayout(beside(a), beside(b));
}
