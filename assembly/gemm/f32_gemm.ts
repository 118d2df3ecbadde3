import { simd } from '../simd';
import { KC, nextRows, R1, R2, R3, R4, R5, R6 } from './rows';

/**
 * f32_gemm: C[M x 8] = A[M x K] * B[K x 8], or C += A * B when `more` is not 0
 *
 * The one matrix product of this engine, in register tiles of MR x 8 (`rows.ts`). Rows of A are found
 * through pointers, so a convolution calls it once per tap without an im2col copy (Dukhan, The
 * Indirect Convolution Algorithm, 2019).
 *
 * Source      outer-product micro-kernel (Goto & van de Geijn 2008); tile: docs/adr/0003
 * M, K        > 0
 * rows        M addresses of rows of A, `offset` bytes added to each; multiples of 4
 * B           one packed panel [K][8]; address multiple of 16
 * C           dense [M][8]; read when `more`, and between blocks of K
 * Aliasing    C overlaps neither A nor B
 * Over-read   none
 * Registers   simd, 4x8: 8 accumulators + 2 B + 1 A + 1 product = 12 of 15 vectors (V8 keeps one of
 *             16); relaxed, 6x8: 12 + 2 + 1 = 15. Integers: MR rows + B + its end + base of memory
 * Loop        two steps of K per turn with an exit between them: the branch keeps V8 from moving the
 *             second step's loads before the first step's additions, which spills accumulators
 * Order       blocks of KC terms, k ascending in one accumulator per element, then one block
 *             after the other onto C: the same bits for any M, split or tile
 * Edges       the last rows go through smaller tiles
 */
export function f32_gemm(
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
    for (let done = 0; done < k; done += KC) {
      const at = offset + ((<usize>done) << 2);
      tile(mr, min(KC, k - done), rows, at, b + ((<usize>done) << 5), c, more | done);
    }
    m -= mr;
    rows += (<usize>mr) << 2;
    c += (<usize>mr) << 5;
  }
}

function tile(mr: i32, k: i32, rows: usize, offset: usize, b: usize, c: usize, more: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD && mr === 6) tile6(k, rows, offset, b, c, more);
  else if (ASC_FEATURE_RELAXED_SIMD && mr === 5) tile5(k, rows, offset, b, c, more);
  else if (mr === 4) tile4(k, rows, offset, b, c, more);
  else if (mr === 3) tile3(k, rows, offset, b, c, more);
  else if (mr === 2) tile2(k, rows, offset, b, c, more);
  else tile1(k, rows, offset, b, c, more);
}

