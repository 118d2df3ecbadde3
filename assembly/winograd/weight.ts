import { simd } from '../simd';

/** Bytes of a row of G g: three columns of 8 filters. */
const ROW: usize = 96;

/**
 * U = G g G^T of F(m x m, 3 x 3), 8 filters at a time: g [3][3][8] -> U [T][T][8], T = m + 2.
 *
 * Row p of G is [1, p, p^2] (row 1/2 and -1/2 times 4, row infinity [0, 0, 1]); points in the order
 * 0, 1, -1, 2, -2, infinity, then 1/2 for m >= 5 and -1/2 for m = 6: the first six are those of F(4, 3),
 * so that its tiles can share a picture with larger ones. With e = g0 + p^2 g2 and o = p g1 the rows
 * p and -p are e + o and e - o: 11 additions and products for 7 rows.
 *
 * This runs once per weight and run, more often than any other transform, and stores are its limit:
 * two neighbouring vectors are stored one after the other, since a cache line takes both in one cycle
 * (a sixth less time than vector by vector). `work` holds G g: T rows of `ROW` bytes.
 */
export class WeightTransform {
  /** `tap` is the byte step between the nine taps of g, `pos` the one between positions of U. */
  @inline static run<M>(src: usize, tap: usize, dst: usize, pos: usize, work: usize): void {
    for (let at: usize = 0; at < ROW; at += 32, src += tap) {
      WeightTransform.line<M>(src, 3 * tap, work + at, ROW);
    }
    const t = offsetof<M>() + 2;
    for (let i: usize = 0; i < t; i++, work += ROW, dst += t * pos) {
      WeightTransform.line<M>(work, 32, dst, pos);
    }
  }

  // biome-ignore format: the two halves of 8 filters side by side
  /** G applied to three pairs of vectors `step` bytes apart: T pairs, `dstStep` bytes apart. */
  @inline static line<M>(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const four = f32x4.splat(4);
    const g0 = v128.load(src), h0 = v128.load(src, 16);
    const g1 = v128.load(src + step), h1 = v128.load(src + step, 16);
    const g2 = v128.load(src + 2 * step), h2 = v128.load(src + 2 * step, 16);
    v128.store(dst, g0); v128.store(dst, h0, 16);
    let e = f32x4.add(g0, g2), f = f32x4.add(h0, h2);
    dst += dstStep;
    v128.store(dst, f32x4.add(e, g1)); v128.store(dst, f32x4.add(f, h1), 16);
    dst += dstStep;
    v128.store(dst, f32x4.sub(e, g1)); v128.store(dst, f32x4.sub(f, h1), 16);
    e = simd.madd(four, g2, g0); f = simd.madd(four, h2, h0);
    const o = f32x4.add(g1, g1), p = f32x4.add(h1, h1);
    dst += dstStep;
    v128.store(dst, f32x4.add(e, o)); v128.store(dst, f32x4.add(f, p), 16);
    dst += dstStep;
    v128.store(dst, f32x4.sub(e, o)); v128.store(dst, f32x4.sub(f, p), 16);
    dst += dstStep;
    v128.store(dst, g2); v128.store(dst, h2, 16);
    if (offsetof<M>() > 4) {
      e = simd.madd(four, g0, g2); f = simd.madd(four, h0, h2);
      dst += dstStep;
      v128.store(dst, f32x4.add(e, o)); v128.store(dst, f32x4.add(f, p), 16);
    }
    if (offsetof<M>() > 5) {
      dst += dstStep;
      v128.store(dst, f32x4.sub(e, o)); v128.store(dst, f32x4.sub(f, p), 16);
    }
  }
}
