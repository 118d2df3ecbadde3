/**
 * Operators that only rearrange: flatten and its many spellings, reshapes and transposes of activations
 * (`activation.ts` keeps the books), and those that pick or join parts: strided slices are subsampling,
 * concatenation along channels a node of the graph. Refuses what would cut through an axis.
 */

import { expect, sizeOf } from '../../../graph/limits.ts';
import { flipNode, isFlip } from '../../channel-flip.ts';
import {
  channelDim,
  haveSameLayout,
  isFlat,
  permutedActivation,
  regrouped,
} from '../activation.ts';
import { floatAttribute, intAttribute, intsAttribute, textAttribute } from '../attributes.ts';
import { intsOf, scalarOf } from '../constant.ts';
import { broadcastDims } from '../constant-views.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import { BOOL, integerRange, isFloatType, typeName } from '../data-types.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import { type Activation, constantValue, type Value } from '../values.ts';
import { shapeOfDims } from './constant-shapes.ts';
import {
  axisOf,
  flattened,
  orderOfAxes,
  resolvedDims,
  slicesOf,
  squeezed,
  statedAxes,
  unsqueezed,
} from './dims.ts';

type Dims = readonly number[];

export const flatten: OperatorImport = (node, context) => {
  const x = context.anyActivation(node, 0);
  return redimensioned(node, x, flattened(node, x.dims));
};

export const reshape: OperatorImport = (node, context) => {
  const value = oneNumber(node, context);
  if (value) return value;
  const x = context.anyActivation(node, 0);
  const target = intsAttribute(node, 'shape') ?? intsOf(context.constant(node, 1), whereOf(node));
  const [first, ...rest] = target;
  const stated = context.statedBatch;
  // A batch size that the file fixes is a batch of 1 here.
  const batchOfOne = stated !== undefined && stated > 1 && first === stated ? [1, ...rest] : target;
  return redimensioned(node, x, resolvedDims(node, batchOfOne, x.dims));
};

export const squeeze: OperatorImport = (node, context) => {
  const value = oneNumber(node, context);
  if (value) return value;
  const x = context.anyActivation(node, 0);
  const axes = statedAxes(node, context.optionalConstant(node, 1));
  return redimensioned(node, x, squeezed(node, x.dims, axes));
};

export const unsqueeze: OperatorImport = (node, context) => {
  const value = oneNumber(node, context);
  if (value) return value;
  const x = context.anyActivation(node, 0);
  const axes = statedAxes(node, context.optionalConstant(node, 1)) ?? [];
  return redimensioned(node, x, unsqueezed(node, x.dims, axes));
};

export const transpose: OperatorImport = (node, context) => {
  const value = oneNumber(node, context);
  if (value) return value;
  const x = context.anyActivation(node, 0);
  return permutedActivation(x, orderOfAxes(node, x.dims.length));
};

/** An activation under other dimensions. */
function redimensioned(node: OnnxNode, x: Activation, dims: Dims): Activation {
  const size = sizeOf(x.dims);
  expect(sizeOf(dims) === size, 'bad_model', whereOf(node), `dimensions of ${size} values`, [
    ...dims,
  ]);
  const grouped = regrouped(x, dims);
  if (!grouped)
    throw unsupported(node, `[1, ${size}] or the same axes`, `[${x.dims}] to [${dims}]`);
  return isFlat(grouped) ? { ...grouped, flatName: outputOf(node) } : grouped;
}

/** A norm or the scale of a dynamic quantisation has one value, whatever its dimensions. */
function oneNumber(node: OnnxNode, context: OnnxContext): Value | undefined {
  const value = context.input(node, 0);
  return value.kind === 'norm' || value.kind === 'dynamic' ? value : undefined;
}

/** The first input under another name. */
export const identity: OperatorImport = (node, context) => context.input(node, 0);

export const shape: OperatorImport = (node, context) =>
  constantValue(shapeOfDims(node, context.anyActivation(node, 0).dims));

export const size: OperatorImport = (node, context) => {
  const { dims } = context.anyActivation(node, 0);
  return constantValue(shapeOfDims({ ...node, attributes: new Map() }, [sizeOf(dims)]));
};

/** Inference only: its second output, the mask, is read by nobody. */
export const dropout: OperatorImport = (node, context) => {
  const training = context.optionalConstant(node, 2);
  const isTraining = training !== undefined && scalarOf(training, whereOf(node)) !== 0;
  if (isTraining) {
    throw unsupported(node, 'inference', 'training_mode true; export the model in evaluation mode');
  }
  return [context.input(node, 0), { kind: 'unread', what: 'the mask of a Dropout' }];
};

/** Between float types: everything is computed in f32. Pixels are whole numbers already. */
export const cast: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  const like = node.opType === 'CastLike' ? context.optional(node, 1) : undefined;
  const fallback = like?.kind === 'constant' ? like.constant.dataType : 1;
  const to = intAttribute(node, 'to', fallback);
  if (isFloatType(to) && value.kind === 'activation' && value.integers) {
    throw unsupported(node, 'quantised values to be dequantised', 'a cast of their integers');
  }
  if (isFloatType(to) && value.kind !== 'mask') return value;
  const kept = value.kind === 'accumulated' || value.kind === 'dynamic';
  if (kept && integerRange(to)) return value;
  const got = `a cast of a value to ${to === BOOL ? 'bool' : typeName(to)}, which drops what it needs`;
  throw unsupported(node, 'a cast between float types', got);
};

