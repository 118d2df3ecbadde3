/**
 * Mean and variance of a convolution's sums over pictures that are alike everywhere. Where the kernel hangs
 * over the border it gets padding instead of pixels: each way of hanging over is a part of its own, for at
 * the border an edge filter sees the strongest edge of all.
 */

import type { ConvNode, RunningStatistics } from '../../graph/graph.ts';
import type { Budget } from './budget.ts';
import { REACH } from './face-statistics.ts';
import type { Field } from './field.ts';

/** Values at places of one kind; `share` is theirs of all places. */
export interface Part extends RunningStatistics {
  readonly share: number;
}

/** A kernel's place on one channel. */
interface Tap {
  readonly channel: number;
  readonly y: number;
  readonly x: number;
}

/** Padding is 0, as importers leave it. undefined for a kernel above 7x7, and where the budget is spent. */
export function convolveField(conv: ConvNode, field: Field, budget: Budget): Part[] | undefined {
  const [outputs = 0, inputs = 0, kh = 0, kw = 0] = conv.weight.shape;
  if (Math.max(kh, kw) - 1 > REACH) return undefined;
  const [top, left, bottom, right] = conv.pads;
  const rows = cutsOf(field.height, kh, conv.stride[0], top, bottom);
  const columns = cutsOf(field.width, kw, conv.stride[1], left, right);
  const taps = tapsOf(kh, kw);
  if (!budget.spend(outputs * taps.length ** 2 * rows.length * columns.length)) return undefined;
  const weight = conv.weight.read();
  const covariance = covarianceOf(field, taps);
  const { mean } = field;
  const size = inputs * kh * kw;
  /** The weights of output `o`, one per tap of all three channels. */
  const filterOf = (o: number): Float64Array => {
    const filter = new Float64Array(taps.length);
    const group = Math.floor((o * conv.group) / outputs);
    filter.set(weight.subarray(o * size, (o + 1) * size), group * size);
    return filter;
  };
  const filters = Array.from({ length: outputs }, (_, o) => filterOf(o));
  return rows.flatMap((row) =>
    columns.map((column) => {
      const inside = taps.flatMap(({ y, x }, tap) => (row.has(y) && column.has(x) ? [tap] : []));
      return {
        share: row.share * column.share,
        mean: Float64Array.from(
          filters,
          (filter, o) => (conv.bias?.[o] ?? 0) + meanOf(filter, inside, taps, mean),
        ),
        variance: Float64Array.from(filters, (filter) => varianceOf(filter, inside, covariance)),
      };
    }),
  );
}

/** Behind a convolution that only mixes the three channels of each pixel; undefined for any other. */
export function mixField(
  { weight, bias, stride, pads, group }: ConvNode,
  field: Field,
): Field | undefined {
  const [outputs, inputs = 0, kh, kw] = weight.shape;
  const [rows, columns] = stride;
  const single = [kh, kw, rows, columns].every((n) => n === 1) && pads.every((n) => n === 0);
  if (!single || outputs !== 3 || inputs * group !== 3) return undefined;
  const shift = bias ?? new Float64Array(3);
  const factors = weight.read();
  return inputs === 3 ? field.mixed(factors, shift) : field.scaled(factors, shift);
}

interface Cut {
  readonly share: number;
  /** Whether this line of the kernel lies in the picture. */
  has(line: number): boolean;
}

/** The ways in which a kernel hangs over on one axis, with their shares of all outputs. */
function cutsOf(
  size: number,
  kernel: number,
  stride: number,
  before: number,
  after: number,
): Cut[] {
  const outputs = Math.floor((size + before + after - kernel) / stride) + 1;
  const counts = new Map<string, [first: number, end: number, count: number]>();
  for (let at = 0; at < outputs; at++) {
    const start = at * stride - before;
    const first = Math.min(kernel, Math.max(0, -start));
    const end = Math.max(first, Math.min(kernel, size - start));
    const [, , count] = counts.get(`${first},${end}`) ?? [0, 0, 0];
    counts.set(`${first},${end}`, [first, end, count + 1]);
  }
  return [...counts.values()].map(([first, end, count]) => ({
    share: count / outputs,
    has: (line) => line >= first && line < end,
  }));
}

function tapsOf(kh: number, kw: number): Tap[] {
  return Array.from({ length: 3 * kh * kw }, (_, tap) => ({
    channel: Math.floor(tap / (kh * kw)),
    y: Math.floor(tap / kw) % kh,
    x: tap % kw,
  }));
}

function covarianceOf(field: Field, taps: readonly Tap[]): Float64Array[] {
  return taps.map((a) =>
    Float64Array.from(taps, (b) => field.covariance(a.channel, b.channel, a.y - b.y, a.x - b.x)),
  );
}

function meanOf(
  filter: Float64Array,
  inside: readonly number[],
  taps: readonly Tap[],
  means: Float64Array,
): number {
  let sum = 0;
  for (const tap of inside) {
    sum += (filter[tap] as number) * (means[(taps[tap] as Tap).channel] as number);
  }
  return sum;
}

/** Rounding of the stored statistics may make that of a very high frequency negative. */
function varianceOf(
  filter: Float64Array,
  inside: readonly number[],
  covariance: readonly Float64Array[],
): number {
  let sum = 0;
  for (let i = 0; i < inside.length; i++) {
    const a = inside[i] as number;
    const row = covariance[a] as Float64Array;
    let before = 0;
    for (let j = 0; j < i; j++) {
      const b = inside[j] as number;
      before += (filter[b] as number) * (row[b] as number);
    }
    const own = (filter[a] as number) * (row[a] as number);
    sum += (filter[a] as number) * (own + 2 * before);
  }
  return Math.max(0, sum);
}
