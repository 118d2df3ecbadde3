import { simd } from '../simd';
import { nextRows, R1, R2, R3, R4, R5 } from './rows';

/**
 * f32_gemm_5x8: C[M x 8] = A[M x K] * B[K x 8], or C += A * B when `more` is not 0
 *
 * The one matrix tile of this engine. Rows of A are found through pointers, so a convolution calls
 * it once per tap without an im2col copy (Dukhan, The Indirect Convolution Algorithm, 2019).
 *
 * Source      outer-product micro-kernel (Goto & van de Geijn 2008); tile: docs/adr/0003
 * M, K        > 0
 * rows        M addresses of rows of A, `offset` bytes added to each; multiples of 4
 * B           one packed panel [K][8]; address multiple of 16
 * C           dense [M][8]; read only when `more`
 * Aliasing    C overlaps neither A nor B
 * Over-read   none
 * Registers   10 accumulators + 2 B + 1 A + 1 product = 14 of 15 vectors (V8 keeps one of 16);
 *             5 A + B + C + count = 8 integers: with bias, strides and epilogue in the same function
 *             the integers spill inside the loop, and so does the K loop when unrolled: half the speed (docs/adr/0003)
 * Order       k ascending, one accumulator per element: the same bits for any M, split or tile
 * Edges       the last rows go through tiles of 1 to 4 rows
 */
export function f32_gemm_5x8(
  m: i32,
  k: i32,
  rows: usize,
  offset: usize,
  b: usize,
  c: usize,
  more: i32,
): void {
  while (m > 0) {
    const mr = nextRows(m);
    if (mr === 5) tile5(k, rows, offset, b, c, more);
    else if (mr === 4) Tile.run<R4>(k, rows, offset, b, c, more);
    else if (mr === 3) Tile.run<R3>(k, rows, offset, b, c, more);
    else if (mr === 2) Tile.run<R2>(k, rows, offset, b, c, more);
    else Tile.run<R1>(k, rows, offset, b, c, more);
    m -= mr;
    rows += (<usize>mr) << 2;
    c += (<usize>mr) << 5;
  }
}

class Tile {
  // biome-ignore format: one row of the tile per line
  @inline static run<MR>(k: i32, rows: usize, offset: usize, b: usize, c: usize, more: i32): void {
    let a0 = load<usize>(rows) + offset;
    let a1: usize = 0, a2: usize = 0, a3: usize = 0, a4: usize = 0;
    if (offsetof<MR>() > 1) a1 = load<usize>(rows, 4) + offset;
    if (offsetof<MR>() > 2) a2 = load<usize>(rows, 8) + offset;
    if (offsetof<MR>() > 3) a3 = load<usize>(rows, 12) + offset;
    if (offsetof<MR>() > 4) a4 = load<usize>(rows, 16) + offset;
    let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
    let c30 = c00, c31 = c00, c40 = c00, c41 = c00;
    if (more) {
      c00 = v128.load(c); c01 = v128.load(c, 16);
      if (offsetof<MR>() > 1) { c10 = v128.load(c, 32); c11 = v128.load(c, 48); }
      if (offsetof<MR>() > 2) { c20 = v128.load(c, 64); c21 = v128.load(c, 80); }
      if (offsetof<MR>() > 3) { c30 = v128.load(c, 96); c31 = v128.load(c, 112); }
      if (offsetof<MR>() > 4) { c40 = v128.load(c, 128); c41 = v128.load(c, 144); }
    }
    for (; k > 0; k--) {
      const b0 = v128.load(b), b1 = v128.load(b, 16);
      let s = v128.load32_splat(a0);
      c00 = simd.madd(s, b0, c00); c01 = simd.madd(s, b1, c01);
      if (offsetof<MR>() > 1) { s = v128.load32_splat(a1); c10 = simd.madd(s, b0, c10); c11 = simd.madd(s, b1, c11); }
      if (offsetof<MR>() > 2) { s = v128.load32_splat(a2); c20 = simd.madd(s, b0, c20); c21 = simd.madd(s, b1, c21); }
      if (offsetof<MR>() > 3) { s = v128.load32_splat(a3); c30 = simd.madd(s, b0, c30); c31 = simd.madd(s, b1, c31); }
      if (offsetof<MR>() > 4) { s = v128.load32_splat(a4); c40 = simd.madd(s, b0, c40); c41 = simd.madd(s, b1, c41); }
      b += 32;
      a0 += 4;
      if (offsetof<MR>() > 1) a1 += 4;
      if (offsetof<MR>() > 2) a2 += 4;
      if (offsetof<MR>() > 3) a3 += 4;
      if (offsetof<MR>() > 4) a4 += 4;
    }
    v128.store(c, c00); v128.store(c, c01, 16);
    if (offsetof<MR>() > 1) { v128.store(c, c10, 32); v128.store(c, c11, 48); }
    if (offsetof<MR>() > 2) { v128.store(c, c20, 64); v128.store(c, c21, 80); }
    if (offsetof<MR>() > 3) { v128.store(c, c30, 96); v128.store(c, c31, 112); }
    if (offsetof<MR>() > 4) { v128.store(c, c40, 128); v128.store(c, c41, 144); }
  }
}

/** A function of its own, exported so that it stays one: its registers are all it may use. */
export function tile5(k: i32, rows: usize, offset: usize, b: usize, c: usize, more: i32): void {
  Tile.run<R5>(k, rows, offset, b, c, more);
}
