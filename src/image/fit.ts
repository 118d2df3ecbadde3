/**
 * The least-squares similarity (rotation, uniform scale, shift) from five landmarks to InsightFace's
 * template. Receives x1, y1, ..., x5, y5 in pixels; refuses points that coincide, lie on a line, are
 * mirrored, or are not arranged like a face.
 */

import { ArcfaceError } from '../errors.ts';

/**
 * Left eye, right eye, nose, left and right mouth corner in the crop. Source: deepinsight/insightface,
 * python-package/insightface/utils/face_align.py, `arcface_dst`, which holds them as f32; so do we, so
 * that crops agree to the bit.
 */
// biome-ignore format: one point per line
const TEMPLATE = Float32Array.of(
  38.2946, 51.6963,
  73.5318, 51.5014,
  56.0252, 71.7366,
  41.5493, 92.3655,
  70.7299, 92.2041,
);

/** A face of 2 pixels: the root mean square distance of the points from their mean is 1. */
const MIN_SPREAD = 5;
/** Points whose width is below about 2 % of their length lie on a line; a profile stays above 10 %. */
const MAX_LINEARITY = 0.999;
/** Share of the template's spread that the best similarity explains; even a profile reaches 0.6. */
const MIN_EXPLAINED = 0.3;

/**
 * [a, b, tx, ty] of q = (a + ib) p + (tx + i ty) with the least sum of squared distances to the
 * template (Umeyama 1991). In two dimensions and complex numbers, p and q relative to their means:
 *
 *   a + ib = sum(q conj(p)) / sum(|p|^2)
 *
 * sum(q p) is the same for the best mirrored map; where it is larger, the points are mirrored.
 */
export function estimateSimilarity(
  points: Float64Array,
): [a: number, b: number, tx: number, ty: number] {
  const [px, py] = mean(points);
  const [qx, qy] = mean(TEMPLATE);
  const p = centred(points, px, py);
  const q = centred(TEMPLATE, qx, qy);
  const spread = absolute(sumOfProducts(p, p, -1));
  refuseDegenerate(spread, absolute(sumOfProducts(p, p, 1)));
  const direct = sumOfProducts(q, p, -1);
  if (absolute(sumOfProducts(q, p, 1)) > absolute(direct)) throw mirrored();
  refuseUnlikely(p, spread, absolute(direct) ** 2 / spread / absolute(sumOfProducts(q, q, -1)));
  const [a, b] = [direct[0] / spread, direct[1] / spread];
  return [a, b, qx - (a * px - b * py), qy - (b * px + a * py)];
}

type Complex = readonly [re: number, im: number];

/** sum(u v) for conjugate = 1, sum(u conj(v)) for -1, of numbers stored re, im, re, im, ... */
function sumOfProducts(u: Float64Array, v: Float64Array, conjugate: 1 | -1): Complex {
  let re = 0;
  let im = 0;
  for (let i = 0; i < u.length; i += 2) {
    const [ur, ui] = [u[i] as number, u[i + 1] as number];
    const [vr, vi] = [v[i] as number, conjugate * (v[i + 1] as number)];
    re += ur * vr - ui * vi;
    im += ur * vi + ui * vr;
  }
  return [re, im];
}

function absolute([re, im]: Complex): number {
  return Math.hypot(re, im);
}

function mean(points: ArrayLike<number>): Complex {
  let x = 0;
  let y = 0;
  for (let i = 0; i < points.length; i += 2) {
    x += points[i] as number;
    y += points[i + 1] as number;
  }
  return [(2 * x) / points.length, (2 * y) / points.length];
}

function centred(points: ArrayLike<number>, x: number, y: number): Float64Array {
  return Float64Array.from(points, (v, i) => v - (i % 2 === 0 ? x : y));
}

/** `elongation` is |sum(p p)|: 0 for a round cloud, equal to `spread` for points on a line. */
function refuseDegenerate(spread: number, elongation: number): void {
  if (!(spread >= MIN_SPREAD)) {
    throw bad(
      'landmarks: expected the five points of a face, got points within a pixel of each other; ' +
        'coordinates are pixels of the picture: multiply relative ones (0..1) by its width and height',
    );
  }
  if (elongation > MAX_LINEARITY * spread) {
    throw bad('landmarks: expected the five points of a face, got points on one line');
  }
}

function refuseUnlikely(p: Float64Array, spread: number, explained: number): void {
  const between = (from: number, to: number): Complex => [
    (p[2 * to] as number) - (p[2 * from] as number),
    (p[2 * to + 1] as number) - (p[2 * from + 1] as number),
  ];
  const [eyes, mouth] = [between(0, 1), between(3, 4)];
  // Opposite directions: one pair is swapped. In profile both are short and their directions noise.
  if (eyes[0] * mouth[0] + eyes[1] * mouth[1] < -0.05 * spread) throw mirrored();
  if (explained < MIN_EXPLAINED) {
    throw bad(
      'landmarks: expected left eye, right eye, nose, left and right mouth corner in this order, ' +
        'got points that are not arranged like a face',
    );
  }
}

function mirrored(): ArcfaceError {
  return bad(
    "landmarks: expected the viewer's left first (the eye and the mouth corner at the smaller x of an " +
      'upright face), got them mirrored; swap points 1 and 2, and points 4 and 5',
  );
}

function bad(message: string): ArcfaceError {
  return new ArcfaceError('bad_argument', message);
}
