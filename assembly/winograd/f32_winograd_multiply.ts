import { ACT_PRELU, WinogradArgs } from '../args';
import { Epilogue } from '../gemm/epilogue';
import { f32_gemm_5x8 } from '../gemm/f32_gemm_5x8';
import { Split } from '../thread/split';
import { Grid } from './grid';
import { M4, M5, M6, S2, S4 } from './sizes';
import { Transform, WORK_VECTORS } from './tile';
import { filters_f4, filters_f5, filters_f6, filters_s4, WeightTransform } from './weight';

/** Bytes of the two work tiles at the start of a thread's scratch. */
const WORK: usize = 2 * WORK_VECTORS * 16;

/**
 * f32_winograd_multiply: y = act(A^T [sum over i of V[pos][tile][i] * U[pos][i][o]] A + bias + residual)
 *
 * For each panel of 8 outputs: U = G g G^T of the panel (weights stay 3x3 in memory: a quarter of the
 * bytes to read, and the transform costs less than fetching U would), then per position one product
 * M = tiles, N = 8, K = ic, then the output transform with the epilogue.
 *
 * Blocking    U of one panel (T^2 * ic * 32 bytes: 0.4 MB at 256 channels) and the products stay in
 *             L2; positions are `uBytes` = ic * 32 + 64 apart so that they fall into different sets
 * Scratch     per thread: work tiles | row table | U | products [T * T][tiles][8]
 * Threads     share the panels; each output is computed by one thread
 * Order       k ascending per position: the same bits for any batch and number of threads
 * Edges       tiles over the lower and right border store only what lies inside; positions that
 *             only full tiles have are multiplied for these alone (`Grid`)
 * Over-read   none. Aliasing: y may be the residual, and overlaps nothing else
 */
export function f32_winograd_multiply(block: usize, thread: i32, threads: i32): void {
  const args = changetype<WinogradArgs>(block);
  const tiles = args.batch * args.tilesY * args.tilesX;
  const panels = (args.oc + 7) >> 3;
  const last = Split.first(panels, thread + 1, threads);
  const work = args.scratch + <usize>thread * args.scratchBytes;
  const table = work + WORK;
  const u = (table + ((<usize>tiles) << 2) + 63) & ~63;
  const kinds = WeightTransform.rows(args.m, args.stride);
  const products = u + <usize>(kinds * kinds) * args.uBytes;
  writeRows(tiles, (<usize>args.ic) << 2, table);
  for (let panel = Split.first(panels, thread, threads); panel < last; panel++) {
    transformWeights(args, panel, u, work);
    multiply(args, tiles, table, u, products);
    transformOutputs(args, panel, tiles, products, work);
  }
}

/** Row table of the products: tile i of every position lies i * bytes behind the position. */
function writeRows(tiles: i32, bytes: usize, table: usize): void {
  for (let i = 0; i < tiles; i++) store<usize>(table + ((<usize>i) << 2), <usize>i * bytes);
}

/** g [tap][ic][8] of one panel -> U [pos][ic][8]. */
function transformWeights(args: WinogradArgs, panel: i32, u: usize, work: usize): void {
  const tap = (<usize>args.ic) << 5;
  const src = args.weight + <usize>panel * tap * 9;
  fetch(src, 9 * tap, work);
  if (args.stride === 2) filters_s4(src, tap, u, args.uBytes, work);
  else if (args.m === 4) filters_f4(src, tap, u, args.uBytes, work);
  else if (args.m === 5) filters_f5(src, tap, u, args.uBytes, work);
  else filters_f6(src, tap, u, args.uBytes, work);
}

/**
 * Reads a panel of weights once from end to end, so that it comes from DRAM with as many cache misses
 * under way as the core has: the transform alone, with its nine streams, waits longer for each
 * (docs/adr/0005). What is read is stored, or the compiler would drop the loads.
 */
function fetch(src: usize, bytes: usize, work: usize): void {
  let seen = f32x4.splat(0);
  for (let end = src + bytes; src < end; src += 64) seen = v128.xor(seen, v128.load(src));
  v128.store(work, seen);
}

