import { KC } from '../gemm/rows';
import { simd } from '../simd';
import { F7 } from './f7';
import { CHANNEL_BYTES } from './filter';

/**
 * Products of a single tile at stride 1: a row of U and its multiplication in one pass, so that no vector
 * of U is stored to be read only once. The same operations in the same order as `filter_row` followed by
 * `f32_gemm`, so the same bits.
 *
 * Shapes      H row [ic][3][8] at h; V [9] positions `pos` bytes apart, each [ic]; C [9], each [8], `step` bytes apart
 * Method      one half of the 8 filters at a time, positions 0 to 3, then 4 to 8
 * Registers   5 accumulators + 3 of H + e + o + constant + broadcast + product = 13 of 15
 * Loop        a branch between the pairs of points that is never taken (`pos` is never 0) keeps V8 from
 *             moving the loads of the second before the additions of the first, which spills accumulators
 */
export function filter_product(
  h: usize,
  ic: i32,
  v: usize,
  pos: usize,
  c: usize,
  step: usize,
): void {
  for (let done = 0; done < ic; done += KC) {
    const end = h + <usize>min(KC, ic - done) * CHANNEL_BYTES;
    for (let half: usize = 0; half < 32; half += 16) {
      filter_product_0to3(h + half, end, v, pos, c + half, step, done);
      filter_product_4to8(h + half, end, v + 4 * pos, pos, c + half + 4 * step, step, done);
    }
    h = end;
    v += KC << 2;
  }
}

/** Positions 0 to 3 of a row: the first two pairs of points of `F7`. Adds to C when `more` is not 0. */
export function filter_product_0to3(
  h: usize,
  end: usize,
  v: usize,
  pos: usize,
  c: usize,
  step: usize,
  more: i32,
): void {
  let v1 = v + pos;
  let v2 = v1 + pos;
  let v3 = v2 + pos;
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  for (; h < end; h += CHANNEL_BYTES) {
    const g0 = v128.load(h);
    const g1 = v128.load(h, 32);
    const g2 = v128.load(h, 64);
    let e = simd.madd(F7.power(0, 2), g2, g0);
    let o = f32x4.mul(F7.power(0, 1), g1);
    c0 = simd.madd(v128.load32_splat(v), f32x4.add(e, o), c0);
    c1 = simd.madd(v128.load32_splat(v1), f32x4.sub(e, o), c1);
    if (!pos) break;
    e = simd.madd(F7.power(1, 2), g2, g0);
    o = f32x4.mul(F7.power(1, 1), g1);
    c2 = simd.madd(v128.load32_splat(v2), f32x4.add(e, o), c2);
    c3 = simd.madd(v128.load32_splat(v3), f32x4.sub(e, o), c3);
    v += 4;
    v1 += 4;
    v2 += 4;
    v3 += 4;
  }
  if (more) {
    c0 = f32x4.add(v128.load(c), c0);
    c1 = f32x4.add(v128.load(c + step), c1);
    c2 = f32x4.add(v128.load(c + 2 * step), c2);
    c3 = f32x4.add(v128.load(c + 3 * step), c3);
  }
  v128.store(c, c0);
  v128.store(c + step, c1);
  v128.store(c + 2 * step, c2);
  v128.store(c + 3 * step, c3);
}

/** Positions 4 to 8: the points +-1, the last pair, and infinity. */
export function filter_product_4to8(
  h: usize,
  end: usize,
  v: usize,
  pos: usize,
  c: usize,
  step: usize,
  more: i32,
): void {
  let v1 = v + pos;
  let v2 = v1 + pos;
  let v3 = v2 + pos;
  let v4 = v3 + pos;
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let c4 = c0;
  for (; h < end; h += CHANNEL_BYTES) {
    const g0 = v128.load(h);
    const g1 = v128.load(h, 32);
    const g2 = v128.load(h, 64);
    let e = f32x4.add(g0, g2);
    c0 = simd.madd(v128.load32_splat(v), f32x4.add(e, g1), c0);
    c1 = simd.madd(v128.load32_splat(v1), f32x4.sub(e, g1), c1);
    if (!pos) break;
    e = simd.madd(F7.power(3, 2), g2, g0);
    const o = f32x4.mul(F7.power(3, 1), g1);
    c2 = simd.madd(v128.load32_splat(v2), f32x4.add(e, o), c2);
    c3 = simd.madd(v128.load32_splat(v3), f32x4.sub(e, o), c3);
    c4 = simd.madd(v128.load32_splat(v4), g2, c4);
    v += 4;
    v1 += 4;
    v2 += 4;
    v3 += 4;
    v4 += 4;
  }
  if (more) {
    c0 = f32x4.add(v128.load(c), c0);
    c1 = f32x4.add(v128.load(c + step), c1);
    c2 = f32x4.add(v128.load(c + 2 * step), c2);
    c3 = f32x4.add(v128.load(c + 3 * step), c3);
    c4 = f32x4.add(v128.load(c + 4 * step), c4);
  }
  v128.store(c, c0);
  v128.store(c + step, c1);
  v128.store(c + 2 * step, c2);
  v128.store(c + 3 * step, c3);
  v128.store(c + 4 * step, c4);
}
