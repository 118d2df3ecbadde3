import { ACT_CLIP, ACT_NONE, ACT_PRELU } from '../args';
import { simd } from '../simd';
import { nextRows, R1, R2, R3, R4, R5 } from './rows';

/**
 * f32_igemm_5x8: C[M x 8] = act(sum over t < taps of A_t[M x K] * B_t[K x 8] + bias[8] + R[M x 8])
 *
 * The one matrix tile of this engine: rows of A are found through pointers, so a convolution needs
 * no im2col copy (Dukhan, The Indirect Convolution Algorithm, 2019), and a plain product is taps = 1.
 *
 * Source      outer-product micro-kernel (Goto & van de Geijn 2008); tile: docs/adr/0003
 * M, K, taps  > 0; K is a multiple of 4
 * rows        addresses of the rows of A: [tile][tap][row of the tile], tiles as `nextRows` cuts M;
 *             `offset` bytes are added to each
 * B           one packed panel [taps][K][8]; address multiple of 16
 * C           ldc bytes between rows; `nr` = 8 or 4 columns written, never read
 * bias        8 floats, or 0 to start from 0
 * residual    R, like C with the same ldc, or 0; may be C itself
 * act         ACT_*; actArgs: 8 slopes, or min and max
 * Over-read   none (bias and slopes hold 8 floats even where nr = 4)
 * Registers   10 accumulators + 2 B + 1 A + 1 product = 14 of 15 (V8 keeps one of 16)
 * Order       t, then k ascending, one accumulator per element, bias first: the same bits for any
 *             M, split or tile
 * Edges       the last rows go through tiles of 1 to 4 rows
 */
export function f32_igemm_5x8(
  m: i32,
  k: i32,
  taps: i32,
  rows: usize,
  offset: usize,
  b: usize,
  c: usize,
  ldc: usize,
  nr: i32,
  bias: usize,
  residual: usize,
  act: i32,
  actArgs: usize,
): void {
  while (m > 0) {
    const mr = nextRows(m);
    if (mr === 5) Tile.run<R5>(k, taps, rows, offset, b, c, ldc, nr, bias, residual, act, actArgs);
    else if (mr === 4)
      Tile.run<R4>(k, taps, rows, offset, b, c, ldc, nr, bias, residual, act, actArgs);
    else if (mr === 3)
      Tile.run<R3>(k, taps, rows, offset, b, c, ldc, nr, bias, residual, act, actArgs);
    else if (mr === 2)
      Tile.run<R2>(k, taps, rows, offset, b, c, ldc, nr, bias, residual, act, actArgs);
    else Tile.run<R1>(k, taps, rows, offset, b, c, ldc, nr, bias, residual, act, actArgs);
    m -= mr;
    rows += (<usize>(mr * taps)) << 2;
    c += <usize>mr * ldc;
    if (residual) residual += <usize>mr * ldc;
  }
}

