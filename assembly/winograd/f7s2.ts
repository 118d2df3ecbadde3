import { simd } from '../simd';

/** Dyadic numbers, exact in f32, but for the factors; read by broadcasts as in `f7.ts`. */
const TABLE = memory.data<f32>([
  5.25, -4.25, 0.25, -1.25, 2, 4, -5, 0.5, -0.2222222222222222, 0.011111111111111112,
  0.35555555555555557, 8, 0.125, 16, 0.0625, 32, 0.03125, 64, 0.015625,
]);

/**
 * One-dimensional transforms of 3 taps at stride 2: 7 outputs from 15 inputs with 15 products, not 21.
 *
 * Even inputs meet taps 0 and 2 only, which is F(7, 2) at the points 0, +-1, +-2, infinity, +-1/2: 8
 * products. Odd inputs meet tap 1 only, a product each. Order of the positions: the points 0, 1, -1,
 * 2, -2, infinity, 1/2, -1/2, then the 7 odd inputs. Rows +-1/2 of the filter transform are 2 [1, +-1/2].
 * Otherwise as `F7`.
 */
export class F7S2 {
  @inline static at(i: i32): v128 {
    return v128.load32_splat(TABLE + ((<usize>i) << 2));
  }

  // biome-ignore format: eight inputs
  /**
   * B^T e of the even inputs: e6 - e0 + 5.25(e2 - e4) | (e6 - 4.25e4 + e2) +- (e5 - 4.25e3 + e1) |
   * (e6 - 1.25e4 + e2/4) +- 2(e5 - 1.25e3 + e1/4) | e7 - e1 + 5.25(e3 - e5) |
   * (e6 - 5e4 + 4e2) +- (e5 - 5e3 + 4e1)/2
   */
  @inline static input(
    e0: v128, e1: v128, e2: v128, e3: v128, e4: v128, e5: v128, e6: v128, e7: v128,
    dst: usize, step: usize,
  ): void {
    const r = F7S2.at(0);
    v128.store(dst, simd.madd(r, f32x4.sub(e2, e4), f32x4.sub(e6, e0)));
    v128.store(dst + 5 * step, simd.madd(r, f32x4.sub(e3, e5), f32x4.sub(e7, e1)));
    const q = F7S2.at(1);
    let e = simd.madd(q, e4, f32x4.add(e6, e2));
    let o = simd.madd(q, e3, f32x4.add(e5, e1));
    v128.store(dst + step, f32x4.add(e, o));
    v128.store(dst + 2 * step, f32x4.sub(e, o));
    const quarter = F7S2.at(2);
    const s = F7S2.at(3);
    e = simd.madd(quarter, e2, simd.madd(s, e4, e6));
    o = f32x4.mul(F7S2.at(4), simd.madd(quarter, e1, simd.madd(s, e3, e5)));
    v128.store(dst + 3 * step, f32x4.add(e, o));
    v128.store(dst + 4 * step, f32x4.sub(e, o));
    const four = F7S2.at(5);
    const five = F7S2.at(6);
    e = simd.madd(four, e2, simd.madd(five, e4, e6));
    o = f32x4.mul(F7S2.at(7), simd.madd(four, e1, simd.madd(five, e3, e5)));
    v128.store(dst + 6 * step, f32x4.add(e, o));
    v128.store(dst + 7 * step, f32x4.sub(e, o));
  }

  /**
   * A^T m, s_p, t_p = f_p (m_p +- m_-p), f = -1/4.5, 1/90, 1/2.8125 for 1, 2, 1/2: y_k =
   * s1 + 2^k s2 + s3 / 2^k for even k, the same of t for odd k; - m0 in y_0, + infinity in y_6;
   * and in each the product of its odd input.
   */
  @inline static output(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const f1 = F7S2.at(8);
    let m = v128.load(src + step);
    let n = v128.load(src + 2 * step);
    const s1 = f32x4.mul(f1, f32x4.add(m, n));
    const t1 = f32x4.mul(f1, f32x4.sub(m, n));
    const f2 = F7S2.at(9);
    m = v128.load(src + 3 * step);
    n = v128.load(src + 4 * step);
    const s2 = f32x4.mul(f2, f32x4.add(m, n));
    const t2 = f32x4.mul(f2, f32x4.sub(m, n));
    const f3 = F7S2.at(10);
    m = v128.load(src + 6 * step);
    n = v128.load(src + 7 * step);
    const s3 = f32x4.mul(f3, f32x4.add(m, n));
    const t3 = f32x4.mul(f3, f32x4.sub(m, n));
    const odd = src + 8 * step;
    const y0 = f32x4.sub(f32x4.add(f32x4.add(s1, s2), s3), v128.load(src));
    v128.store(dst, f32x4.add(y0, v128.load(odd)));
    F7S2.row(4, 7, t1, t2, t3, v128.load(odd + step), dst + dstStep);
    F7S2.row(5, 2, s1, s2, s3, v128.load(odd + 2 * step), dst + 2 * dstStep);
    F7S2.row(11, 12, t1, t2, t3, v128.load(odd + 3 * step), dst + 3 * dstStep);
    F7S2.row(13, 14, s1, s2, s3, v128.load(odd + 4 * step), dst + 4 * dstStep);
    F7S2.row(15, 16, t1, t2, t3, v128.load(odd + 5 * step), dst + 5 * dstStep);
    const last = f32x4.add(v128.load(src + 5 * step), v128.load(odd + 6 * step));
    F7S2.row(17, 18, s1, s2, s3, last, dst + 6 * dstStep);
  }

  // biome-ignore format: seven arguments
  /** One output: a + 2^k b + c / 2^k + the rest; `power` and `inverse` are places in the table. */
  @inline static row(power: i32, inverse: i32, a: v128, b: v128, c: v128, rest: v128, dst: usize): void {
    const y = simd.madd(F7S2.at(power), b, f32x4.add(a, rest));
    v128.store(dst, simd.madd(F7S2.at(inverse), c, y));
  }
}
