import { simd } from '../simd';

/**
 * One-dimensional transforms of 3 taps at stride 2: 4 outputs from 9 inputs with 9 products, not 12.
 *
 * Even inputs meet taps 0 and 2 only, which is F(4, 2) at points 0, 1, -1, 2, infinity; odd inputs meet
 * tap 1 only, which is a product each (o0 to o3). Order of the positions: 0, 1, infinity, o0, o1, then
 * -1, 2, o2, o3, so that the first five are those of `Strided2`. Otherwise as `F4`.
 */
export class Strided4 {
  /**
   * B^T d with e = d0, d2, d4, d6, d8 (of two each: o0 = d1, o1 = d3, o2 = d5, o3 = d7):
   * 2e0 - e1 - 2e2 + e3 | e3 - e2 - 2e1 | e4 - 2e3 - e2 + 2e1 | o0 | o1 |
   * e3 - 3e2 + 2e1 | e3 - e1 | o2 | o3
   */
  @inline static input(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const two = f32x4.splat(2);
    const minusTwo = f32x4.splat(-2);
    const e1 = v128.load(src + 2 * step);
    const e2 = v128.load(src + 4 * step);
    const e3 = v128.load(src + 6 * step);
    const d32 = f32x4.sub(e3, e2);
    v128.store(dst, simd.madd(two, f32x4.sub(v128.load(src), e2), f32x4.sub(e3, e1)));
    v128.store(dst + dstStep, simd.madd(minusTwo, e1, d32));
    const last = f32x4.sub(v128.load(src + 8 * step), e2);
    v128.store(dst + 2 * dstStep, simd.madd(two, f32x4.sub(e1, e3), last));
    v128.store(dst + 3 * dstStep, v128.load(src + step));
    v128.store(dst + 4 * dstStep, v128.load(src + 3 * step));
    v128.store(dst + 5 * dstStep, simd.madd(two, f32x4.sub(e1, e2), d32));
    v128.store(dst + 6 * dstStep, f32x4.sub(e3, e1));
    v128.store(dst + 7 * dstStep, v128.load(src + 5 * step));
    v128.store(dst + 8 * dstStep, v128.load(src + 7 * step));
  }

  /**
   * A^T m: y_k = sum over points of p^k f_p m_p + o_k, f = 1/2, -1/2, -1/6, 1/6 for 0, 1, -1, 2;
   * infinity enters y_3 only.
   */
  @inline static output(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const half = f32x4.splat(0.5);
    const sixth = f32x4.splat(<f32>(1.0 / 6.0));
    const p1 = f32x4.mul(half, v128.load(src + step));
    const n1 = f32x4.mul(sixth, v128.load(src + 5 * step));
    const p2 = f32x4.mul(sixth, v128.load(src + 6 * step));
    const s = f32x4.add(p1, n1);
    const t = f32x4.sub(n1, p1);
    const y0 = simd.madd(half, v128.load(src), f32x4.sub(p2, s));
    v128.store(dst, f32x4.add(y0, v128.load(src + 3 * step)));
    const y1 = simd.madd(f32x4.splat(2), p2, t);
    v128.store(dst + dstStep, f32x4.add(y1, v128.load(src + 4 * step)));
    const y2 = f32x4.sub(f32x4.mul(f32x4.splat(4), p2), s);
    v128.store(dst + 2 * dstStep, f32x4.add(y2, v128.load(src + 7 * step)));
    const last = f32x4.add(v128.load(src + 2 * step), v128.load(src + 8 * step));
    v128.store(dst + 3 * dstStep, f32x4.add(simd.madd(f32x4.splat(8), p2, t), last));
  }
}
