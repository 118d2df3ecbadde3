import { simd } from '../simd';
import { KC, R1, R2, R3, R4 } from './rows';

/**
 * f32_gemm_wide: `f32_gemm` of two panels at once, C[M x 16] = A[M x K] * B[K x 16]; columns 8 to 15 of B and of
 * C are a panel of their own, `panel` bytes behind.
 *
 * For engines that pair neighbouring 128-bit instructions into 256-bit ones (docs/adr/0010): a row of the tile is
 * two pairs. The same operations in the same order as `f32_gemm`, so the same bits.
 *
 * M, K, rows, B, C, `more`, order, aliasing, over-read as `f32_gemm`
 * Registers   paired, 4x16: 8 accumulators + 2 B + 1 A + 1 product = 12 of 15. Not paired: 22, which spills, so
 *             only plans for 256-bit vectors call this
 * Edges       the last rows go through smaller tiles
 */
export function f32_gemm_wide(
  m: i32,
  k: i32,
  rows: usize,
  offset: usize,
  b: usize,
  panel: usize,
  c: usize,
  more: i32,
): void {
  while (m > 0) {
    const mr = m <= MR ? m : m < 2 * MR ? (m + 1) >> 1 : MR;
    for (let done = 0; done < k; done += KC) {
      const at = offset + ((<usize>done) << 2);
      tile(mr, min(KC, k - done), rows, at, b + ((<usize>done) << 5), panel, c, more | done);
    }
    m -= mr;
    rows += (<usize>mr) << 2;
    c += (<usize>mr) << 5;
  }
}

/** Rows of a full tile in both builds: a picture of 14x14 is four tiles by Winograd. */
const MR: i32 = 4;

// biome-ignore format: the arguments of a tile
function tile(mr: i32, k: i32, rows: usize, offset: usize, b: usize, panel: usize, c: usize, more: i32): void {
  if (mr === 4) wide4(k, rows, offset, b, panel, c, more);
  else if (mr === 3) wide3(k, rows, offset, b, panel, c, more);
  else if (mr === 2) wide2(k, rows, offset, b, panel, c, more);
  else wide1(k, rows, offset, b, panel, c, more);
}

class Tile {
  // biome-ignore format: one row of the tile per line
  @inline static run<MR>(k: i32, rows: usize, offset: usize, b: usize, panel: usize, c: usize, more: i32): void {
    let a0 = load<usize>(rows) + offset;
    let a1: usize = 0, a2: usize = 0, a3: usize = 0;
    if (offsetof<MR>() > 1) a1 = load<usize>(rows, 4) + offset;
    if (offsetof<MR>() > 2) a2 = load<usize>(rows, 8) + offset;
    if (offsetof<MR>() > 3) a3 = load<usize>(rows, 12) + offset;
    let c00 = f32x4.splat(0), c01 = c00, c02 = c00, c03 = c00, c10 = c00, c11 = c00, c12 = c00, c13 = c00;
    let c20 = c00, c21 = c00, c22 = c00, c23 = c00, c30 = c00, c31 = c00, c32 = c00, c33 = c00;
    const end = b + ((<usize>k) << 5);
    for (let d = b + panel; b < end; b += 32, d += 32) {
      const b0 = v128.load(b), b1 = v128.load(b, 16), d0 = v128.load(d), d1 = v128.load(d, 16);
      let s: v128;
      s = v128.load32_splat(a0); c00 = simd.madd(s, b0, c00); c01 = simd.madd(s, b1, c01); c02 = simd.madd(s, d0, c02); c03 = simd.madd(s, d1, c03); a0 += 4;
      if (offsetof<MR>() > 1) { s = v128.load32_splat(a1); c10 = simd.madd(s, b0, c10); c11 = simd.madd(s, b1, c11); c12 = simd.madd(s, d0, c12); c13 = simd.madd(s, d1, c13); a1 += 4; }
      if (offsetof<MR>() > 2) { s = v128.load32_splat(a2); c20 = simd.madd(s, b0, c20); c21 = simd.madd(s, b1, c21); c22 = simd.madd(s, d0, c22); c23 = simd.madd(s, d1, c23); a2 += 4; }
      if (offsetof<MR>() > 3) { s = v128.load32_splat(a3); c30 = simd.madd(s, b0, c30); c31 = simd.madd(s, b1, c31); c32 = simd.madd(s, d0, c32); c33 = simd.madd(s, d1, c33); a3 += 4; }
    }
    const e = c + panel;
    if (more) {
      c00 = f32x4.add(v128.load(c, 0), c00); c01 = f32x4.add(v128.load(c, 16), c01); c02 = f32x4.add(v128.load(e, 0), c02); c03 = f32x4.add(v128.load(e, 16), c03);
      if (offsetof<MR>() > 1) { c10 = f32x4.add(v128.load(c, 32), c10); c11 = f32x4.add(v128.load(c, 48), c11); c12 = f32x4.add(v128.load(e, 32), c12); c13 = f32x4.add(v128.load(e, 48), c13); }
      if (offsetof<MR>() > 2) { c20 = f32x4.add(v128.load(c, 64), c20); c21 = f32x4.add(v128.load(c, 80), c21); c22 = f32x4.add(v128.load(e, 64), c22); c23 = f32x4.add(v128.load(e, 80), c23); }
      if (offsetof<MR>() > 3) { c30 = f32x4.add(v128.load(c, 96), c30); c31 = f32x4.add(v128.load(c, 112), c31); c32 = f32x4.add(v128.load(e, 96), c32); c33 = f32x4.add(v128.load(e, 112), c33); }
    }
    v128.store(c, c00, 0); v128.store(c, c01, 16); v128.store(e, c02, 0); v128.store(e, c03, 16);
    if (offsetof<MR>() > 1) { v128.store(c, c10, 32); v128.store(c, c11, 48); v128.store(e, c12, 32); v128.store(e, c13, 48); }
    if (offsetof<MR>() > 2) { v128.store(c, c20, 64); v128.store(c, c21, 80); v128.store(e, c22, 64); v128.store(e, c23, 80); }
    if (offsetof<MR>() > 3) { v128.store(c, c30, 96); v128.store(c, c31, 112); v128.store(e, c32, 96); v128.store(e, c33, 112); }
  }
}

/** Functions of their own, exported so that they stay so (as those of `f32_gemm.ts`). */
// biome-ignore format: the arguments of a tile
export function wide1(k: i32, rows: usize, offset: usize, b: usize, panel: usize, c: usize, more: i32): void {
  Tile.run<R1>(k, rows, offset, b, panel, c, more);
}

// biome-ignore format: the arguments of a tile
export function wide2(k: i32, rows: usize, offset: usize, b: usize, panel: usize, c: usize, more: i32): void {
  Tile.run<R2>(k, rows, offset, b, panel, c, more);
}

// biome-ignore format: the arguments of a tile
export function wide3(k: i32, rows: usize, offset: usize, b: usize, panel: usize, c: usize, more: i32): void {
  Tile.run<R3>(k, rows, offset, b, panel, c, more);
}

// biome-ignore format: the arguments of a tile
export function wide4(k: i32, rows: usize, offset: usize, b: usize, panel: usize, c: usize, more: i32): void {
  Tile.run<R4>(k, rows, offset, b, panel, c, more);
}