/** The same dimensions, or one number per channel written out for every pixel. */
export const expand: OperatorImport = (node, context) => {
  const value = oneNumber(node, context);
  if (value) return value;
  const x = context.anyActivation(node, 0);
  const target = intsOf(context.constant(node, 1), whereOf(node));
  const [first, ...rest] = target;
  const stated = context.statedBatch;
  const wanted = stated !== undefined && stated > 1 && first === stated ? [1, ...rest] : target;
  const dims = broadcastDims([x.dims, wanted], whereOf(node));
  const axes = [...Array<readonly number[]>(dims.length - x.dims.length).fill([]), ...x.axes];
  return { ...x, dims, axes };
};

/** Every n-th row and column, or channels in reverse; everything else has to be left whole. */
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
  if (first?.step === -1 && first.end === -1 && ranges.length === 1) {
    const places = Array.from({ length: first.start + 1 }, (_, i) => first.start - i);
    return exchanged(node, context, x, first.axis, places);
  }
  for (const { axis, start, end, step } of ranges) {
    const length = x.dims[axis] as number;
    if (start === 0 && end === length && step === 1) continue;
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
  return subsampled(x, context, name, dims);
};

/** The only entry of an axis, or the channels in reverse. */
export const gather: OperatorImport = (node, context) => {
  const x = context.rearrangeable(node, 0);
  const places = context.constant(node, 1);
  const axis = axisOf(node, intAttribute(node, 'axis', 0), x.dims.length);
  const isOnly = x.dims[axis] === 1 && places.count === 1;
  if (!isOnly) {
    const rank = places.dims.length;
    return exchanged(node, context, x, axis, rank === 1 ? intsOf(places, whereOf(node)) : []);
  }
  axisOf(node, scalarOf(places, whereOf(node)), 1);
  const dims = [...x.dims.slice(0, axis), ...places.dims, ...x.dims.slice(axis + 1)];
  return redimensioned(node, x, dims);
};

function exchanged(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  axis: number,
  places: readonly number[],
): Activation {
  if (channelDim(x) === axis && x.shape.length === 3 && isFlip(places, x.shape[0])) {
    const value = context.emitLike(flipNode(outputOf(node), x.name), x);
    const range = context.ranges.get(x.name);
    if (range) context.ranges.set(value.name, range);
    return value;
  }
  const expected = 'the only entry of an axis, or red and blue exchanged';
  throw unsupported(node, expected, `entries ${places.slice(0, 8)} of axis ${axis} of [${x.dims}]`);
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
  return a.shape.length === b.shape.length && haveSameLayout(beside(a), beside(b));
}

/** A border of one value around rows and columns: whatever convolution follows takes it over. */
export const pad: OperatorImport = (node, context) => {
  const x = context.rearrangeable(node, 0);
  const where = whereOf(node);
  const mode = textAttribute(node, 'mode', 'constant');
  if (mode !== 'constant') throw unsupported(node, 'padding with a constant', `mode ${mode}`);
  const stated = context.optionalConstant(node, 1);
  const pads = stated
    ? intsOf(stated, where)
    : (intsAttribute(node, 'pads') ?? intsAttribute(node, 'paddings') ?? []);
  const fill = context.optionalConstant(node, 2);
  const stored = fill ? scalarOf(fill, where) : floatAttribute(node, 'value', 0);
  const { scale, zeroPoint } = x.integers ?? { scale: 1, zeroPoint: 0 };
  const value = (stored - zeroPoint) * scale;
  const chosen = context.optionalConstant(node, 3);
  const axes = chosen
    ? intsOf(chosen, where).map((axis) => axisOf(node, axis, x.dims.length))
    : x.dims.map((_, axis) => axis);
  expect(pads.length === 2 * axes.length, 'bad_model', where, `${2 * axes.length} pads`, [...pads]);
  const border: [number, number, number, number] = [0, 0, 0, 0];
  const dims = [...x.dims];
  for (const [i, axis] of axes.entries()) {
    const [before, after] = [pads[i] as number, pads[i + axes.length] as number];
    if (before === 0 && after === 0) continue;
    const [side, ...others] = x.axes[axis] ?? [];
    const isSide = x.shape.length === 3 && others.length === 0 && (side === 1 || side === 2);
    if (!isSide || before < 0 || after < 0) {
      const got = `${before} and ${after} at axis ${axis} of [${x.dims}]`;
      throw unsupported(node, 'padding around rows and columns', got);
    }
    border[side - 1] = before;
    border[side + 1] = after;
    dims[axis] = (x.dims[axis] as number) + before + after;
  }
  if (border.every((n) => n === 0)) return x;
  return { ...x, dims, border: { pads: border, value } };
};
