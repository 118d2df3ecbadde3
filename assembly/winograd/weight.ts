import { simd } from '../simd';

/**
 * U = G g G^T of F(m x m, 3 x 3), one vector of 4 filters at a time: g [3][3] -> U [T][T], T = m + 2.
 *
 * Row p of G is [1, p, p^2] (row 1/2 and -1/2 times 4, row infinity [0, 0, 1]); points in the order
 * 0, 1, -1, 2, -2, infinity, then 1/2 for m >= 5 and -1/2 for m = 6: the first six are those of F(4, 3),
 * so that its tiles can share a picture with larger ones. With e = g0 + p^2 g2 and o = p g1 the rows
 * p and -p are e + o and e - o: 11 additions and products for 7 rows.
 *
 * All in registers: this runs once per weight and run, more often than any other transform.
 */
export class WeightTransform {
  /** `tap` is the byte step between the nine taps of g, `pos` the one between positions of U. */
  @inline static run<M>(src: usize, tap: usize, dst: usize, pos: usize): void {
    const four = f32x4.splat(4);
    const line = <usize>(offsetof<M>() + 2) * pos;
    const row1 = src + 3 * tap;
    const row2 = src + 6 * tap;
    const a0 = v128.load(src);
    const a1 = v128.load(src + tap);
    const a2 = v128.load(src + 2 * tap);
    const b0 = v128.load(row1);
    const b1 = v128.load(row1 + tap);
    const b2 = v128.load(row1 + 2 * tap);
    const c0 = v128.load(row2);
    const c1 = v128.load(row2 + tap);
    const c2 = v128.load(row2 + 2 * tap);
    WeightTransform.row<M>(a0, a1, a2, dst, pos);
    let e0 = f32x4.add(a0, c0);
    let e1 = f32x4.add(a1, c1);
    let e2 = f32x4.add(a2, c2);
    dst += line;
    WeightTransform.row<M>(f32x4.add(e0, b0), f32x4.add(e1, b1), f32x4.add(e2, b2), dst, pos);
    dst += line;
    WeightTransform.row<M>(f32x4.sub(e0, b0), f32x4.sub(e1, b1), f32x4.sub(e2, b2), dst, pos);
    const o0 = f32x4.add(b0, b0);
    const o1 = f32x4.add(b1, b1);
    const o2 = f32x4.add(b2, b2);
    e0 = simd.madd(four, c0, a0);
    e1 = simd.madd(four, c1, a1);
    e2 = simd.madd(four, c2, a2);
    dst += line;
    WeightTransform.row<M>(f32x4.add(e0, o0), f32x4.add(e1, o1), f32x4.add(e2, o2), dst, pos);
    dst += line;
    WeightTransform.row<M>(f32x4.sub(e0, o0), f32x4.sub(e1, o1), f32x4.sub(e2, o2), dst, pos);
    dst += line;
    WeightTransform.row<M>(c0, c1, c2, dst, pos);
    if (offsetof<M>() > 4) {
      e0 = simd.madd(four, a0, c0);
      e1 = simd.madd(four, a1, c1);
      e2 = simd.madd(four, a2, c2);
      dst += line;
      WeightTransform.row<M>(f32x4.add(e0, o0), f32x4.add(e1, o1), f32x4.add(e2, o2), dst, pos);
    }
    if (offsetof<M>() > 5) {
      dst += line;
      WeightTransform.row<M>(f32x4.sub(e0, o0), f32x4.sub(e1, o1), f32x4.sub(e2, o2), dst, pos);
    }
  }

  /** One row of G g (three columns) times G^T: T vectors, `pos` bytes apart. */
  @inline static row<M>(g0: v128, g1: v128, g2: v128, dst: usize, pos: usize): void {
    const four = f32x4.splat(4);
    v128.store(dst, g0);
    let e = f32x4.add(g0, g2);
    dst += pos;
    v128.store(dst, f32x4.add(e, g1));
    dst += pos;
    v128.store(dst, f32x4.sub(e, g1));
    e = simd.madd(four, g2, g0);
    const o = f32x4.add(g1, g1);
    dst += pos;
    v128.store(dst, f32x4.add(e, o));
    dst += pos;
    v128.store(dst, f32x4.sub(e, o));
    dst += pos;
    v128.store(dst, g2);
    if (offsetof<M>() > 4) {
      e = simd.madd(four, g0, g2);
      dst += pos;
      v128.store(dst, f32x4.add(e, o));
    }
    if (offsetof<M>() > 5) {
      dst += pos;
      v128.store(dst, f32x4.sub(e, o));
    }
  }
}
