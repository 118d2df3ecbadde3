import { ACT_PRELU, WinogradArgs } from '../args';
import { Epilogue } from '../gemm/epilogue';
import { f32_gemm_5x8 } from '../gemm/f32_gemm_5x8';
import { R4, R5, R6 } from '../gemm/rows';
import { Split } from '../thread/split';
import { Transform } from './tile';
import { WeightTransform } from './weight';

/** Bytes of the work tiles at the start of a thread's scratch: 3 x 64 vectors. */
const WORK: usize = 3 * 64 * 16;

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
 * Edges       tiles over the lower and right border store only what lies inside
 */
export function f32_winograd_multiply(block: usize, thread: i32, threads: i32): void {
  const args = changetype<WinogradArgs>(block);
  const tiles = args.batch * args.tilesY * args.tilesX;
  const panels = (args.oc + 7) >> 3;
  const last = Split.first(panels, thread + 1, threads);
  const work = args.scratch + <usize>thread * args.scratchBytes;
  const table = work + WORK;
  const u = (table + ((<usize>tiles) << 2) + 63) & ~63;
  const positions = (args.m + 2) * (args.m + 2);
  const products = u + <usize>positions * args.uBytes;
  writeRows(tiles, (<usize>args.ic) << 2, table);
  for (let panel = Split.first(panels, thread, threads); panel < last; panel++) {
    transformWeights(args, panel, u);
    multiply(args, tiles, positions, table, u, products);
    transformOutputs(args, panel, tiles, products, work);
  }
}

/** Row table of the products: tile i of every position lies i * bytes behind the position. */
function writeRows(tiles: i32, bytes: usize, table: usize): void {
  for (let i = 0; i < tiles; i++) store<usize>(table + ((<usize>i) << 2), <usize>i * bytes);
}

/** g [tap][ic][8] of one panel -> U [pos][ic][8]. */
function transformWeights(args: WinogradArgs, panel: i32, u: usize): void {
  const tap = (<usize>args.ic) << 5;
  const src = args.weight + <usize>panel * tap * 9;
  for (let at: usize = 0; at < tap; at += 128) {
    weightBlock(args.m, src + at, tap, u + at, args.uBytes);
  }
}

/** Eight vectors (4 input channels of 8 outputs): a call is long enough to be worth one. */
function weightBlock(m: i32, src: usize, tap: usize, dst: usize, pos: usize): void {
  for (let at: usize = 0; at < 128; at += 16) {
    if (m === 4) WeightTransform.run<R4>(src + at, tap, dst + at, pos);
    else if (m === 5) WeightTransform.run<R5>(src + at, tap, dst + at, pos);
    else WeightTransform.run<R6>(src + at, tap, dst + at, pos);
  }
}

function multiply(
  args: WinogradArgs,
  tiles: i32,
  positions: i32,
  table: usize,
  u: usize,
  products: usize,
): void {
  const bytes = (<usize>tiles) << 5;
  let v = args.v;
  for (let pos = 0; pos < positions; pos++) {
    f32_gemm_5x8(tiles, args.ic, table, v, u, products, 0);
    v += args.vBytes;
    u += args.uBytes;
    products += bytes;
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
  const perPicture = args.tilesY * args.tilesX;
  for (let tile = 0; tile < tiles; tile++) {
    const n = tile / perPicture;
    const inPicture = tile - n * perPicture;
    const ty = inPicture / args.tilesX;
    const y0 = ty * args.m;
    const x0 = (inPicture - ty * args.tilesX) * args.m;
    const src = products + ((<usize>tile) << 5);
    for (let half = 0; half < vectors; half++) {
      const shift = (<usize>half) << 4;
      outputTile(args, n, y0, x0, channel + shift, src + shift, (<usize>tiles) << 5, work);
    }
  }
}

/** One vector of 4 channels (at byte `channel` of a pixel) of the tile at pixel (y0, x0). */
function outputTile(
  args: WinogradArgs,
  n: i32,
  y0: i32,
  x0: i32,
  channel: usize,
  src: usize,
  pos: usize,
  work: usize,
): void {
  const result = work + 64 * 16;
  if (args.m === 4) Transform.output<R4>(src, pos, work, result);
  else if (args.m === 5) Transform.output<R5>(src, pos, work, result);
  else Transform.output<R6>(src, pos, work, result);
  const bias = v128.load(args.bias + channel);
  const actArgs = args.act === ACT_PRELU ? args.actArgs + channel : args.actArgs;
  const pixel = (<usize>args.oc) << 2;
  const rows = min(args.m, args.oh - y0);
  const cols = min(args.m, args.ow - x0);
  for (let k = 0; k < rows; k++) {
    let at = <usize>((n * args.oh + y0 + k) * args.ow + x0) * pixel + channel;
    let from = result + ((<usize>(k * args.m)) << 4);
    for (let l = 0; l < cols; l++, at += pixel, from += 16) {
      const sum = f32x4.add(v128.load(from), bias);
      const residual: usize = args.residual ? args.residual + at : 0;
      v128.store(args.y + at, Epilogue.vector(sum, residual, args.act, actArgs));
    }
  }
}