class Tile {
  // biome-ignore format: one row of the tile per line
  @inline static run<MR>(k: i32, rows: usize, offset: usize, b: usize, c: usize, more: i32): void {
    let a0 = load<usize>(rows) + offset;
    let a1: usize = 0, a2: usize = 0, a3: usize = 0, a4: usize = 0, a5: usize = 0;
    if (offsetof<MR>() > 1) a1 = load<usize>(rows, 4) + offset;
    if (offsetof<MR>() > 2) a2 = load<usize>(rows, 8) + offset;
    if (offsetof<MR>() > 3) a3 = load<usize>(rows, 12) + offset;
    if (offsetof<MR>() > 4) a4 = load<usize>(rows, 16) + offset;
    if (offsetof<MR>() > 5) a5 = load<usize>(rows, 20) + offset;
    let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
    let c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
    const end = b + ((<usize>k) << 5);
    while (b < end) {
      let b0 = v128.load(b), b1 = v128.load(b, 16);
      let s = v128.load32_splat(a0);
      c00 = simd.madd(s, b0, c00); c01 = simd.madd(s, b1, c01); a0 += 4;
      if (offsetof<MR>() > 1) { s = v128.load32_splat(a1); c10 = simd.madd(s, b0, c10); c11 = simd.madd(s, b1, c11); a1 += 4; }
      if (offsetof<MR>() > 2) { s = v128.load32_splat(a2); c20 = simd.madd(s, b0, c20); c21 = simd.madd(s, b1, c21); a2 += 4; }
      if (offsetof<MR>() > 3) { s = v128.load32_splat(a3); c30 = simd.madd(s, b0, c30); c31 = simd.madd(s, b1, c31); a3 += 4; }
      if (offsetof<MR>() > 4) { s = v128.load32_splat(a4); c40 = simd.madd(s, b0, c40); c41 = simd.madd(s, b1, c41); a4 += 4; }
      if (offsetof<MR>() > 5) { s = v128.load32_splat(a5); c50 = simd.madd(s, b0, c50); c51 = simd.madd(s, b1, c51); a5 += 4; }
      b += 32;
      if (b === end) break;
      b0 = v128.load(b); b1 = v128.load(b, 16);
      s = v128.load32_splat(a0);
      c00 = simd.madd(s, b0, c00); c01 = simd.madd(s, b1, c01); a0 += 4;
      if (offsetof<MR>() > 1) { s = v128.load32_splat(a1); c10 = simd.madd(s, b0, c10); c11 = simd.madd(s, b1, c11); a1 += 4; }
      if (offsetof<MR>() > 2) { s = v128.load32_splat(a2); c20 = simd.madd(s, b0, c20); c21 = simd.madd(s, b1, c21); a2 += 4; }
      if (offsetof<MR>() > 3) { s = v128.load32_splat(a3); c30 = simd.madd(s, b0, c30); c31 = simd.madd(s, b1, c31); a3 += 4; }
      if (offsetof<MR>() > 4) { s = v128.load32_splat(a4); c40 = simd.madd(s, b0, c40); c41 = simd.madd(s, b1, c41); a4 += 4; }
      if (offsetof<MR>() > 5) { s = v128.load32_splat(a5); c50 = simd.madd(s, b0, c50); c51 = simd.madd(s, b1, c51); a5 += 4; }
      b += 32;
    }
    if (more) {
      c00 = f32x4.add(v128.load(c), c00); c01 = f32x4.add(v128.load(c, 16), c01);
      if (offsetof<MR>() > 1) { c10 = f32x4.add(v128.load(c, 32), c10); c11 = f32x4.add(v128.load(c, 48), c11); }
      if (offsetof<MR>() > 2) { c20 = f32x4.add(v128.load(c, 64), c20); c21 = f32x4.add(v128.load(c, 80), c21); }
      if (offsetof<MR>() > 3) { c30 = f32x4.add(v128.load(c, 96), c30); c31 = f32x4.add(v128.load(c, 112), c31); }
      if (offsetof<MR>() > 4) { c40 = f32x4.add(v128.load(c, 128), c40); c41 = f32x4.add(v128.load(c, 144), c41); }
      if (offsetof<MR>() > 5) { c50 = f32x4.add(v128.load(c, 160), c50); c51 = f32x4.add(v128.load(c, 176), c51); }
    }
    v128.store(c, c00); v128.store(c, c01, 16);
    if (offsetof<MR>() > 1) { v128.store(c, c10, 32); v128.store(c, c11, 48); }
    if (offsetof<MR>() > 2) { v128.store(c, c20, 64); v128.store(c, c21, 80); }
    if (offsetof<MR>() > 3) { v128.store(c, c30, 96); v128.store(c, c31, 112); }
    if (offsetof<MR>() > 4) { v128.store(c, c40, 128); v128.store(c, c41, 144); }
    if (offsetof<MR>() > 5) { v128.store(c, c50, 160); v128.store(c, c51, 176); }
  }
}

/**
 * Functions of their own, exported so that they stay so: their registers are all they may use.
 * Inlined into a caller with more integers alive, the loop spills and runs at half the speed.
 */
export function tile1(k: i32, rows: usize, offset: usize, b: usize, c: usize, more: i32): void {
  Tile.run<R1>(k, rows, offset, b, c, more);
}

export function tile2(k: i32, rows: usize, offset: usize, b: usize, c: usize, more: i32): void {
  Tile.run<R2>(k, rows, offset, b, c, more);
}

export function tile3(k: i32, rows: usize, offset: usize, b: usize, c: usize, more: i32): void {
  Tile.run<R3>(k, rows, offset, b, c, more);
}

export function tile4(k: i32, rows: usize, offset: usize, b: usize, c: usize, more: i32): void {
  Tile.run<R4>(k, rows, offset, b, c, more);
}

/** Only in builds with fused multiply-add, as `tile6`: in others nothing calls them. */
export function tile5(k: i32, rows: usize, offset: usize, b: usize, c: usize, more: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) Tile.run<R5>(k, rows, offset, b, c, more);
}

export function tile6(k: i32, rows: usize, offset: usize, b: usize, c: usize, more: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) Tile.run<R6>(k, rows, offset, b, c, more);
}
