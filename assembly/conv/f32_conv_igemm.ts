import { ACT_PRELU, ConvArgs } from '../args';
import { Epilogue } from '../gemm/epilogue';
import { f32_gemm_5x8 } from '../gemm/f32_gemm_5x8';
import { nextRows } from '../gemm/rows';
import { Split } from '../thread/split';
import { writeTile } from './rows';

/**
 * f32_conv_igemm: y[n, oy, ox, o] = act(bias[o] + residual + sum x[n, oy*sh+ky-ph, ox*sw+kx-pw, i]
 * * w[o, ky, kx, i]), padding = pad[i]; dense or grouped, any kernel, stride and padding.
 *
 * Method      im2col-GEMM: M = oh * ow pixels, N = oc in panels of 8, K = kh * kw * window. Rows are
 *             read through pointers, one product per tap; only where a tap has so few channels that
 *             a product per tap costs more than it computes (`im2col`, the stem) are they copied
 * Shapes      x [batch][ih][iw][ic], y [batch][oh][ow][oc]; ic, oc channel strides, multiples of 4
 * weight      [ceil(oc / 8)][kh * kw][window][8]
 * Blocking    `block` pixels stay in L2 while every panel of weights passes over them
 * Scratch     per thread: 5 x 8 sums | row table, block * kh * kw * 4 bytes | copied rows (`im2col`)
 * Threads     blocks or panels are shared out; each output is computed by one thread
 * Order       taps, then channels ascending, then bias and residual
 * Aliasing    y may be the residual; it overlaps nothing else
 */
export function f32_conv_igemm(block: usize, thread: i32, threads: i32): void {
  const args = changetype<ConvArgs>(block);
  const pixels = args.oh * args.ow;
  const blocks = (pixels + args.block - 1) / args.block;
  const panels = (args.oc + 7) >> 3;
  const items = blocks * args.batch;
  const shareItems = args.splitPanels === 0;
  const firstItem = shareItems ? Split.first(items, thread, threads) : 0;
  const lastItem = shareItems ? Split.first(items, thread + 1, threads) : items;
  const firstPanel = shareItems ? 0 : Split.first(panels, thread, threads);
  const lastPanel = shareItems ? panels : Split.first(panels, thread + 1, threads);
  const sums = args.scratch + <usize>(thread * args.scratchBytes);
  const table = sums + SUMS_BYTES;
  for (let item = firstItem; item < lastItem; item++) {
    const n = item / blocks;
    const first = (item - n * blocks) * args.block;
    const count = min(args.block, pixels - first);
    writeTable(args, n, first, count, table);
    if (args.im2col) copyRows(args, count, table);
    for (let panel = firstPanel; panel < lastPanel; panel++) {
      multiply(args, n * pixels + first, count, panel, table, sums);
    }
  }
}

/** One register tile of sums, 5 x 8 floats, rounded up to cache lines. */
const SUMS_BYTES: usize = 192;

function writeTable(args: ConvArgs, n: i32, first: i32, count: i32, table: usize): void {
  const image = args.x + ((<usize>(n * args.ih * args.iw * args.ic)) << 2);
  for (let done = 0; done < count; ) {
    const rows = nextRows(count - done);
    table = writeTile(args, image, first + done, rows, table);
    done += rows;
  }
}

/**
 * im2col: copies the rows of the table behind it, [pixel][tap][window], and points the first `count`
 * entries at the copies. Only for dense convolutions, so the window starts at channel 0.
 */
function copyRows(args: ConvArgs, count: i32, table: usize): void {
  const taps = args.kh * args.kw;
  const tapBytes = (<usize>args.window) << 2;
  const rowBytes = tapBytes * taps;
  const copies = table + ((<usize>(args.block * taps)) << 2);
  let entry = table;
  for (let done = 0; done < count; ) {
    const rows = nextRows(count - done);
    for (let tap = 0; tap < taps; tap++) {
      for (let r = 0; r < rows; r++, entry += 4) {
        const src = load<usize>(entry);
        const dst = copies + <usize>(done + r) * rowBytes + <usize>tap * tapBytes;
        for (let i: usize = 0; i < tapBytes; i += 16) v128.store(dst + i, v128.load(src + i));
      }
    }
    done += rows;
  }
  for (let i = 0; i < count; i++) {
    store<usize>(table + ((<usize>i) << 2), copies + <usize>i * rowBytes);
  }
}

/** One panel of 8 outputs for `count` pixels from `pixel` (counted over the batch). */
function multiply(
  args: ConvArgs,
  pixel: i32,
  count: i32,
  panel: i32,
  table: usize,
  sums: usize,
): void {
  const filterTaps = args.kh * args.kw;
  const taps = args.im2col ? 1 : filterTaps;
  const k = args.im2col ? filterTaps * args.window : args.window;
  const weight = args.weight + ((<usize>(panel * filterTaps * args.window)) << 5);
  const offset = (<usize>windowStart(args, panel)) << 2;
  for (let done = 0; done < count; ) {
    const rows = nextRows(count - done);
    let b = weight;
    for (let tap = 0; tap < taps; tap++) {
      f32_gemm_5x8(rows, k, table, offset, b, sums, tap);
      table += (<usize>rows) << 2;
      b += (<usize>k) << 5;
    }
    finishRows(args, pixel + done, rows, panel, sums);
    done += rows;
  }
}

/** Bias, residual and activation of `rows` pixels of one panel. */
function finishRows(args: ConvArgs, pixel: i32, rows: i32, panel: i32, sums: usize): void {
  const channel = (<usize>panel) << 5;
  const bytes: usize = min(8, args.oc - (panel << 3)) === 8 ? 32 : 16;
  for (let half: usize = 0; half < bytes; half += 16) {
    const bias = v128.load(args.bias + channel + half);
    const actArgs = args.act === ACT_PRELU ? args.actArgs + channel + half : args.actArgs;
    let at = ((<usize>(pixel * args.oc)) << 2) + channel + half;
    let sum = sums + half;
    for (let r = 0; r < rows; r++) {
      const v = f32x4.add(v128.load(sum), bias);
      const residual: usize = args.residual ? args.residual + at : 0;
      v128.store(args.y + at, Epilogue.vector(v, residual, args.act, actArgs));
      at += (<usize>args.oc) << 2;
      sum += 32;
    }
  }
}

/** First input channel of a panel's window; `panelWindow` in src/graph/layout.ts is the same rule. */
function windowStart(args: ConvArgs, panel: i32): i32 {
  if (args.outPerGroup === 0) return 0;
  const group = (panel << 3) / args.outPerGroup;
  return min((group * args.inPerGroup) & ~3, args.ic - args.window);
}
