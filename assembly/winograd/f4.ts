import { simd } from '../simd';

/**
 * One-dimensional transforms of F(4, 3): 4 outputs of a 3-tap filter from 6 inputs, 6 products.
 *
 * Cook-Toom points 0, 1, -1, 2, -2, infinity (Lavin and Gray 2016, section 4.3). The factors
 * 1 / prod(p_i - p_j) stand in the output transform, which runs least often; so the filter transform
 * (`WeightTransform`) is free of divisions: row p is [1, p, p^2].
 *
 * Each function reads its inputs `step` bytes apart from `src` and writes `dstStep` bytes apart.
 */
export class F4 {
  /**
   * B^T d:  4d0 - 5d2 + d4 | (d4 - 4d2) +- (d3 - 4d1) | (d4 - d2) +- 2(d3 - d1) | 4d1 - 5d3 + d5
   */
  @inline static input(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const four = f32x4.splat(4);
    const five = f32x4.splat(-5);
    const d0 = v128.load(src);
    const d1 = v128.load(src + step);
    const d2 = v128.load(src + 2 * step);
    const d3 = v128.load(src + 3 * step);
    const d4 = v128.load(src + 4 * step);
    const d5 = v128.load(src + 5 * step);
    v128.store(dst, simd.madd(four, d0, simd.madd(five, d2, d4)));
    const minusFour = f32x4.splat(-4);
    const e1 = simd.madd(minusFour, d2, d4);
    const o1 = simd.madd(minusFour, d1, d3);
    v128.store(dst + dstStep, f32x4.add(e1, o1));
    v128.store(dst + 2 * dstStep, f32x4.sub(e1, o1));
    const e2 = f32x4.sub(d4, d2);
    const o2 = f32x4.mul(f32x4.splat(2), f32x4.sub(d3, d1));
    v128.store(dst + 3 * dstStep, f32x4.add(e2, o2));
    v128.store(dst + 4 * dstStep, f32x4.sub(e2, o2));
    v128.store(dst + 5 * dstStep, simd.madd(four, d1, simd.madd(five, d3, d5)));
  }

  /**
   * A^T m, with s1, t1 = -(m1 +- m2) / 6 and s2, t2 = (m3 +- m4) / 24:
   * m0 / 4 + s1 + s2 | t1 + 2t2 | s1 + 4s2 | t1 + 8t2 + m5
   */
  @inline static output(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const f1 = f32x4.splat(<f32>(-1.0 / 6.0));
    const f2 = f32x4.splat(<f32>(1.0 / 24.0));
    const m1 = v128.load(src + step);
    const m2 = v128.load(src + 2 * step);
    const m3 = v128.load(src + 3 * step);
    const m4 = v128.load(src + 4 * step);
    const s1 = f32x4.mul(f1, f32x4.add(m1, m2));
    const t1 = f32x4.mul(f1, f32x4.sub(m1, m2));
    const s2 = f32x4.mul(f2, f32x4.add(m3, m4));
    const t2 = f32x4.mul(f2, f32x4.sub(m3, m4));
    v128.store(dst, simd.madd(f32x4.splat(0.25), v128.load(src), f32x4.add(s1, s2)));
    v128.store(dst + dstStep, simd.madd(f32x4.splat(2), t2, t1));
    v128.store(dst + 2 * dstStep, simd.madd(f32x4.splat(4), s2, s1));
    const last = f32x4.add(t1, v128.load(src + 5 * step));
    v128.store(dst + 3 * dstStep, simd.madd(f32x4.splat(8), t2, last));
  }
}