class Tile {
  // biome-ignore format: one row of the tile per line
  @inline static run<MR>(
    k: i32, taps: i32, rows: usize, offset: usize, b: usize, c: usize, ldc: usize, nr: i32,
    bias: usize, residual: usize, act: i32, actArgs: usize,
  ): void {
    let c00 = f32x4.splat(0), c01 = c00;
    if (bias) { c00 = v128.load(bias); c01 = v128.load(bias, 16); }
    let c10 = c00, c11 = c01;
    let c20 = c00, c21 = c01;
    let c30 = c00, c31 = c01;
    let c40 = c00, c41 = c01;
    do {
      let a0 = load<usize>(rows) + offset;
      let a1: usize = 0, a2: usize = 0, a3: usize = 0, a4: usize = 0;
      if (offsetof<MR>() > 1) a1 = load<usize>(rows, 4) + offset;
      if (offsetof<MR>() > 2) a2 = load<usize>(rows, 8) + offset;
      if (offsetof<MR>() > 3) a3 = load<usize>(rows, 12) + offset;
      if (offsetof<MR>() > 4) a4 = load<usize>(rows, 16) + offset;
      rows += offsetof<MR>() << 2;
      for (let left = k; left > 0; left -= 4) {
        let b0 = v128.load(b), b1 = v128.load(b, 16);
        let s = v128.load32_splat(a0);
        c00 = simd.madd(s, b0, c00); c01 = simd.madd(s, b1, c01);
        if (offsetof<MR>() > 1) { s = v128.load32_splat(a1); c10 = simd.madd(s, b0, c10); c11 = simd.madd(s, b1, c11); }
        if (offsetof<MR>() > 2) { s = v128.load32_splat(a2); c20 = simd.madd(s, b0, c20); c21 = simd.madd(s, b1, c21); }
        if (offsetof<MR>() > 3) { s = v128.load32_splat(a3); c30 = simd.madd(s, b0, c30); c31 = simd.madd(s, b1, c31); }
        if (offsetof<MR>() > 4) { s = v128.load32_splat(a4); c40 = simd.madd(s, b0, c40); c41 = simd.madd(s, b1, c41); }
        b0 = v128.load(b, 32); b1 = v128.load(b, 48);
        s = v128.load32_splat(a0, 4);
        c00 = simd.madd(s, b0, c00); c01 = simd.madd(s, b1, c01);
        if (offsetof<MR>() > 1) { s = v128.load32_splat(a1, 4); c10 = simd.madd(s, b0, c10); c11 = simd.madd(s, b1, c11); }
        if (offsetof<MR>() > 2) { s = v128.load32_splat(a2, 4); c20 = simd.madd(s, b0, c20); c21 = simd.madd(s, b1, c21); }
        if (offsetof<MR>() > 3) { s = v128.load32_splat(a3, 4); c30 = simd.madd(s, b0, c30); c31 = simd.madd(s, b1, c31); }
        if (offsetof<MR>() > 4) { s = v128.load32_splat(a4, 4); c40 = simd.madd(s, b0, c40); c41 = simd.madd(s, b1, c41); }
        b0 = v128.load(b, 64); b1 = v128.load(b, 80);
        s = v128.load32_splat(a0, 8);
        c00 = simd.madd(s, b0, c00); c01 = simd.madd(s, b1, c01);
        if (offsetof<MR>() > 1) { s = v128.load32_splat(a1, 8); c10 = simd.madd(s, b0, c10); c11 = simd.madd(s, b1, c11); }
        if (offsetof<MR>() > 2) { s = v128.load32_splat(a2, 8); c20 = simd.madd(s, b0, c20); c21 = simd.madd(s, b1, c21); }
        if (offsetof<MR>() > 3) { s = v128.load32_splat(a3, 8); c30 = simd.madd(s, b0, c30); c31 = simd.madd(s, b1, c31); }
        if (offsetof<MR>() > 4) { s = v128.load32_splat(a4, 8); c40 = simd.madd(s, b0, c40); c41 = simd.madd(s, b1, c41); }
        b0 = v128.load(b, 96); b1 = v128.load(b, 112);
        s = v128.load32_splat(a0, 12);
        c00 = simd.madd(s, b0, c00); c01 = simd.madd(s, b1, c01);
        if (offsetof<MR>() > 1) { s = v128.load32_splat(a1, 12); c10 = simd.madd(s, b0, c10); c11 = simd.madd(s, b1, c11); }
        if (offsetof<MR>() > 2) { s = v128.load32_splat(a2, 12); c20 = simd.madd(s, b0, c20); c21 = simd.madd(s, b1, c21); }
        if (offsetof<MR>() > 3) { s = v128.load32_splat(a3, 12); c30 = simd.madd(s, b0, c30); c31 = simd.madd(s, b1, c31); }
        if (offsetof<MR>() > 4) { s = v128.load32_splat(a4, 12); c40 = simd.madd(s, b0, c40); c41 = simd.madd(s, b1, c41); }
        b += 128;
        a0 += 16;
        if (offsetof<MR>() > 1) a1 += 16;
        if (offsetof<MR>() > 2) a2 += 16;
        if (offsetof<MR>() > 3) a3 += 16;
        if (offsetof<MR>() > 4) a4 += 16;
      }
      taps -= 1;
    } while (taps > 0);
    Epilogue.row(c, c00, c01, nr, residual, act, actArgs);
    if (offsetof<MR>() > 1) { c += ldc; if (residual) residual += ldc; Epilogue.row(c, c10, c11, nr, residual, act, actArgs); }
    if (offsetof<MR>() > 2) { c += ldc; if (residual) residual += ldc; Epilogue.row(c, c20, c21, nr, residual, act, actArgs); }
    if (offsetof<MR>() > 3) { c += ldc; if (residual) residual += ldc; Epilogue.row(c, c30, c31, nr, residual, act, actArgs); }
    if (offsetof<MR>() > 4) { c += ldc; if (residual) residual += ldc; Epilogue.row(c, c40, c41, nr, residual, act, actArgs); }
  }
}

/** y = act(v + residual) for one vector or one row of 8; shared by every convolution. */
export class Epilogue {
  @inline static row(
    c: usize,
    v0: v128,
    v1: v128,
    nr: i32,
    residual: usize,
    act: i32,
    actArgs: usize,
  ): void {
    v128.store(c, Epilogue.vector(v0, residual, act, actArgs));
    if (nr > 4) {
      const next: usize = residual ? residual + 16 : 0;
      const nextArgs = act === ACT_PRELU ? actArgs + 16 : actArgs;
      v128.store(c, Epilogue.vector(v1, next, act, nextArgs), 16);
    }
  }

  /** `residual`: address of 4 floats or 0; `actArgs`: address of 4 slopes, or of min and max. */
  @inline static vector(v: v128, residual: usize, act: i32, actArgs: usize): v128 {
    if (residual) v = f32x4.add(v, v128.load(residual));
    if (act === ACT_NONE) return v;
    if (act === ACT_PRELU) return simd.prelu(v, v128.load(actArgs));
    if (act === ACT_CLIP) {
      return f32x4.min(f32x4.max(v, v128.load32_splat(actArgs)), v128.load32_splat(actArgs, 4));
    }
    return v;
  }
}
