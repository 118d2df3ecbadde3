import { simd } from '../simd';
import { F7 } from './f7';

/** Bytes of one input channel in a row of G g: three columns of 8 filters. */
export const CHANNEL_BYTES: usize = 96;

/**
 * U = G g G^T of a panel of 8 filters, in two passes: columns make H = G g, all 9 rows of it; then a
 * row of H at a time becomes 9 positions of U, which are multiplied before the next row overwrites
 * them. So U takes a ninth of the memory and stays close.
 *
 * Shapes      g [3][3][ic][8], taps `tap` bytes apart; H [9] rows `hBytes` apart, each [ic][3][8];
 *             U positions `uBytes` apart, each [ic][8]
 * Stride 1    row p of G is [1, p, p^2], p and -p of each pair of `F7`; last [0, 0, 1]
 * Stride 2    g0 | g0 +- g2 | g0 +- 2 g2 | g2 | 2 g0 +- g2 | g1
 * Limit       additions, 12 for 9 vectors at stride 1; stores come in neighbouring pairs, which a
 *             cache line takes together
 *
 * Each a function of its own, exported so that it stays one.
 */
export function filter_columns(src: usize, tap: usize, h: usize, hBytes: usize): void {
  const end = src + tap;
  for (; src < end; src += 32, h += CHANNEL_BYTES) {
    Filter.plain(src, src + 3 * tap, src + 6 * tap, h, hBytes);
    Filter.plain(src + tap, src + 4 * tap, src + 7 * tap, h + 32, hBytes);
    Filter.plain(src + 2 * tap, src + 5 * tap, src + 8 * tap, h + 64, hBytes);
  }
}

export function filter_columns_s2(src: usize, tap: usize, h: usize, hBytes: usize): void {
  const end = src + tap;
  for (; src < end; src += 32, h += CHANNEL_BYTES) {
    Filter.strided(src, src + 3 * tap, src + 6 * tap, h, hBytes);
    Filter.strided(src + tap, src + 4 * tap, src + 7 * tap, h + 32, hBytes);
    Filter.strided(src + 2 * tap, src + 5 * tap, src + 8 * tap, h + 64, hBytes);
  }
}

export function filter_row(h: usize, end: usize, u: usize, uBytes: usize): void {
  for (; h < end; h += CHANNEL_BYTES, u += 32) Filter.plain(h, h + 32, h + 64, u, uBytes);
}

export function filter_row_s2(h: usize, end: usize, u: usize, uBytes: usize): void {
  for (; h < end; h += CHANNEL_BYTES, u += 32) Filter.strided(h, h + 32, h + 64, u, uBytes);
}

/** G applied to the pairs of vectors at a, b and c: a pair per row of G, `step` bytes apart. */
class Filter {
  // biome-ignore format: the two halves of 8 filters side by side
  @inline static plain(a: usize, b: usize, c: usize, dst: usize, step: usize): void {
    const g0 = v128.load(a), h0 = v128.load(a, 16);
    const g1 = v128.load(b), h1 = v128.load(b, 16);
    const g2 = v128.load(c), h2 = v128.load(c, 16);
    Filter.pair(0, g0, g1, g2, h0, h1, h2, dst, step);
    Filter.pair(1, g0, g1, g2, h0, h1, h2, dst + 2 * step, step);
    Filter.both(f32x4.add(g0, g2), f32x4.add(h0, h2), g1, h1, dst + 4 * step, step);
    Filter.pair(3, g0, g1, g2, h0, h1, h2, dst + 6 * step, step);
    Filter.two(g2, h2, dst + 8 * step);
  }

  // biome-ignore format: the two halves of 8 filters side by side
  @inline static strided(a: usize, b: usize, c: usize, dst: usize, step: usize): void {
    const two = f32x4.splat(2);
    const g0 = v128.load(a), h0 = v128.load(a, 16);
    const g2 = v128.load(c), h2 = v128.load(c, 16);
    Filter.two(g0, h0, dst);
    Filter.both(g0, h0, g2, h2, dst + step, step);
    Filter.both(g0, h0, f32x4.mul(two, g2), f32x4.mul(two, h2), dst + 3 * step, step);
    Filter.two(g2, h2, dst + 5 * step);
    Filter.both(f32x4.mul(two, g0), f32x4.mul(two, h0), g2, h2, dst + 6 * step, step);
    Filter.two(v128.load(b), v128.load(b, 16), dst + 8 * step);
  }

  // biome-ignore format: the two halves of 8 filters side by side
  /** Rows p and -p of a pair of points of `F7` other than +-1. */
  @inline static pair(pair: i32, g0: v128, g1: v128, g2: v128, h0: v128, h1: v128, h2: v128, dst: usize, step: usize): void {
    const p = F7.power(pair, 1), q = F7.power(pair, 2);
    Filter.both(simd.madd(q, g2, g0), simd.madd(q, h2, h0), f32x4.mul(p, g1), f32x4.mul(p, h1), dst, step);
  }

  /** e + o, then e - o `step` bytes behind, of both halves. */
  @inline static both(e: v128, f: v128, o: v128, p: v128, dst: usize, step: usize): void {
    Filter.two(f32x4.add(e, o), f32x4.add(f, p), dst);
    Filter.two(f32x4.sub(e, o), f32x4.sub(f, p), dst + step);
  }

  @inline static two(a: v128, b: v128, dst: usize): void {
    v128.store(dst, a);
    v128.store(dst, b, 16);
  }
}
