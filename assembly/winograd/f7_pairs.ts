import { F7 } from './f7';

/**
 * The transforms of `F7` on 8 channels, a pair of neighbouring vectors: the same operations in the same order on
 * both, written side by side with all loads before the stores that depend on them, which is what V8 asks for to
 * pair them into instructions of 256 bits. Without such instructions they would spill: only for `wide` plans.
 */
export class F7Pairs {
  // biome-ignore format: nine inputs of two vectors
  /** B^T d of both halves; positions `step` bytes apart. */
  @inline static input(
    a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128, b3: v128, a4: v128, b4: v128,
    a5: v128, b5: v128, a6: v128, b6: v128, a7: v128, b7: v128, a8: v128, b8: v128, dst: usize, step: usize,
  ): void {
    F7Pairs.points(0, a0, b0, a1, b1, a2, b2, a3, b3, a4, b4, a5, b5, a6, b6, a7, b7, dst, step);
    F7Pairs.points(1, a0, b0, a1, b1, a2, b2, a3, b3, a4, b4, a5, b5, a6, b6, a7, b7, dst + 2 * step, step);
    F7Pairs.points(2, a0, b0, a1, b1, a2, b2, a3, b3, a4, b4, a5, b5, a6, b6, a7, b7, dst + 4 * step, step);
    F7Pairs.points(3, a0, b0, a1, b1, a2, b2, a3, b3, a4, b4, a5, b5, a6, b6, a7, b7, dst + 6 * step, step);
    F7Pairs.put(dst + 8 * step, F7.all(a0, a2, a4, a6, a8), F7.all(b0, b2, b4, b6, b8));
  }

  // biome-ignore format: eight inputs of two vectors
  @inline static points(
    pair: i32, a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128, b3: v128,
    a4: v128, b4: v128, a5: v128, b5: v128, a6: v128, b6: v128, a7: v128, b7: v128, dst: usize, step: usize,
  ): void {
    const e = F7.even(pair, a0, a2, a4, a6), f = F7.even(pair, b0, b2, b4, b6);
    const o = F7.odd(pair, a1, a3, a5, a7), p = F7.odd(pair, b1, b3, b5, b7);
    F7Pairs.put(dst, f32x4.add(o, e), f32x4.add(p, f));
    F7Pairs.put(dst + step, f32x4.sub(o, e), f32x4.sub(p, f));
  }

  // biome-ignore format: both halves side by side
  /** A^T m of both halves. */
  @inline static output(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const f0 = F7.factor(0), f1 = F7.factor(1), f2 = F7.factor(2), f3 = F7.factor(3);
    let m = v128.load(src), M = v128.load(src, 16), n = v128.load(src + step), N = v128.load(src + step, 16);
    const s0 = f32x4.mul(f0, f32x4.sub(m, n)), S0 = f32x4.mul(f0, f32x4.sub(M, N));
    const t0 = f32x4.mul(f0, f32x4.add(m, n)), T0 = f32x4.mul(f0, f32x4.add(M, N));
    src += 2 * step;
    m = v128.load(src); M = v128.load(src, 16); n = v128.load(src + step); N = v128.load(src + step, 16);
    const s1 = f32x4.mul(f1, f32x4.sub(m, n)), S1 = f32x4.mul(f1, f32x4.sub(M, N));
    const t1 = f32x4.mul(f1, f32x4.add(m, n)), T1 = f32x4.mul(f1, f32x4.add(M, N));
    src += 2 * step;
    m = v128.load(src); M = v128.load(src, 16); n = v128.load(src + step); N = v128.load(src + step, 16);
    const s2 = f32x4.mul(f2, f32x4.sub(m, n)), S2 = f32x4.mul(f2, f32x4.sub(M, N));
    const t2 = f32x4.mul(f2, f32x4.add(m, n)), T2 = f32x4.mul(f2, f32x4.add(M, N));
    src += 2 * step;
    m = v128.load(src); M = v128.load(src, 16); n = v128.load(src + step); N = v128.load(src + step, 16);
    const s3 = f32x4.mul(f3, f32x4.sub(m, n)), S3 = f32x4.mul(f3, f32x4.sub(M, N));
    const t3 = f32x4.mul(f3, f32x4.add(m, n)), T3 = f32x4.mul(f3, f32x4.add(M, N));
    src += 2 * step;
    const last = v128.load(src), LAST = v128.load(src, 16);
    F7Pairs.put(dst, f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), f32x4.add(f32x4.add(S0, S1), f32x4.add(S2, S3)));
    F7Pairs.put(dst + dstStep, F7.sum(1, t0, t1, t2, t3), F7.sum(1, T0, T1, T2, T3));
    F7Pairs.put(dst + 2 * dstStep, F7.sum(2, s0, s1, s2, s3), F7.sum(2, S0, S1, S2, S3));
    F7Pairs.put(dst + 3 * dstStep, F7.sum(3, t0, t1, t2, t3), F7.sum(3, T0, T1, T2, T3));
    F7Pairs.put(dst + 4 * dstStep, F7.sum(4, s0, s1, s2, s3), F7.sum(4, S0, S1, S2, S3));
    F7Pairs.put(dst + 5 * dstStep, F7.sum(5, t0, t1, t2, t3), F7.sum(5, T0, T1, T2, T3));
    F7Pairs.put(dst + 6 * dstStep, f32x4.add(F7.sum(6, s0, s1, s2, s3), last), f32x4.add(F7.sum(6, S0, S1, S2, S3), LAST));
  }

  @inline static put(dst: usize, a: v128, b: v128): void {
    v128.store(dst, a);
    v128.store(dst, b, 16);
  }
}
