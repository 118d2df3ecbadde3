/**
 * What files compute from shapes, evaluated for a batch of 1: ShapeOf, and the few layers that pick and
 * join its numbers. Activations are refused by name: joining or cutting them is not of this family.
 */

import { sizeOf } from '../../graph/limits.ts';
import { dimsOf } from '../axes.ts';
import { numberOf, numbersOf, unsupported } from './attributes.ts';
import { MAX_SMALL, smallConstant, smallValues } from './constants.ts';
import { calling, type IrContext } from './context.ts';
import type { IrLayer } from './ir.ts';
import type { Activation, Constant, IrValue } from './values.ts';

export function shapeOf(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  if (value.kind === 'square') return shapeConstant(dimsOf(value.of));
  if (value.kind === 'constant') return shapeConstant(value.tensor.shape);
  if (value.kind === 'activation') return shapeConstant(dimsOf(value));
  throw unsupported(layer, 'an activation', 'a step of a normalisation');
}

function shapeConstant(dims: readonly number[]): Constant {
  return smallConstant([dims.length], dims, 'i64');
}

/** Entries of a vector: data, indices, axis 0. Of a picture its three channels in reverse. */
export function gather(layer: IrLayer, at: IrContext): IrValue {
  // Versions 5 to 7 have an attribute axis, and the inputs the other way round.
  if (layer.data.has('axis')) throw unsupported(layer, 'axis as an input', 'an attribute');
  const from = at.input(layer, 0);
  if (from.kind === 'activation') return exchanged(layer, at, from);
  const data = vectorOf(layer, at, 0);
  const indices = at.constant(layer, 1);
  const axis = layer.inputs[2] ? at.scalar(layer, 2) : 0;
  if (axis !== 0 || numberOf(layer, 'batch_dims', 0) !== 0) {
    throw unsupported(layer, 'axis 0 of a vector', `${axis}`);
  }
  const places = calling(layer, () => smallValues(indices));
  const values = places.map((i) => data.values[i < 0 ? i + data.values.length : i] ?? Number.NaN);
  if (!values.every(Number.isFinite)) {
    throw unsupported(layer, `indices of ${data.values.length} values`, `${places}`);
  }
  return smallConstant(indices.tensor.shape, values, data.type);
}

/** The channels of a picture from the last to the first, as preprocessing exchanges RGB and BGR. */
function exchanged(layer: IrLayer, at: IrContext, x: Activation): IrValue {
  const order = at.integers(layer, 1);
  const stated = layer.inputs[2] ? at.scalar(layer, 2) : 0;
  const axis = stated < 0 ? stated + x.axes.length : stated;
  const [channels] = x.shape;
  const places = order.map((c) => (c < 0 ? c + channels : c));
  const isReverse = places.length === channels && places.every((c, i) => c === channels - 1 - i);
  if (isReverse && x.axes[axis] === 'c' && !x.channelsLast) {
    at.reversesChannels = !x.reversed;
    return { ...x, reversed: x.reversed ? undefined : true };
  }
  const expected = 'the numbers of a shape, or the channels of a picture in reverse';
  throw unsupported(layer, expected, `${order} of axis ${axis}`);
}

/** Vectors end to end. */
export function concat(layer: IrLayer, at: IrContext): IrValue {
  const parts = layer.inputs.map((_, index) => vectorOf(layer, at, index));
  const values = parts.flatMap((part) => [...part.values]);
  const [first] = parts;
  if (!first || values.length > MAX_SMALL) {
    throw unsupported(layer, `1..${MAX_SMALL} values to join`, `${values.length}`);
  }
  return smallConstant([values.length], values, first.type);
}

/** Of a vector: data, begin, end, strides; masks say which bounds are left out. */
export function stridedSlice(layer: IrLayer, at: IrContext): IrValue {
  const { values, type } = vectorOf(layer, at, 0);
  for (const mask of ['new_axis_mask', 'ellipsis_mask']) {
    if (numbersOf(layer, mask).some((bit) => bit !== 0))
      throw unsupported(layer, `no ${mask}`, 'one');
  }
  const bound = (index: number, mask: string): number | undefined =>
    numbersOf(layer, mask)[0] === 1 ? undefined : at.scalar(layer, index);
  const step = layer.inputs[3] ? at.scalar(layer, 3) : 1;
  if (step !== 1) throw unsupported(layer, 'strides of 1', `${step}`);
  const shrinks = numbersOf(layer, 'shrink_axis_mask')[0] === 1;
  const begin = bound(1, 'begin_mask') ?? 0;
  const picked = shrinks
    ? values.slice(begin).slice(0, 1)
    : values.slice(begin, bound(2, 'end_mask'));
  if (picked.length === 0) throw unsupported(layer, `a part of ${values.length} values`, 'none');
  return smallConstant(shrinks ? [] : [picked.length], picked, type);
}

/** Product of a vector's entries: the size of a shape. */
export function reduceProd(layer: IrLayer, at: IrContext): IrValue {
  const { values, type } = vectorOf(layer, at, 0);
  return smallConstant([], [sizeOf([...values])], type);
}

function vectorOf(
  layer: IrLayer,
  at: IrContext,
  index: number,
): { values: Float64Array; type: Constant['type'] } {
  const value = at.input(layer, index);
  if (value.kind !== 'constant') {
    throw unsupported(layer, 'numbers of a shape', 'a value that depends on the picture');
  }
  const { shape } = value.tensor;
  if (shape.length > 1) throw unsupported(layer, 'a vector of constants', `[${shape}]`);
  return { values: calling(layer, () => smallValues(value)), type: value.type };
}
