/**
 * The least-squares similarity (rotation, uniform scale, shift) from five landmarks to InsightFace's
 * template, and how much of their arrangement it explains. Receives x1, y1, ..., x5, y5. Refuses nothing:
 * `landmark-order.ts` has looked at the points before.
 */

/**
 * Left eye, right eye, nose, left and right mouth corner in the crop. Source: deepinsight/insightface,
 * python-package/insightface/utils/face_align.py, `arcface_dst`, which holds them as f32; so do we, so
 * that crops agree to the bit.
 */
// biome-ignore format: one point per line
export const TEMPLATE: Float32Array = Float32Array.of(
  38.2946, 51.6963,
  73.5318, 51.5014,
  56.0252, 71.7366,
  41.5493, 92.3655,
  70.7299, 92.2041,
);

/**
 * [a, b, tx, ty] of q = (a + ib) p + (tx + i ty) with the least sum of squared distances to the
 * template (Umeyama 1991). In two dimensions and complex numbers, p and q relative to their means:
 *
 *   a + ib = sum(q conj(p)) / sum(|p|^2)
 */
export function estimateSimilarity(
  points: Float64Array,
): [a: number, b: number, tx: number, ty: number] {
  const [px, py] = mean(points);
  const [qx, qy] = mean(TEMPLATE);
  const p = centred(points);
  const [re, im] = sumOfProducts(centred(TEMPLATE), p, -1);
  const [a, b] = [re / spreadOf(p), im / spreadOf(p)];
  return [a, b, qx - (a * px - b * py), qy - (b * px + a * py)];
}

/**
 * What the best similarity to `q` explains of the spread of `p`, both centred, `q` of spread 1. Divided by
 * that spread it is a share, 0 to 1, that like a correlation does not depend on where `p` lies, how large it
 * is, or how it is turned:
 *
 *   |sum(q conj(p))|^2 / (sum(|p|^2) sum(|q|^2))
 */
export function explained(q: Float64Array, p: Float64Array): number {
  let re = 0;
  let im = 0;
  for (let i = 0; i < q.length; i += 2) {
    const [qr, qi] = [q[i] as number, q[i + 1] as number];
    const [pr, pi] = [p[i] as number, p[i + 1] as number];
    re += qr * pr + qi * pi;
    im += qi * pr - qr * pi;
  }
  return re * re + im * im;
}

export type Complex = readonly [re: number, im: number];

/** sum(u v) for conjugate = 1, sum(u conj(v)) for -1, of numbers stored re, im, re, im, ... */
export function sumOfProducts(u: Float64Array, v: Float64Array, conjugate: 1 | -1): Complex {
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

/** sum(|p|^2) of centred points. */
export function spreadOf(p: Float64Array): number {
  return sumOfProducts(p, p, -1)[0];
}

/** The points relative to their mean. */
export function centred(points: ArrayLike<number>): Float64Array {
  const [x, y] = mean(points);
  return Float64Array.from(points, (v, i) => v - (i % 2 === 0 ? x : y));
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
