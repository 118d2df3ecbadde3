/**
 * One-dimensional transforms of 3 taps at stride 2: 2 outputs from 5 inputs with 5 products, not 6.
 * F(2, 2) at points 0, 1, infinity for the even inputs, a product each for the odd ones. As `Strided4`.
 */
export class Strided2 {
  /** B^T d with e = d0, d2, d4:  e1 - e0 | e1 | e2 - e1 | d1 | d3. */
  @inline static input(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const e1 = v128.load(src + 2 * step);
    v128.store(dst, f32x4.sub(e1, v128.load(src)));
    v128.store(dst + dstStep, e1);
    v128.store(dst + 2 * dstStep, f32x4.sub(v128.load(src + 4 * step), e1));
    v128.store(dst + 3 * dstStep, v128.load(src + step));
    v128.store(dst + 4 * dstStep, v128.load(src + 3 * step));
  }

  /** A^T m:  m1 - m0 + o0 | m1 + m2 + o1 */
  @inline static output(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const m1 = v128.load(src + step);
    const y0 = f32x4.sub(m1, v128.load(src));
    v128.store(dst, f32x4.add(y0, v128.load(src + 3 * step)));
    const y1 = f32x4.add(m1, v128.load(src + 2 * step));
    v128.store(dst + dstStep, f32x4.add(y1, v128.load(src + 4 * step)));
  }
}
