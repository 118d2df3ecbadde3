/** Arrays of several dimensions, row-major, walked through together in as long runs as there are. */

import { sizeOf } from '../../graph/limits.ts';

type Dims = readonly number[];

/** Steps through an array of `shape` for each axis of `dims`; 0 where it repeats. */
export function stridesWithin(shape: Dims, dims: Dims): number[] {
  const missing = dims.length - shape.length;
  return dims.map((_, axis) => {
    const own = axis - missing;
    return own >= 0 && shape[own] !== 1 ? sizeOf(shape.slice(own + 1)) : 0;
  });
}

/** One run of an array: where it starts in it and in the others, and how far apart they go on. */
export interface Row {
  readonly at: number;
  readonly length: number;
  readonly places: readonly number[];
  readonly steps: readonly number[];
}

/** Visits an array of `dims` in order, run by run, with the places in arrays of other strides. */
export function walk(
  dims: Dims,
  strides: readonly (readonly number[])[],
  visit: (row: Row) => void,
): void {
  const axes = collapsed(dims, strides);
  const { size: length, steps } = axes.pop() as Axis;
  const total = sizeOf(dims);
  const index = axes.map(() => 0);
  const places = strides.map(() => 0);
  for (let at = 0; at < total; at += length) {
    visit({ at, length, places, steps });
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      const { size, steps: apart } = axes[axis] as Axis;
      const next = (index[axis] as number) + 1;
      const moved = next === size ? 1 - size : 1;
      for (const [k, step] of apart.entries()) places[k] = (places[k] as number) + moved * step;
      index[axis] = next % size;
      if (next < size) break;
    }
  }
}

interface Axis {
  readonly size: number;
  /** From one place to the next, in each array. */
  readonly steps: readonly number[];
}

/** Axes that every array runs through without a gap become one. */
function collapsed(dims: Dims, strides: readonly (readonly number[])[]): Axis[] {
  const axes: Axis[] = [{ size: 1, steps: strides.map(() => 0) }];
  for (const [axis, size] of dims.entries()) {
    if (size === 1) continue;
    const steps = strides.map((stride) => stride[axis] as number);
    const before = axes.at(-1) as Axis;
    const joins =
      before.size === 1 || before.steps.every((step, k) => step === (steps[k] as number) * size);
    if (joins) axes.pop();
    axes.push({ size: joins ? before.size * size : size, steps });
  }
  return axes;
}
