/**
 * Which axis of an ONNX value is which of the graph's: the graph knows [C, H, W] alone, files arrange
 * the same numbers as NCHW, NHWC or flat. Everything here is bookkeeping; no data moves.
 */

import type { Shape } from '../../graph/graph.ts';
import { sizeOf } from '../../graph/limits.ts';
import type { Activation } from './values.ts';

/** A value that the graph computes, in ONNX's order [1, C, H, W] or [1, F]. */
export function activationOf(name: string, shape: Shape): Activation {
  const dims = [1, ...shape];
  const axes = dims.map((n, i) => (i > 0 && n > 1 ? [i - 1] : []));
  return { kind: 'activation', name, shape, extents: shape, dims, axes };
}

/** Another value of the graph with the layout of `x`: what works on each number or channel alone. */
export function sameLayout(x: Activation, name: string, shape: Shape): Activation {
  return { ...x, name, shape, flatName: undefined };
}

/** The file's dimensions in another order. */
export function permutedActivation(x: Activation, order: readonly number[]): Activation {
  const dims = order.map((axis) => x.dims[axis] as number);
  const axes = order.map((axis) => x.axes[axis] as readonly number[]);
  return { ...x, dims, axes };
}

/**
 * The same numbers under other dimensions, or undefined where these would cut through an axis:
 * [1, C, H, W] to [1, F], back again, axes of size 1 anywhere.
 */
export function regrouped(x: Activation, dims: readonly number[]): Activation | undefined {
  if (x.border || isRepeated(x)) return undefined;
  const rest = orderOf(x);
  const axes = dims.map((n) => {
    const group: number[] = [];
    for (let left = n; left > 1 && rest.length > 0; ) {
      const axis = rest.shift() as number;
      left /= x.extents[axis] as number;
      group.push(axis);
    }
    return group;
  });
  const fits = rest.length === 0 && dims.every((n, i) => n === sizeOfAxes(x, axes[i] ?? []));
  return fits ? { ...x, dims: [...dims], axes } : undefined;
}

/** Axes of `extents` larger than 1 in the order in which the file counts over them. */
export function orderOf(x: Activation): number[] {
  return x.axes.flat();
}

/** [1, C, H, W] of a picture, a border included. */
export function isNchw(x: Activation): boolean {
  const { dims, axes, shape, border } = x;
  if (dims.length !== 4 || shape.length !== 3 || dims[0] !== 1) return false;
  const [top, left, bottom, right] = border?.pads ?? [0, 0, 0, 0];
  const expected = [shape[0], shape[1] + top + bottom, shape[2] + left + right];
  return expected.every((n, axis) => {
    const placed = (shape[axis] as number) === 1 || axes[axis + 1]?.join() === String(axis);
    return n === dims[axis + 1] && placed;
  });
}

/** All numbers along one dimension, the others being 1: [1, F] and [F]. */
export function isFlat(x: Activation): boolean {
  return x.dims.filter((n) => n !== 1).length <= 1 && !isRepeated(x) && !x.border;
}

/** The numbers stand in the order in which the graph has them. */
export function isInOrder(x: Activation): boolean {
  return orderOf(x).every((axis, i, order) => i === 0 || axis > (order[i - 1] as number));
}

/** Dimensions larger than what there is: one number per channel, written out for every pixel. */
export function isRepeated(x: Activation): boolean {
  return !x.border && sizeOf(x.dims) !== sizeOf(x.extents);
}

/** One number per channel: [C, 1, 1] or [F]. */
export function isOnePixel({ extents }: Activation): boolean {
  return sizeOf(extents) === extents[0];
}

/** Both have the same numbers at the same places. */
export function haveSameLayout(a: Activation, b: Activation): boolean {
  const alike = (x: readonly unknown[], y: readonly unknown[]): boolean =>
    x.length === y.length && x.every((value, i) => String(value) === String(y[i]));
  const extents = [a, b].map(({ extents: [c, h = 1, w = 1] }) => [c, h, w]);
  return (
    alike(a.dims, b.dims) &&
    alike(a.axes, b.axes) &&
    alike(extents[0] as number[], extents[1] as number[])
  );
}

/** Place in `dims` of the channel; undefined where it is merged with others, or of size 1. */
export function channelDim(x: Activation): number | undefined {
  const place = x.axes.findIndex((group) => group.length === 1 && group[0] === 0);
  return place < 0 ? undefined : place;
}

/** `values`, one per entry of `dims[place]`, in the graph's order. */
export function inGraphOrder(x: Activation, place: number, values: Float64Array): Float64Array {
  const group = x.axes[place] ?? [];
  const sorted = [...group].sort((a, b) => a - b);
  const sizes = group.map((axis) => x.extents[axis] as number);
  const steps = group.map((axis) => {
    const inner = sorted.slice(sorted.indexOf(axis) + 1);
    return sizeOfAxes(x, inner);
  });
  const ordered = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    let rest = i;
    let at = 0;
    for (let k = group.length - 1; k >= 0; k--) {
      at += (rest % (sizes[k] as number)) * (steps[k] as number);
      rest = Math.floor(rest / (sizes[k] as number));
    }
    ordered[at] = values[i] as number;
  }
  return ordered;
}

function sizeOfAxes(x: Activation, axes: readonly number[]): number {
  return axes.reduce((product, axis) => product * (x.extents[axis] as number), 1);
}
