import { simd } from '../simd';

/**
 * One-dimensional transforms of F(5, 3): 5 outputs of a 3-tap filter from 7 inputs, 7 products.
 *
 * Cook-Toom points 0, 1, -1, 2, -2, infinity, 1/2; row 1/2 of the filter transform is 4 [1, 1/2, 1/4].
 * 14 = 5 + 5 + 4: the 14x14 layers take two tiles of it and one of F(4, 3). As `F4` otherwise.
 */
export class F5 {
  /**
   * B^T d, with a = d5 - d4/2 - 4d3 + 2d2, b = d4 - d3/2 - 4d2 + 2d1 (the factor of 1, -1) and
   * a' = d5 - d4/2 - d3 + d2/2, b' = d4 - d3/2 - d2 + d1/2 (of 2, -2):
   * (d5 - 5d3 + 4d1) - (d4 - 5d2 + 4d0)/2 | a +- b | a' +- 2b' |
   * (d6 - 5d4 + 4d2) - (d5 - 5d3 + 4d1)/2 | d5 - 5d3 + 4d1
   */
  @inline static input(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const half = f32x4.splat(-0.5);
    const four = f32x4.splat(4);
    const five = f32x4.splat(-5);
    const d1 = v128.load(src + step);
    const d2 = v128.load(src + 2 * step);
    const d3 = v128.load(src + 3 * step);
    const d4 = v128.load(src + 4 * step);
    const d5 = v128.load(src + 5 * step);
    const q0 = simd.madd(four, v128.load(src), simd.madd(five, d2, d4));
    const q1 = simd.madd(four, d1, simd.madd(five, d3, d5));
    const q2 = simd.madd(four, d2, simd.madd(five, d4, v128.load(src + 6 * step)));
    v128.store(dst, simd.madd(half, q0, q1));
    v128.store(dst + 5 * dstStep, simd.madd(half, q1, q2));
    v128.store(dst + 6 * dstStep, q1);
    const h5 = simd.madd(half, d4, d5);
    const h4 = simd.madd(half, d3, d4);
    const h3 = simd.madd(half, d2, d3);
    const h2 = simd.madd(half, d1, d2);
    const minusFour = f32x4.splat(-4);
    const a1 = simd.madd(minusFour, h3, h5);
    const b1 = simd.madd(minusFour, h2, h4);
    v128.store(dst + dstStep, f32x4.add(a1, b1));
    v128.store(dst + 2 * dstStep, f32x4.sub(a1, b1));
    const a2 = f32x4.sub(h5, h3);
    const b2 = f32x4.mul(f32x4.splat(2), f32x4.sub(h4, h2));
    v128.store(dst + 3 * dstStep, f32x4.add(a2, b2));
    v128.store(dst + 4 * dstStep, f32x4.sub(a2, b2));
  }

  /**
   * A^T m: y_k = sum over points of p^k f_p m_p, f = -1/2, -1/3, 1/9, 1/36, -1/60, 1, 1/5.625;
   * infinity enters y_4 only.
   */
  @inline static output(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const p1 = f32x4.mul(f32x4.splat(<f32>(-1.0 / 3.0)), v128.load(src + step));
    const n1 = f32x4.mul(f32x4.splat(<f32>(1.0 / 9.0)), v128.load(src + 2 * step));
    const p2 = f32x4.mul(f32x4.splat(<f32>(1.0 / 36.0)), v128.load(src + 3 * step));
    const n2 = f32x4.mul(f32x4.splat(<f32>(-1.0 / 60.0)), v128.load(src + 4 * step));
    const h = f32x4.mul(f32x4.splat(<f32>(1.0 / 5.625)), v128.load(src + 6 * step));
    const s1 = f32x4.add(p1, n1);
    const t1 = f32x4.sub(p1, n1);
    const s2 = f32x4.add(p2, n2);
    const t2 = f32x4.sub(p2, n2);
    const y0 = simd.madd(f32x4.splat(-0.5), v128.load(src), f32x4.add(s1, s2));
    v128.store(dst, f32x4.add(y0, h));
    v128.store(dst + dstStep, simd.madd(f32x4.splat(0.5), h, simd.madd(f32x4.splat(2), t2, t1)));
    v128.store(
      dst + 2 * dstStep,
      simd.madd(f32x4.splat(0.25), h, simd.madd(f32x4.splat(4), s2, s1)),
    );
    v128.store(
      dst + 3 * dstStep,
      simd.madd(f32x4.splat(0.125), h, simd.madd(f32x4.splat(8), t2, t1)),
    );
    const last = f32x4.add(s1, v128.load(src + 5 * step));
    v128.store(
      dst + 4 * dstStep,
      simd.madd(f32x4.splat(0.0625), h, simd.madd(f32x4.splat(16), s2, last)),
    );
  }
}