function multiply(args: WinogradArgs, tiles: i32, table: usize, u: usize, products: usize): void {
  const t = Grid.t(args);
  const row = (<usize>args.ic) << 2;
  const kinds = WeightTransform.rows(args.m, args.stride);
  let v = args.v;
  for (let i = 0; i < t; i++) {
    const line = u + <usize>(WeightTransform.rowOf(i, args.stride) * kinds) * args.uBytes;
    for (let j = 0; j < t; j++) {
      const first = Grid.first(args, j);
      const count = Grid.end(args, i, j) - first;
      const a = v + <usize>first * row;
      const b = line + <usize>WeightTransform.rowOf(j, args.stride) * args.uBytes;
      f32_gemm_5x8(count, args.ic, table, a, b, products + ((<usize>first) << 5), 0);
      v += args.vBytes;
      products += (<usize>tiles) << 5;
    }
  }
}

function transformOutputs(
  args: WinogradArgs,
  panel: i32,
  tiles: i32,
  products: usize,
  work: usize,
): void {
  const channel = (<usize>panel) << 5;
  const vectors = min(2, (args.oc - (panel << 3)) >> 2);
  const pos = (<usize>tiles) << 5;
  for (let kind = 0; kind < 4; kind++) {
    const rows = Grid.rows(args, kind);
    const cols = Grid.cols(args, kind);
    for (let n = 0; n < args.batch; n++) {
      for (let ty = 0; ty < rows; ty++) {
        const y0 = Grid.y(args, kind, ty);
        for (let tx = 0; tx < cols; tx++, products += 32) {
          const x0 = Grid.x(args, kind, tx);
          outputTile(args, kind, n, y0, x0, channel, products, pos, work);
          if (vectors > 1) {
            outputTile(args, kind, n, y0, x0, channel + 16, products + 16, pos, work);
          }
        }
      }
    }
  }
}

/** One vector of 4 channels (at byte `channel` of a pixel) of the tile at pixel (y0, x0). */
function outputTile(
  args: WinogradArgs,
  kind: i32,
  n: i32,
  y0: i32,
  x0: i32,
  channel: usize,
  src: usize,
  pos: usize,
  work: usize,
): void {
  const my = Grid.my(args, kind);
  const mx = Grid.mx(args, kind);
  const result = work + WORK_VECTORS * 16;
  transform(args, my, mx, src, pos, work, result);
  const bias = v128.load(args.bias + channel);
  const actArgs = args.act === ACT_PRELU ? args.actArgs + channel : args.actArgs;
  const pixel = (<usize>args.oc) << 2;
  const rows = min(my, args.oh - y0);
  const cols = min(mx, args.ow - x0);
  for (let k = 0; k < rows; k++) {
    let at = <usize>((n * args.oh + y0 + k) * args.ow + x0) * pixel + channel;
    let from = result + ((<usize>(k * mx)) << 4);
    for (let l = 0; l < cols; l++, at += pixel, from += 16) {
      const sum = f32x4.add(v128.load(from), bias);
      const residual: usize = args.residual ? args.residual + at : 0;
      v128.store(args.y + at, Epilogue.vector(sum, residual, args.act, actArgs));
    }
  }
}

function transform(
  args: WinogradArgs,
  my: i32,
  mx: i32,
  src: usize,
  pos: usize,
  work: usize,
  dst: usize,
): void {
  const t = <usize>Grid.t(args);
  if (args.stride === 2) {
    if (my === 4 && mx === 4) Transform.output<S4, S4>(src, t, pos, work, dst);
    else if (my === 4) Transform.output<S4, S2>(src, t, pos, work, dst);
    else if (mx === 4) Transform.output<S2, S4>(src, t, pos, work, dst);
    else Transform.output<S2, S2>(src, t, pos, work, dst);
  } else if (my === 4) {
    if (mx === 4) Transform.output<M4, M4>(src, t, pos, work, dst);
    else if (mx === 5) Transform.output<M4, M5>(src, t, pos, work, dst);
    else Transform.output<M4, M6>(src, t, pos, work, dst);
  } else if (my === 5) {
    if (mx === 4) Transform.output<M5, M4>(src, t, pos, work, dst);
    else Transform.output<M5, M5>(src, t, pos, work, dst);
  } else {
    if (mx === 4) Transform.output<M6, M4>(src, t, pos, work, dst);
    else Transform.output<M6, M6>(src, t, pos, work, dst);
  }
}
