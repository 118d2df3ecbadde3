import { simd } from '../simd';
import { M4, M5, M6, S4 } from './sizes';

/** Bytes of a row of G g: three columns of 8 filters. */
const ROW: usize = 96;

/**
 * U = G g G^T, 8 filters at a time: g [3][3][8] -> U [rows][rows][8].
 *
 * At stride 1 row p of G is [1, p, p^2] (rows +-1/2 times 4, row infinity [0, 0, 1]); points in the order
 * 0, 1, -1, 2, -2, infinity, then 1/2 for m >= 5 and -1/2 for m = 6: the first six are those of F(4, 3),
 * so that its tiles can share a picture with larger ones. With e = g0 + p^2 g2 and o = p g1 the rows
 * p and -p are e + o and e - o: 11 additions and products for 7 rows.
 *
 * This runs once per weight and run, more often than any other transform, and stores are its limit:
 * two neighbouring vectors are stored one after the other, since a cache line takes both in one cycle
 * (a sixth less time than vector by vector). `work` holds G g: rows of `ROW` bytes.
 */
export class WeightTransform {
  /** All input channels; `tap` is the byte step between the nine taps of g, `pos` the one in U. */
  @inline static panel<M>(src: usize, tap: usize, dst: usize, pos: usize, work: usize): void {
    for (let end = src + tap; src < end; src += 32, dst += 32) {
      WeightTransform.run<M>(src, tap, dst, pos, work);
    }
  }

  @inline static run<M>(src: usize, tap: usize, dst: usize, pos: usize, work: usize): void {
    for (let at: usize = 0; at < ROW; at += 32, src += tap) {
      WeightTransform.line<M>(src, 3 * tap, work + at, ROW);
    }
    const t = <usize>WeightTransform.rows(offsetof<M>() & 15, offsetof<M>() > 16 ? 2 : 1);
    for (let i: usize = 0; i < t; i++, work += ROW, dst += t * pos) {
      WeightTransform.line<M>(work, 32, dst, pos);
    }
  }

  /** Rows of G: at stride 2 four of the nine positions share the middle tap. */
  @inline static rows(m: i32, stride: i32): i32 {
    return stride === 2 ? 6 : m + 2;
  }

  /** The row of G that belongs to a position. */
  @inline static rowOf(position: i32, stride: i32): i32 {
    if (stride === 1 || position < 4) return position;
    return position === 5 || position === 6 ? position - 1 : 3;
  }

  // biome-ignore format: the two halves of 8 filters side by side
  /** G applied to three pairs of vectors `step` bytes apart: as many pairs as rows, `dstStep` bytes apart. */
  @inline static line<M>(src: usize, step: usize, dst: usize, dstStep: usize): void {
    if (offsetof<M>() > 16) {
      WeightTransform.strided(src, step, dst, dstStep);
      return;
    }
    const four = f32x4.splat(4);
    const g0 = v128.load(src), h0 = v128.load(src, 16);
    const g1 = v128.load(src + step), h1 = v128.load(src + step, 16);
    const g2 = v128.load(src + 2 * step), h2 = v128.load(src + 2 * step, 16);
    v128.store(dst, g0); v128.store(dst, h0, 16);
    let e = f32x4.add(g0, g2), f = f32x4.add(h0, h2);
    dst += dstStep;
    v128.store(dst, f32x4.add(e, g1)); v128.store(dst, f32x4.add(f, h1), 16);
    dst += dstStep;
    v128.store(dst, f32x4.sub(e, g1)); v128.store(dst, f32x4.sub(f, h1), 16);
    e = simd.madd(four, g2, g0); f = simd.madd(four, h2, h0);
    const o = f32x4.add(g1, g1), p = f32x4.add(h1, h1);
    dst += dstStep;
    v128.store(dst, f32x4.add(e, o)); v128.store(dst, f32x4.add(f, p), 16);
    dst += dstStep;
    v128.store(dst, f32x4.sub(e, o)); v128.store(dst, f32x4.sub(f, p), 16);
    dst += dstStep;
    v128.store(dst, g2); v128.store(dst, h2, 16);
    if (offsetof<M>() > 4) {
      e = simd.madd(four, g0, g2); f = simd.madd(four, h0, h2);
      dst += dstStep;
      v128.store(dst, f32x4.add(e, o)); v128.store(dst, f32x4.add(f, p), 16);
    }
    if (offsetof<M>() > 5) {
      dst += dstStep;
      v128.store(dst, f32x4.sub(e, o)); v128.store(dst, f32x4.sub(f, p), 16);
    }
  }

  // biome-ignore format: the two halves of 8 filters side by side
  /** Stride 2: rows g0, g0 + g2, g2, g1, g0 - g2, g0 + 2 g2. */
  @inline static strided(src: usize, step: usize, dst: usize, dstStep: usize): void {
    const g0 = v128.load(src), h0 = v128.load(src, 16);
    const g2 = v128.load(src + 2 * step), h2 = v128.load(src + 2 * step, 16);
    v128.store(dst, g0); v128.store(dst, h0, 16);
    dst += dstStep;
    v128.store(dst, f32x4.add(g0, g2)); v128.store(dst, f32x4.add(h0, h2), 16);
    dst += dstStep;
    v128.store(dst, g2); v128.store(dst, h2, 16);
    dst += dstStep;
    v128.store(dst, v128.load(src + step)); v128.store(dst, v128.load(src + step, 16), 16);
    dst += dstStep;
    v128.store(dst, f32x4.sub(g0, g2)); v128.store(dst, f32x4.sub(h0, h2), 16);
    dst += dstStep;
    const two = f32x4.splat(2);
    v128.store(dst, simd.madd(two, g2, g0)); v128.store(dst, simd.madd(two, h2, h0), 16);
  }
}

/** The panel [tap][ic][8] at `src` -> U; each a function of its own, exported so that it stays one. */
export function filters_f4(src: usize, tap: usize, dst: usize, pos: usize, work: usize): void {
  WeightTransform.panel<M4>(src, tap, dst, pos, work);
}

export function filters_f5(src: usize, tap: usize, dst: usize, pos: usize, work: usize): void {
  WeightTransform.panel<M5>(src, tap, dst, pos, work);
}

export function filters_f6(src: usize, tap: usize, dst: usize, pos: usize, work: usize): void {
  WeightTransform.panel<M6>(src, tap, dst, pos, work);
}

export function filters_s4(src: usize, tap: usize, dst: usize, pos: usize, work: usize): void {
  WeightTransform.panel<S4>(src, tap, dst, pos, work);
}
