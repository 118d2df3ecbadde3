/**
 * Constants seen another way: axes exchanged, values replaced one by one, two of them combined under
 * ONNX's broadcasting, integers times their scales. Nothing of a large one is computed before it is read.
 */

import { expect, sizeOf } from '../../graph/limits.ts';
import { type Constant, derived, MAX_CONSTANT_VALUES, type Values } from './constant.ts';
import { FLOAT } from './data-types.ts';

/** Axis i of the result is axis `order[i]` of the constant. Undoes an earlier one where it can. */
export function permuted(
  constant: Constant,
  order: readonly number[],
  where: string,
  name = constant.name,
): Constant {
  const { base, order: before } = constant.permutationOf ?? { base: constant, order: undefined };
  const total = before ? order.map((axis) => before[axis] as number) : order;
  if (total.every((axis, i) => axis === i)) return { ...base, name };
  const dims = total.map((axis) => base.dims[axis] as number);
  const strides = stridesOf(base.dims);
  const steps = total.map((axis) => strides[axis] as number);
  const fill = (out: Values, [from]: readonly Values[]): void => {
    walk(dims, steps, (at, source) => {
      out[at] = (from as Values)[source] as number;
    });
  };
  const view = derived([base], { name, dims, dataType: base.dataType, fill }, where);
  return { ...view, permutationOf: { base, order: total } };
}

/** Rows and columns of a matrix exchanged. */
export function transposed2d(constant: Constant, where: string): Constant {
  expect(constant.dims.length === 2, 'unsupported_operator', where, 'a matrix', [...constant.dims]);
  return permuted(constant, [1, 0], where);
}

/** Same dimensions, every value replaced: `value(x, index)`. */
export function mapped(
  constant: Constant,
  value: (x: number, index: number) => number,
  where: string,
  { name = constant.name, dataType = FLOAT } = {},
): Constant {
  const { dims } = constant;
  const fill = (out: Values, [from]: readonly Values[]): void => {
    for (let i = 0; i < out.length; i++) out[i] = value((from as Values)[i] as number, i);
  };
  return derived([constant], { name, dims, dataType, fill }, where);
}

/** `value` of each pair under ONNX's broadcasting. Only small constants may grow by it. */
export function combined(
  a: Constant,
  b: Constant,
  value: (a: number, b: number) => number,
  where: string,
  { name, dataType }: { name: string; dataType: number },
): Constant {
  const dims = broadcastDims([a.dims, b.dims], where);
  const count = sizeOf(dims);
  const grows = count > Math.max(a.count, b.count);
  const bounded = !grows || count <= MAX_CONSTANT_VALUES;
  const shown = `[${a.dims}] and [${b.dims}]`;
  expect(bounded, 'unsupported_operator', where, `at most ${MAX_CONSTANT_VALUES} values`, shown);
  const places = [a, b].map((constant) => broadcastStrides(constant.dims, dims));
  const fill = (out: Values, [x, y]: readonly Values[]): void => {
    const left = indices(dims, places[0] as number[]);
    const right = indices(dims, places[1] as number[]);
    for (let i = 0; i < out.length; i++) {
      out[i] = value((x as Values)[left(i)] as number, (y as Values)[right(i)] as number);
    }
  };
  return derived([a, b], { name, dims, dataType, fill }, where);
}

/** The constant repeated to `dims`, to which it broadcasts. */
export function repeated(
  constant: Constant,
  dims: readonly number[],
  where: string,
  name: string,
): Constant {
  const fits = sizeOf(dims) <= MAX_CONSTANT_VALUES;
  expect(fits, 'unsupported_operator', where, `at most ${MAX_CONSTANT_VALUES} values`, [...dims]);
  const index = indices(dims, broadcastStrides(constant.dims, dims));
  const fill = (out: Values, [from]: readonly Values[]): void => {
    for (let i = 0; i < out.length; i++) out[i] = (from as Values)[index(i)] as number;
  };
  return derived([constant], { name, dims, dataType: constant.dataType, fill }, where);
}

