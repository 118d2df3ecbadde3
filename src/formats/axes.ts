/**
 * How a file sees a value of the graph: which axis of it each dimension of the file's array stands for.
 * Transpositions, reshapes and axes of size 1 change only this view and move no data, so files with
 * channels last are read as they are. Functions return undefined for what the view cannot express.
 */

import type { Shape } from '../graph/graph.ts';
import { sizeOf } from '../graph/limits.ts';

/** An axis of a graph value [C, H, W] or [C]; '1' is the batch, and whatever has size 1. */
export type Axis = 'c' | 'h' | 'w' | '1';

export interface View {
  readonly shape: Shape;
  readonly axes: readonly Axis[];
  /** Of features that the file took from this picture with channels last; the graph's are C-major. */
  readonly channelsLast?: readonly [number, number, number] | undefined;
  /** The file has exchanged the channels: its first is the graph's last. */
  readonly reversed?: true | undefined;
}

const NAMES = ['c', 'h', 'w'] as const;

/** [1, C, H, W] or [1, C] as the graph has it, or with the axes in the order `names`. */
export function viewOf(shape: Shape, names: readonly Axis[] = NAMES): View {
  const axes = names.slice(0, shape.length).map((axis) => named(shape, axis));
  return { shape, axes: ['1', ...axes] };
}

export function dimsOf({ shape, axes }: Pick<View, 'shape' | 'axes'>): number[] {
  return axes.map((axis) => extentOf(shape, axis));
}

/** [1, C, H, W], which convolutions and poolings take. */
export function isChannelsFirst(view: View): boolean {
  const { axes } = viewOf(view.shape);
  return view.axes.length === 4 && axes.length === 4 && axes.every((a, i) => a === view.axes[i]);
}

/** [1, C] of a vector, or of a picture of one pixel. */
export function isRow({ shape, axes }: View): boolean {
  return axes.length === 2 && axes[0] === '1' && sizeOf(shape) === shape[0];
}

export function permuted(view: View, order: readonly number[]): View | undefined {
  const rank = view.axes.length;
  const places = new Set(order);
  const isOrder =
    order.length === rank && places.size === rank && view.axes.every((_, i) => places.has(i));
  return isOrder ? { ...view, axes: order.map((axis) => view.axes[axis] as Axis) } : undefined;
}

/** The same values in order under other dimensions. */
export function redimensioned(view: View, dims: readonly number[]): View | 'flat' | undefined {
  const large = view.axes.filter((axis) => axis !== '1');
  const sizes = large.map((axis) => extentOf(view.shape, axis));
  const wanted = dims.filter((n) => n !== 1);
  if (wanted.join() === sizes.join()) {
    const left = [...large];
    return { ...view, axes: dims.map((n) => (n === 1 ? '1' : (left.shift() as Axis))) };
  }
  return wanted.join() === String(sizeOf(view.shape)) ? 'flat' : undefined;
}

/** Order of the features that flattening gives; undefined for one that the graph does not have. */
export function flatOrder({ axes, shape }: View): 'channels first' | 'channels last' | undefined {
  const order = axes.filter((axis) => axis !== '1').join('');
  const ordered = (names: string): boolean =>
    [...names].filter((a) => order.includes(a)).join('') === order;
  if (shape.length === 1 || ordered('chw')) return 'channels first';
  return ordered('hwc') ? 'channels last' : undefined;
}

/** What a constant of `dims` broadcast against a view varies along: nothing, channels, or more. */
export function variesAlong(
  view: View,
  dims: readonly number[],
): 'nothing' | 'channels' | undefined {
  const large = dims.flatMap((n, i) => (n === 1 ? [] : [i - dims.length]));
  const [place] = large;
  if (place === undefined) return 'nothing';
  const isChannel = view.axes.at(place) === 'c' && dims.at(place) === view.shape[0];
  return large.length === 1 && -place <= view.axes.length && isChannel ? 'channels' : undefined;
}

/** The view of a result of `rank` dimensions or more. */
export function withRank(view: View, rank: number): View {
  const missing = Math.max(rank - view.axes.length, 0);
  return { ...view, axes: [...Array<Axis>(missing).fill('1'), ...view.axes] };
}

/** How two values broadcast: element by element, or the second as one factor per channel. */
export function pairing(a: View, b: View): 'elements' | 'gate' | undefined {
  const rank = Math.max(a.axes.length, b.axes.length);
  const [x, y] = [withRank(a, rank), withRank(b, rank)];
  const alike = (of: (axis: Axis) => boolean): boolean =>
    x.axes.every((axis, i) => !of(axis) || axis === y.axes[i]) &&
    dimsOf(y).every((n, i) => n === 1 || n === dimsOf(x)[i]);
  const alikeOrdered =
    a.channelsLast?.join() === b.channelsLast?.join() && a.reversed === b.reversed;
  if (!alikeOrdered) return undefined;
  if (x.axes.every((axis, i) => axis === y.axes[i]) && dimsOf(x).join() === dimsOf(y).join()) {
    return 'elements';
  }
  const isGate = y.axes.every((axis) => axis === 'c' || axis === '1');
  return isGate && alike((axis) => axis === 'c') ? 'gate' : undefined;
}

/** Values that stand for features with channels last, in the order of the graph. */
export function channelsFirst<Values extends Float32Array | Float64Array>(
  values: Values,
  picture: readonly [number, number, number],
): Values {
  const [channels, height, width] = picture;
  const pixels = height * width;
  const size = channels * pixels;
  const sorted = values.slice() as Values;
  for (let at = 0; at < values.length; at++) {
    const feature = at % size;
    const to = (feature % channels) * pixels + Math.floor(feature / channels);
    sorted[at - feature + to] = values[at] as number;
  }
  return sorted;
}

/** Weights [O, I, ...taps] of channels in reverse order, for channels in the order of the graph. */
export function inputsReversed<Values extends Float32Array | Float64Array>(
  values: Values,
  channels: number,
  taps: number,
): Values {
  const sorted = values.slice() as Values;
  for (let at = 0; at < values.length; at += taps) {
    const channel = (at / taps) % channels;
    sorted.set(values.subarray(at, at + taps), at + (channels - 1 - 2 * channel) * taps);
  }
  return sorted;
}

function named(shape: Shape, axis: Axis): Axis {
  return extentOf(shape, axis) === 1 ? '1' : axis;
}

function extentOf(shape: Shape, axis: Axis): number {
  return axis === '1' ? 1 : (shape[NAMES.indexOf(axis)] ?? 1);
}
