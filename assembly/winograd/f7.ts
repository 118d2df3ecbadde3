import { simd } from '../simd';

// biome-ignore format: a row per pair of points
/**
 * Per pair of points +-p: d4, d2, d0 of M_p; the factor f_p; p to p^6. Then d6, d4, d2, d0 of the product
 * of all (x^2 - p^2). All exact in f32 but for the factors. In memory, since a broadcast is one
 * instruction, where V8 makes a vector constant in three.
 */
const TABLE = memory.data<f32>([
  -7.72265625, 9.6767578125, -2.9541015625, -0.840609267275934,
  0.25, 0.0625, 0.015625, 0.00390625, 0.0009765625, 0.000244140625,
  -7.3125, 6.703125, -0.390625, 0.5820039822113295,
  0.6875, 0.47265625, 0.324951171875, 0.2234039306640625, 0.15359020233154297, 0.10559326410293579,
  -6.78515625, 3.374267578125, -0.18463134765625, -0.19263962375073487,
  1, 1, 1, 1, 1, 1,
  -1.53515625, 0.564697265625, -0.029541015625, 0.0010656811197717216,
  2.5, 6.25, 15.625, 39.0625, 97.65625, 244.140625,
  -7.78515625, 10.159423828125, -3.55889892578125, 0.18463134765625,
]);
const ROW: i32 = 10;
const PRODUCT: i32 = 4 * ROW;
/** The pair +-1, whose powers need no multiplication. */
const ONE: i32 = 2;

/**
 * One-dimensional transforms of F(7, 3): 7 outputs of a 3-tap filter from 9 inputs with 9 products.
 *
 * Cook-Toom (Lavin and Gray 2016, section 4.3) at the points +-1/4, +-11/16, +-1, +-5/2 and infinity: of
 * all such sets with few bits and +-1 the one that amplifies rounding least (docs/numerics.md). Without
 * the point 0 every finite point has its negative: with M_p(y) = product over the other pairs of
 * (y - q^2), rows p and -p of B^T are x M_p(x^2) +- p M_p(x^2), so they share an odd and an even half.
 * The factors f_p = 1 / (2 p M_p(p^2)) stand in the output transform, which runs least often; so row p
 * of the filter transform (`filter.ts`) is [1, p, p^2].
 */
export class F7 {
  @inline static at(i: i32): v128 {
    return v128.load32_splat(TABLE + ((<usize>i) << 2));
  }

  /** p^k in all lanes, of pair 0 to 3; k from 1 to 6. */
  @inline static power(pair: i32, k: i32): v128 {
    return F7.at(pair * ROW + 3 + k);
  }

  // biome-ignore format: nine inputs
  /** B^T d: o + p e, o - p e for each p, then the product of all; e, o = M_p of d0 d2 d4 d6, of d1 d3 d5 d7. */
  @inline static input(
    d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128, d6: v128, d7: v128, d8: v128,
    dst: usize, step: usize,
  ): void {
    F7.pair(0, d0, d1, d2, d3, d4, d5, d6, d7, dst, step);
    F7.pair(1, d0, d1, d2, d3, d4, d5, d6, d7, dst + 2 * step, step);
    F7.pair(ONE, d0, d1, d2, d3, d4, d5, d6, d7, dst + 4 * step, step);
    F7.pair(3, d0, d1, d2, d3, d4, d5, d6, d7, dst + 6 * step, step);
    v128.store(dst + 8 * step, F7.all(d0, d2, d4, d6, d8));
  }

  /** The product of all (x^2 - p^2), of the even inputs. */
  @inline static all(d0: v128, d2: v128, d4: v128, d6: v128, d8: v128): v128 {
    const low = simd.madd(F7.at(PRODUCT + 2), d2, f32x4.mul(F7.at(PRODUCT + 3), d0));
    const high = simd.madd(F7.at(PRODUCT + 1), d4, simd.madd(F7.at(PRODUCT), d6, d8));
    return f32x4.add(low, high);
  }

  /** f_p of a pair of points. */
  @inline static factor(pair: i32): v128 {
    return F7.at(pair * ROW + 3);
  }

  // biome-ignore format: eight inputs
  @inline static pair(
    pair: i32,
    d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128, d6: v128, d7: v128,
    dst: usize, step: usize,
  ): void {
    const e = F7.even(pair, d0, d2, d4, d6);
    const o = F7.odd(pair, d1, d3, d5, d7);
    v128.store(dst, f32x4.add(o, e));
    v128.store(dst + step, f32x4.sub(o, e));
  }

  /** p M_p of the even inputs. */
  @inline static even(pair: i32, d0: v128, d2: v128, d4: v128, d6: v128): v128 {
    const e = F7.odd(pair, d0, d2, d4, d6);
    return pair === ONE ? e : f32x4.mul(F7.power(pair, 1), e);
  }

  /** M_p of the odd inputs. */
  @inline static odd(pair: i32, d1: v128, d3: v128, d5: v128, d7: v128): v128 {
    const m4 = F7.at(pair * ROW);
    const m2 = F7.at(pair * ROW + 1);
    const m0 = F7.at(pair * ROW + 2);
    return simd.madd(m0, d1, simd.madd(m2, d3, simd.madd(m4, d5, d7)));
  }

  /**
   * A^T m, with s_p = f_p (m_p - m_-p), t_p = f_p (m_p + m_-p): y_k = sum over p of p^k s_p for even
   * k, of p^k t_p for odd k; infinity enters y_6 only.
   */
  @inline static output(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const f0 = F7.at(3);
    let m = v128.load(src);
    let n = v128.load(src + step);
    const s0 = f32x4.mul(f0, f32x4.sub(m, n));
    const t0 = f32x4.mul(f0, f32x4.add(m, n));
    const f1 = F7.at(ROW + 3);
    m = v128.load(src + 2 * step);
    n = v128.load(src + 3 * step);
    const s1 = f32x4.mul(f1, f32x4.sub(m, n));
    const t1 = f32x4.mul(f1, f32x4.add(m, n));
    const f2 = F7.at(2 * ROW + 3);
    m = v128.load(src + 4 * step);
    n = v128.load(src + 5 * step);
    const s2 = f32x4.mul(f2, f32x4.sub(m, n));
    const t2 = f32x4.mul(f2, f32x4.add(m, n));
    const f3 = F7.at(3 * ROW + 3);
    m = v128.load(src + 6 * step);
    n = v128.load(src + 7 * step);
    const s3 = f32x4.mul(f3, f32x4.sub(m, n));
    const t3 = f32x4.mul(f3, f32x4.add(m, n));
    v128.store(dst, f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
    v128.store(dst + dstStep, F7.sum(1, t0, t1, t2, t3));
    v128.store(dst + 2 * dstStep, F7.sum(2, s0, s1, s2, s3));
    v128.store(dst + 3 * dstStep, F7.sum(3, t0, t1, t2, t3));
    v128.store(dst + 4 * dstStep, F7.sum(4, s0, s1, s2, s3));
    v128.store(dst + 5 * dstStep, F7.sum(5, t0, t1, t2, t3));
    v128.store(dst + 6 * dstStep, f32x4.add(F7.sum(6, s0, s1, s2, s3), v128.load(src + 8 * step)));
  }

  /** Sum over the pairs of p^k times its argument. */
  @inline static sum(k: i32, a: v128, b: v128, c: v128, d: v128): v128 {
    const low = simd.madd(F7.power(1, k), b, f32x4.mul(F7.power(0, k), a));
    return f32x4.add(low, simd.madd(F7.power(3, k), d, c));
  }
}
