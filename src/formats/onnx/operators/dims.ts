/** Axes and dimensions as nodes state them: attributes or inputs, negative, open, repeated. */

import { describe, expect, sizeOf } from '../../../graph/limits.ts';
import { intAttribute, intsAttribute } from '../attributes.ts';
import { type Constant, intsOf } from '../constant.ts';
import type { OnnxNode } from '../model.ts';
import { whereOf } from '../refuse.ts';

export function axisOf(node: OnnxNode, axis: number, rank: number): number {
  const place = axis < 0 ? axis + rank : axis;
  const fits = Number.isInteger(place) && place >= 0 && place < rank;
  expect(fits, 'bad_model', whereOf(node), `an axis of ${rank} dimensions`, axis);
  return place;
}

/** Axes as an input or, in older operator sets, as an attribute; undefined where the node has neither. */
export function statedAxes(node: OnnxNode, input: Constant | undefined): number[] | undefined {
  const stated = input ? intsOf(input, whereOf(node)) : intsAttribute(node, 'axes');
  return stated && [...stated];
}

/** Which of `dims` a Reduce operator takes together, ascending; all of them if it does not say. */
export function reducedAxes(node: OnnxNode, rank: number, input: Constant | undefined): number[] {
  const axes = statedAxes(node, input) ?? [];
  const nothing = axes.length === 0 && intAttribute(node, 'noop_with_empty_axes', 0) !== 0;
  if (nothing) return [];
  const places = axes.length > 0 ? axes : Array.from({ length: rank }, (_, axis) => axis);
  return [...new Set(places.map((axis) => axisOf(node, axis, rank)))].sort((a, b) => a - b);
}

/** `dims` with the reduced ones left out, or 1 where `keepdims` says so (the default). */
export function withoutAxes(
  node: OnnxNode,
  dims: readonly number[],
  reduced: readonly number[],
): number[] {
  const keeps = intAttribute(node, 'keepdims', 1) !== 0;
  return dims.flatMap((n, axis) => (reduced.includes(axis) ? (keeps ? [1] : []) : [n]));
}

export function squeezed(
  node: OnnxNode,
  dims: readonly number[],
  axes: readonly number[] | undefined,
): number[] {
  const stated = axes?.map((axis) => axisOf(node, axis, dims.length));
  const removed = stated ?? dims.flatMap((n, i) => (n === 1 ? [i] : []));
  const odd = removed.find((axis) => dims[axis] !== 1);
  expect(odd === undefined, 'bad_model', whereOf(node), 'axes of size 1', dims[odd ?? 0]);
  return dims.filter((_, i) => !removed.includes(i));
}

export function unsqueezed(
  node: OnnxNode,
  dims: readonly number[],
  axes: readonly number[],
): number[] {
  const rank = dims.length + axes.length;
  const places = new Set(axes.map((axis) => axisOf(node, axis, rank)));
  expect(places.size === axes.length, 'bad_model', whereOf(node), 'different axes', [...axes]);
  const rest = [...dims];
  return Array.from({ length: rank }, (_, i) => (places.has(i) ? 1 : (rest.shift() ?? 1)));
}

/** Two dimensions: those before `axis`, those from it on. */
export function flattened(node: OnnxNode, dims: readonly number[]): number[] {
  const axis = axisOf(node, intAttribute(node, 'axis', 1), dims.length + 1);
  return [sizeOf(dims.slice(0, axis)), sizeOf(dims.slice(axis))];
}

/** Dimensions of a Reshape: 0 copies (unless `allowzero`), one -1 is what is left. */
export function resolvedDims(
  node: OnnxNode,
  target: readonly number[],
  from: readonly number[],
): number[] {
  const where = whereOf(node);
  const keepZeros = intAttribute(node, 'allowzero', 0) !== 0;
  expect(target.length <= 8, 'bad_model', where, 'at most 8 dimensions', target.length);
  const dims = target.map((n, i) => (n === 0 && !keepZeros ? (from[i] ?? 0) : n));
  const open = dims.filter((n) => n === -1).length;
  const sane = open <= 1 && dims.every((n) => n === -1 || (n > 0 && n <= 2 ** 31));
  expect(sane, 'bad_model', where, 'positive dimensions and one -1', [...target]);
  const known = sizeOf(dims.filter((n) => n !== -1));
  const rest = sizeOf(from) / known;
  expect(open === 0 || Number.isInteger(rest), 'bad_model', where, `a divisor of [${from}]`, known);
  return dims.map((n) => (n === -1 ? rest : n));
}

export function orderOfAxes(node: OnnxNode, rank: number): readonly number[] {
  const order = intsAttribute(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const isOrder = order.length === rank && order.every((_, i) => order.includes(i));
  expect(isOrder, 'bad_model', whereOf(node), `an order of ${rank} axes`, describe([...order]));
  return order;
}

export interface SliceRange {
  readonly axis: number;
  readonly start: number;
  /** First that is not taken. */
  readonly end: number;
  readonly step: number;
}

/** What a Slice takes, per axis that it names; inputs since opset 10, attributes before. */
export function slicesOf(
  node: OnnxNode,
  dims: readonly number[],
  inputs: readonly (Constant | undefined)[],
): SliceRange[] {
  const where = whereOf(node);
  const list = (index: number, name: string): readonly number[] | undefined => {
    const input = inputs[index];
    return input ? intsOf(input, where) : intsAttribute(node, name);
  };
  const starts = list(1, 'starts') ?? [];
  const ends = list(2, 'ends') ?? [];
  const axes = list(3, 'axes') ?? starts.map((_, i) => i);
  const steps = list(4, 'steps') ?? starts.map(() => 1);
  const sane = [ends, axes, steps].every((values) => values.length === starts.length);
  expect(sane, 'bad_model', where, 'starts, ends, axes and steps of one length', [...starts]);
  return starts.map((start, i) => {
    const axis = axisOf(node, axes[i] as number, dims.length);
    const size = dims[axis] as number;
    const step = steps[i] as number;
    expect(Number.isInteger(step) && step !== 0, 'bad_model', where, 'steps other than 0', step);
    const bounded = (place: number, low: number, high: number): number =>
      Math.min(Math.max(place < 0 ? place + size : place, low), high);
    const end = ends[i] as number;
    return step > 0
      ? { axis, start: bounded(start, 0, size), end: bounded(end, 0, size), step }
      : { axis, start: bounded(start, 0, size - 1), end: bounded(end, -1, size - 1), step };
  });
}

/** Sizes of the parts of a Split along an axis of `size` entries. */
export function splitSizes(
  node: OnnxNode,
  size: number,
  stated: Constant | undefined,
): readonly number[] {
  const parts = node.outputs.length;
  const even = Math.ceil(size / parts);
  const sizes = stated
    ? intsOf(stated, whereOf(node))
    : (intsAttribute(node, 'split') ??
      node.outputs.map((_, i) => Math.max(0, Math.min(even, size - i * even))));
  const sound = sizes.length === parts && sizes.every((n) => n >= 0);
  const covers = sound && sizes.reduce((sum, n) => sum + n, 0) === size;
  expect(covers, 'bad_model', whereOf(node), `${parts} parts of ${size}`, [...sizes]);
  return sizes;
}
