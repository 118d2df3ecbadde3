import { WinogradArgs } from '../args';
import { bring, DTYPE_F32, fetch, GROUP, rowShift, scalesOf } from '../gemm/bring';
import { f32_gemm } from '../gemm/f32_gemm';
import { f32_gemm_wide } from '../gemm/f32_gemm_wide';
import { Share } from '../thread/share';
import {
  CHANNEL_BYTES,
  filter_columns,
  filter_columns_s2,
  filter_row,
  filter_row_s2,
} from './filter';
import { filter_product } from './filter_product';
import { transformOutputs } from './output';
import { FILTERS, positionsOf, TILE_VECTORS } from './strides';

/** Bytes of the two work tiles at the start of a thread's scratch. */
const WORK: usize = 2 * TILE_VECTORS * 16;

/** Taps of a 3x3 filter. */
const TAPS: i32 = 9;

/**
 * f32_winograd_multiply: y = act(A^T [sum over i of V[pos][tile][i] * U[pos][i][o]] A + bias + residual)
 *
 * For each panel of 8 outputs: H = G g (weights stay 3x3 in memory: a ninth of the bytes to read, and
 * the transform costs less than fetching U would), then for each row of positions a row of U and its
 * products M = tiles, N = 8, K = ic, then the output transform with the epilogue.
 *
 * Blocking    tiles come in groups, so that V stays in the caches while every panel passes over it; where
 *             V does not fit L2, `together` panels pass at once; H and the products stay in L2, a row of U
 *             close to L1; rows of H and positions of U and of the products lie 64 bytes more than their
 *             length apart, mostly a power of two, so that they fall into different sets
 * Pairs       `wide`: the two panels at once go through tiles of 16 columns (docs/adr/0010)
 * Scratch     per thread: work tiles | row table | per panel at once: H | U | products [positions][tiles][8]
 * Threads     share the panels; each output is computed by one thread
 * Order       that of `f32_gemm` per position: the same bits for any group, batch and number of threads
 * Edges       tiles over the lower and right border store only what lies inside
 * Over-read   none. Aliasing: y may be the residual, and overlaps nothing else
 */
export function f32_winograd_multiply(block: usize, thread: i32, threads: i32): void {
  const args = changetype<WinogradArgs>(block);
  const turns = ((args.oc + 7) >> 3) / args.together;
  const work = args.scratch + <usize>thread * args.scratchBytes;
  const table = work + WORK;
  const h = (table + ((<usize>args.tiles) << 2) + 63) & ~63;
  const products = h + FILTERS * (args.hBytes + args.uBytes);
  writeRows(args.tiles, (<usize>args.ic) << 2, table);
  let turn = Share.first(turns, thread, threads);
  for (; turn >= 0; turn = Share.next(turn, turns, thread, threads)) {
    const panel = turn * args.together;
    for (let q = 0; q < args.together; q++) {
      transformColumns(args, panel + q, h + <usize>q * args.panelBytes, work);
    }
    for (let row = 0; row < FILTERS; row++) {
      if (args.tiles === 1 && args.stride === 1 && !args.wide) multiplyOne(args, row, h, products);
      else multiplyRow(args, row, table, h, products);
    }
    transformOutputs(args, panel, products, work);
  }
}

/** Row table of the products: tile i of every position lies i * bytes behind the position. */
function writeRows(tiles: i32, bytes: usize, table: usize): void {
  for (let i = 0; i < tiles; i++) store<usize>(table + ((<usize>i) << 2), <usize>i * bytes);
}

/**
 * g [tap][ic][8] of one panel -> H [9][ic][3][8]. Weights that are not f32 are brought for a group of
 * channels at a time, so that they are still in L1 when they are transformed; where U will stand is room.
 */
function transformColumns(args: WinogradArgs, panel: i32, h: usize, work: usize): void {
  const shift = rowShift(args.dtype);
  const tap = (<usize>args.ic) << shift;
  const src = args.weight + <usize>panel * tap * TAPS;
  fetch(src, tap * TAPS, work);
  if (args.dtype === DTYPE_F32) {
    columns(args, src, tap, h);
    return;
  }
  const brought = h + FILTERS * args.hBytes;
  for (let done = 0; done < args.ic; done += GROUP) {
    const rows = min(GROUP, args.ic - done);
    const bytes = (<usize>rows) << 5;
    for (let t = 0; t < TAPS; t++) {
      const scales = scalesOf(args.dtype, args.scales, panel, TAPS, t, args.ic, done);
      const from = src + <usize>t * tap + ((<usize>done) << shift);
      bring(from, scales, rows, args.dtype, brought + <usize>t * bytes);
    }
    columns(args, brought, bytes, h + <usize>done * CHANNEL_BYTES);
  }
}

function columns(args: WinogradArgs, src: usize, tap: usize, h: usize): void {
  if (args.stride === 2) filter_columns_s2(src, tap, h, args.hBytes);
  else filter_columns(src, tap, h, args.hBytes);
}

/** Products of all positions whose filter stands in row `row` of H, for all panels at once. */
function multiplyRow(args: WinogradArgs, row: i32, table: usize, h: usize, products: usize): void {
  const u = h + FILTERS * args.hBytes;
  const panels = <usize>args.together * args.panelBytes;
  for (let q: usize = 0; q < panels; q += args.panelBytes) transformRow(args, row, h + q, u + q);
  const t = positionsOf(args.stride);
  const last = row < FILTERS - 1 ? row : t - 1;
  for (let i = row; i <= last; i++) {
    const first = <usize>(i * t);
    let v = args.v + first * args.vBytes;
    let c = products + first * args.cBytes;
    for (let j = 0; j < t; j++, v += args.vBytes, c += args.cBytes) {
      // At stride 2 the last filter serves all odd inputs.
      const filter = u + <usize>min(j, FILTERS - 1) * args.uBytes;
      if (args.wide) {
        f32_gemm_wide(args.tiles, args.ic, table, v, filter, args.panelBytes, c, 0);
        continue;
      }
      for (let q: usize = 0; q < panels; q += args.panelBytes) {
        f32_gemm(args.tiles, args.ic, table, v, filter + q, c + q, 0);
      }
    }
  }
}

/** Row `row` of H [9][ic][3][8] -> the 9 positions of U in it, [9][ic][8]. */
function transformRow(args: WinogradArgs, row: i32, h: usize, u: usize): void {
  const from = h + <usize>row * args.hBytes;
  const to = from + <usize>args.ic * CHANNEL_BYTES;
  if (args.stride === 2) filter_row_s2(from, to, u, args.uBytes);
  else filter_row(from, to, u, args.uBytes);
}

/** The products of a row for a single tile at stride 1 and a single panel, straight from H. */
function multiplyOne(args: WinogradArgs, row: i32, h: usize, products: usize): void {
  const from = h + <usize>row * args.hBytes;
  const first = <usize>(row * FILTERS);
  const v = args.v + first * args.vBytes;
  filter_product(from, args.ic, v, args.vBytes, products + first * args.cBytes, args.cBytes);
}
