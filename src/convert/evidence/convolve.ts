/**
 * Mean and variance of a convolution's sums over pictures that are alike everywhere. Where the kernel hangs over
 * the border it gets padding instead of pixels: each way of hanging over is a part of its own, for at the
 * border an edge filter sees the strongest edge of all.
 */

import type { ConvNode, RunningStatistics } from '../../graph/graph.ts';

/** Values at places of one kind; `share` is theirs of all places. */
export interface Part extends RunningStatistics {
  readonly share: number;
}

/** Values of three channels at every pixel of a picture. */
export interface Field {
  readonly height: number;
  readonly width: number;
  /** By channel. */
  readonly mean: Float64Array;
  /** Of channel `a` at one pixel with channel `b` at another, (dy, dx) away. */
  covariance(a: number, b: number, dy: number, dx: number): number;
}

/** A kernel's place on one channel. */
interface Tap {
  readonly channel: number;
  readonly y: number;
  readonly x: number;
}

/** Padding is 0, as importers leave it. Work: outputs * taps^2 * ways of hanging over. */
export function convolveField(conv: ConvNode, field: Field): Part[] {
  const [outputs = 0, inputs = 0, kh = 0, kw = 0] = conv.weight.shape;
  const [top, left, bottom, right] = conv.pads;
  const rows = cutsOf(field.height, kh, conv.stride[0], top, bottom);
  const columns = cutsOf(field.width, kw, conv.stride[1], left, right);
  const weight = conv.weight.read();
  const taps = tapsOf(kh, kw);
  const covariance = covarianceOf(field, taps);
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
          (filter, o) => (conv.bias?.[o] ?? 0) + meanOf(filter, inside, taps, field.mean),
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
  const values = weight.read();
  const { mean, covariance } = field;
  /** Of output `o` for channel `c`; in three groups each has its own only. */
  const factor = (o: number, c: number): number =>
    inputs === 3 ? (values[3 * o + c] as number) : o === c ? (values[o] as number) : 0;
  const sum = (of: (c: number) => number): number => of(0) + of(1) + of(2);
  return {
    ...field,
    mean: mean.map((_, o) => (bias?.[o] ?? 0) + sum((c) => factor(o, c) * (mean[c] as number))),
    covariance: (a, b, dy, dx) =>
      sum((c) => factor(a, c) * sum((d) => factor(b, d) * covariance(c, d, dy, dx))),
  };
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
  for (const a of inside) {
    const row = covariance[a] as Float64Array;
    let inner = 0;
    for (const b of inside) inner += (filter[b] as number) * (row[b] as number);
    sum += (filter[a] as number) * inner;
  }
  return Math.max(0, sum);
}
