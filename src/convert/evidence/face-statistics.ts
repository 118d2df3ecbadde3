/**
 * What aligned faces are like, as a few numbers: mean and covariance of the three channels, and how values
 * a few pixels apart differ. Enough to tell mean and variance behind a first convolution. Receives decoded
 * crops, or reads the numbers that ship (`lfw-faces.ts`); keeps no picture.
 *
 * Faces count as stationary, and mirrored as often as not. Differences are averaged instead of products:
 * to an edge filter the small difference of two large covariances is all that matters.
 */

import { FACE_SHAPE } from '../../graph/graph.ts';

/** Largest distance of two pixels on either axis: kernels up to 7x7. */
export const REACH = 6;
const SPAN = REACH + 1;
const [, HEIGHT, WIDTH] = FACE_SHAPE;
const PIXELS = HEIGHT * WIDTH;

/** Of RGB values 0..255. Pairs of channels stand as RR, RG, RB, GG, GB, BB. */
export interface FaceStatistics {
  readonly pictures: number;
  /** R, G, B. */
  readonly mean: readonly number[];
  /** At one pixel, by pair. */
  readonly covariance: readonly number[];
  /**
   * By pair (a, b), then dy, then dx from 0 to 6: E[(a(p) - a(p + d)) (b(p) - b(p + d))] / 2. It is the
   * covariance at one pixel less that of two pixels d apart.
   */
  readonly variogram: readonly (readonly number[])[];
}

/** Covariance of channel `a` at one pixel and channel `b` at another, (dy, dx) away; 0 is red. */
export function covarianceAt(
  { covariance, variogram }: FaceStatistics,
  [a, b]: readonly [number, number],
  [dy, dx]: readonly [number, number],
): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  const pair = 3 * low - (low * (low - 1)) / 2 + high - low;
  const difference = variogram[pair]?.[Math.abs(dy) * SPAN + Math.abs(dx)] as number;
  return (covariance[pair] as number) - difference;
}

/** `crops`: RGBA, 112x112, at least one. */
export function measureFaces(crops: Iterable<ArrayLike<number>>): FaceStatistics {
  const sums = new Float64Array(3);
  const products = new Float64Array(6);
  const differences = Array.from({ length: SPAN * SPAN }, () => new Float64Array(6));
  let pictures = 0;
  for (const crop of crops) {
    const planes = planesOf(crop);
    pictures += 1;
    for (const [c, plane] of planes.entries()) {
      sums[c] = (sums[c] as number) + plane.reduce((sum, value) => sum + value, 0) / PIXELS;
    }
    addProducts(products, planes);
    for (const [at, sum] of differences.entries()) {
      addDifferences(sum, planes, Math.floor(at / SPAN), at % SPAN);
    }
  }
  const mean = [...sums].map((sum) => sum / pictures);
  const [r = 0, g = 0, b = 0] = mean;
  const squares = [r * r, r * g, r * b, g * g, g * b, b * b];
  return {
    pictures,
    mean,
    covariance: squares.map((square, pair) => (products[pair] as number) / pictures - square),
    variogram: squares.map((_, pair) =>
      differences.map((sum) => (sum[pair] as number) / pictures / 2),
    ),
  };
}

type Planes = readonly [Float64Array, Float64Array, Float64Array];

function planesOf(crop: ArrayLike<number>): Planes {
  const plane = (c: number): Float64Array =>
    Float64Array.from({ length: PIXELS }, (_, p) => crop[4 * p + c] as number);
  return [plane(0), plane(1), plane(2)];
}

/** Adds the picture's mean of each pair's product. */
function addProducts(sum: Float64Array, planes: Planes): void {
  planes.forEach((a, low) => {
    planes.slice(low).forEach((b, above) => {
      const pair = 3 * low - (low * (low - 1)) / 2 + above;
      const total = a.reduce((partial, value, p) => partial + value * (b[p] as number), 0);
      sum[pair] = (sum[pair] as number) + total / PIXELS;
    });
  });
}

/** Adds the picture's mean of each pair's product of differences, (dy, dx) and (dy, -dx) apart. */
function addDifferences(sum: Float64Array, planes: Planes, dy: number, dx: number): void {
  const count = 2 * (HEIGHT - dy) * (WIDTH - dx);
  for (const [first, step] of [
    [0, dy * WIDTH + dx],
    [dx, dy * WIDTH - dx],
  ] as const) {
    for (const [pair, total] of differencesOf(planes, dy, dx, first, step).entries()) {
      sum[pair] = (sum[pair] as number) + total / count;
    }
  }
}

/** From every pixel p of the first columns on, to pixel p + step. */
function differencesOf(
  [r, g, b]: Planes,
  dy: number,
  dx: number,
  first: number,
  step: number,
): number[] {
  let [rr, rg, rb, gg, gb, bb] = [0, 0, 0, 0, 0, 0];
  for (let y = 0; y < HEIGHT - dy; y++) {
    const start = y * WIDTH + first;
    for (let p = start; p < start + WIDTH - dx; p++) {
      const q = p + step;
      const u = (r[p] as number) - (r[q] as number);
      const v = (g[p] as number) - (g[q] as number);
      const w = (b[p] as number) - (b[q] as number);
      rr += u * u;
      rg += u * v;
      rb += u * w;
      gg += v * v;
      gb += v * w;
      bb += w * w;
    }
  }
  return [rr, rg, rb, gg, gb, bb];
}
