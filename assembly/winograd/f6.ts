import { simd } from '../simd';

/**
 * One-dimensional transforms of F(6, 3): 6 outputs of a 3-tap filter from 8 inputs, 8 products.
 *
 * Cook-Toom points 0, 1, -1, 2, -2, infinity, 1/2, -1/2; rows +-1/2 of the filter transform are
 * 4 [1, +-1/2, 1/4]. As `F4` otherwise.
 */
export class F6 {
  /**
   * B^T d:  d6 - d0 + 5.25(d2 - d4) | (d6 - 4.25d4 + d2) +- (d5 - 4.25d3 + d1) |
   * (d6 - 1.25d4 + d2/4) +- 2(d5 - 1.25d3 + d1/4) | d7 - d1 + 5.25(d3 - d5) |
   * (d6 - 5d4 + 4d2) +- (d5 - 5d3 + 4d1)/2
   */
  @inline static input(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const d0 = v128.load(src);
    const d1 = v128.load(src + step);
    const d2 = v128.load(src + 2 * step);
    const d3 = v128.load(src + 3 * step);
    const d4 = v128.load(src + 4 * step);
    const d5 = v128.load(src + 5 * step);
    const d6 = v128.load(src + 6 * step);
    const d7 = v128.load(src + 7 * step);
    const r = f32x4.splat(5.25);
    v128.store(dst, simd.madd(r, f32x4.sub(d2, d4), f32x4.sub(d6, d0)));
    v128.store(dst + 5 * dstStep, simd.madd(r, f32x4.sub(d3, d5), f32x4.sub(d7, d1)));
    const q = f32x4.splat(-4.25);
    const e1 = simd.madd(q, d4, f32x4.add(d6, d2));
    const o1 = simd.madd(q, d3, f32x4.add(d5, d1));
    v128.store(dst + dstStep, f32x4.add(e1, o1));
    v128.store(dst + 2 * dstStep, f32x4.sub(e1, o1));
    const quarter = f32x4.splat(0.25);
    const s = f32x4.splat(-1.25);
    const e2 = simd.madd(quarter, d2, simd.madd(s, d4, d6));
    const o2 = f32x4.mul(f32x4.splat(2), simd.madd(quarter, d1, simd.madd(s, d3, d5)));
    v128.store(dst + 3 * dstStep, f32x4.add(e2, o2));
    v128.store(dst + 4 * dstStep, f32x4.sub(e2, o2));
    const four = f32x4.splat(4);
    const five = f32x4.splat(-5);
    const e3 = simd.madd(four, d2, simd.madd(five, d4, d6));
    const o3 = f32x4.mul(f32x4.splat(0.5), simd.madd(four, d1, simd.madd(five, d3, d5)));
    v128.store(dst + 6 * dstStep, f32x4.add(e3, o3));
    v128.store(dst + 7 * dstStep, f32x4.sub(e3, o3));
  }

  /**
   * A^T m, s_p, t_p = f_p (m_p +- m_-p), f = -1/4.5, 1/90, 1/5.625 for 1, 2, 1/2:
   * y_k = s1 + 2^k s2 + s3 / 2^k for even k, the same of t for odd k; - m0 in y_0, + m5 in y_5
   */
  @inline static output(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const f1 = f32x4.splat(<f32>(-1.0 / 4.5));
    const f2 = f32x4.splat(<f32>(1.0 / 90.0));
    const f3 = f32x4.splat(<f32>(1.0 / 5.625));
    const m1 = v128.load(src + step);
    const m2 = v128.load(src + 2 * step);
    const m3 = v128.load(src + 3 * step);
    const m4 = v128.load(src + 4 * step);
    const m6 = v128.load(src + 6 * step);
    const m7 = v128.load(src + 7 * step);
    const s1 = f32x4.mul(f1, f32x4.add(m1, m2));
    const t1 = f32x4.mul(f1, f32x4.sub(m1, m2));
    const s2 = f32x4.mul(f2, f32x4.add(m3, m4));
    const t2 = f32x4.mul(f2, f32x4.sub(m3, m4));
    const s3 = f32x4.mul(f3, f32x4.add(m6, m7));
    const t3 = f32x4.mul(f3, f32x4.sub(m6, m7));
    const y0 = f32x4.add(f32x4.add(s1, s2), s3);
    v128.store(dst, f32x4.sub(y0, v128.load(src)));
    const y1 = simd.madd(f32x4.splat(2), t2, t1);
    v128.store(dst + dstStep, simd.madd(f32x4.splat(0.5), t3, y1));
    const y2 = simd.madd(f32x4.splat(4), s2, s1);
    v128.store(dst + 2 * dstStep, simd.madd(f32x4.splat(0.25), s3, y2));
    const y3 = simd.madd(f32x4.splat(8), t2, t1);
    v128.store(dst + 3 * dstStep, simd.madd(f32x4.splat(0.125), t3, y3));
    const y4 = simd.madd(f32x4.splat(16), s2, s1);
    v128.store(dst + 4 * dstStep, simd.madd(f32x4.splat(0.0625), s3, y4));
    const y5 = simd.madd(f32x4.splat(32), t2, f32x4.add(t1, v128.load(src + 5 * step)));
    v128.store(dst + 5 * dstStep, simd.madd(f32x4.splat(0.03125), t3, y5));
  }
}