export interface Scales {
  readonly scale: Constant;
  /** Of as many values as `scale`; absent means 0. */
  readonly zeroPoint: Constant | undefined;
  /** Axis along which scales differ; undefined for one scale. */
  readonly axis: number | undefined;
  /** Values along that axis that share a scale. */
  readonly block: number;
}

/** `value` of each number with its scale and zero point. */
export function rescaled(
  constant: Constant,
  { scale, zeroPoint, axis, block }: Scales,
  value: (x: number, scale: number, zeroPoint: number) => number,
  dataType: number,
  where: string,
): Constant {
  const { dims, name } = constant;
  const place = axis === undefined ? () => 0 : scalePlaces(dims, axis, block, scale.dims);
  const fill = (out: Values, [x, s, z]: readonly Values[]): void => {
    for (let i = 0; i < out.length; i++) {
      const at = place(i);
      out[i] = value((x as Values)[i] as number, (s as Values)[at] as number, z?.[at] ?? 0);
    }
  };
  const inputs = [constant, scale, ...(zeroPoint ? [zeroPoint] : [])];
  return derived(inputs, { name, dims, dataType, fill }, where);
}

/** Which scale value i has: one per entry of the axis, or per block of them and everything beside it. */
function scalePlaces(
  dims: readonly number[],
  axis: number,
  block: number,
  scaleDims: readonly number[],
): (i: number) => number {
  const inner = sizeOf(dims.slice(axis + 1));
  const entries = dims[axis] as number;
  if (scaleDims.length !== dims.length) return (i) => Math.floor(i / inner) % entries;
  const blocks = scaleDims[axis] as number;
  return (i) => {
    const row = Math.floor(i / inner);
    const entry = Math.floor((row % entries) / block);
    return (Math.floor(row / entries) * blocks + entry) * inner + (i % inner);
  };
}

/** Dimensions aligned at their ends; of each pair one is 1 or both are equal. */
export function broadcastDims(all: readonly (readonly number[])[], where: string): number[] {
  const rank = Math.max(...all.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = all.map((dims) => dims[axis - rank + dims.length] ?? 1);
    const size = sizes.find((n) => n !== 1) ?? 1;
    const agrees = sizes.every((n) => n === 1 || n === size);
    const shown = all.map((dims) => `[${dims}]`).join(' and ');
    expect(agrees, 'bad_model', where, 'dimensions that broadcast', shown);
    return size;
  });
}

function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let stride = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= dims[axis] as number;
  }
  return strides;
}

/** Per axis of `to` the step in a constant of dimensions `from`: 0 where it repeats. */
function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const strides = stridesOf(from);
  const extra = to.length - from.length;
  return to.map((_, axis) => ((from[axis - extra] ?? 1) === 1 ? 0 : (strides[axis - extra] ?? 0)));
}

/** Index into the source of element i of `dims`. */
function indices(dims: readonly number[], steps: readonly number[]): (i: number) => number {
  const strides = stridesOf(dims);
  if (steps.every((step) => step === 0)) return () => 0;
  if (steps.every((step, axis) => step === strides[axis] || dims[axis] === 1)) return (i) => i;
  return (i) => {
    let at = 0;
    for (let axis = 0; axis < dims.length; axis++) {
      const position = Math.floor(i / (strides[axis] as number)) % (dims[axis] as number);
      at += position * (steps[axis] as number);
    }
    return at;
  };
}

/** Every element of `dims` in order with its place in a source that `steps` leads through. */
function walk(
  dims: readonly number[],
  steps: readonly number[],
  visit: (at: number, source: number) => void,
): void {
  const total = sizeOf(dims);
  const position = new Array<number>(dims.length).fill(0);
  let source = 0;
  for (let at = 0; at < total; at++) {
    visit(at, source);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const next = (position[axis] as number) + 1;
      source += steps[axis] as number;
      if (next < (dims[axis] as number)) {
        position[axis] = next;
        break;
      }
      source -= next * (steps[axis] as number);
      position[axis] = 0;
    }
  }
}
