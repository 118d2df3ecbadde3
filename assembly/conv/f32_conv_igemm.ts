import { ACT_PRELU, ConvArgs } from '../args';
import { bring, DTYPE_F32, fetch, rowShift, scalesOf } from '../gemm/bring';
import { Epilogue } from '../gemm/epilogue';
import { f32_gemm } from '../gemm/f32_gemm';
import { Share } from '../thread/share';
import { writeTable } from './rows';

/**
 * f32_conv_igemm: y[n, oy, ox, o] = act(bias[o] + residual + sum x[n, oy*sh+ky-ph, ox*sw+kx-pw, i]
 * * w[o, ky, kx, i]), padding = pad[i]; dense or grouped, any kernel, stride and padding.
 *
 * Method      im2col-GEMM: M = oh * ow pixels, N = oc in panels of 8, K = kh * kw * window. Rows are
 *             read through pointers, one product per tap; only where a tap has so few channels that
 *             a product per tap costs more than it computes (`im2col`, the stem) are they copied
 * Shapes      x [batch][ih][iw][ic], y [batch][oh][ow][oc]; ic, oc channel strides, multiples of 4
 * weight      [ceil(oc / 8)][kh * kw][window][8], stored as `dtype` says
 * Blocking    `block` pixels stay in L2 (1x1: in L1, with their outputs) while panels of weights pass over them
 * Scratch     per thread: sums [block][8] | row table [tap][block] | copied rows (`im2col`) | panels in
 *             f32 where they are stored otherwise: one (`splitPanels`) or all
 * Threads     share blocks or panels (`splitPanels`); each output is computed by one thread
 * Order       taps, then channels ascending, then bias and residual
 * Aliasing    y may be the residual; it overlaps nothing else
 */
export function f32_conv_igemm(block: usize, thread: i32, threads: i32): void {
  const args = changetype<ConvArgs>(block);
  const blocks = (args.oh * args.ow + args.block - 1) / args.block;
  const panels = (args.oc + 7) >> 3;
  const items = blocks * args.batch;
  const shares = args.splitPanels ? panels : items;
  let i = Share.first(shares, thread, threads);
  if (i >= 0 && !args.splitPanels) bringPanels(args, 0, panels, thread);
  for (; i >= 0; i = Share.next(i, shares, thread, threads)) {
    if (args.splitPanels) {
      bringPanels(args, i, i + 1, thread);
      for (let item = 0; item < items; item++) run(args, item, i, i + 1, thread);
    } else {
      run(args, i, 0, panels, thread);
    }
  }
}

/** Panels first .. last - 1 in f32, in the scratch of the thread; where they are f32 they stay where they lie. */
function bringPanels(args: ConvArgs, first: i32, last: i32, thread: i32): void {
  if (args.dtype === DTYPE_F32) return;
  const taps = args.kh * args.kw;
  const tapBytes = (<usize>args.window) << rowShift(args.dtype);
  const sums = args.scratch + <usize>(thread * args.scratchBytes);
  let dst = broughtAt(args, sums);
  let src = args.weight + <usize>first * taps * tapBytes;
  fetch(src, <usize>(last - first) * taps * tapBytes, sums);
  for (let panel = first; panel < last; panel++) {
    for (let tap = 0; tap < taps; tap++) {
      const scales = scalesOf(args.dtype, args.scales, panel, taps, tap, args.window, 0);
      bring(src, scales, args.window, args.dtype, dst);
      src += tapBytes;
      dst += (<usize>args.window) << 5;
    }
  }
}

/** Behind the sums, the row table and the copied rows of a thread. */
function broughtAt(args: ConvArgs, sums: usize): usize {
  const taps = args.kh * args.kw;
  const copied = args.im2col ? taps * args.window : 0;
  const bytes = args.block * (32 + ((taps + copied) << 2));
  return (sums + <usize>bytes + 63) & ~63;
}

/** A block of pixels of one picture, panels first .. last - 1. */
function run(args: ConvArgs, item: i32, first: i32, last: i32, thread: i32): void {
  const pixels = args.oh * args.ow;
  const blocks = (pixels + args.block - 1) / args.block;
  const n = item / blocks;
  const pixel = (item - n * blocks) * args.block;
  const count = min(args.block, pixels - pixel);
  const sums = args.scratch + <usize>(thread * args.scratchBytes);
  const table = sums + ((<usize>args.block) << 5);
  writeTable(args, args.x + ((<usize>(n * args.ih * args.iw * args.ic)) << 2), pixel, count, table);
  if (args.im2col) copy_rows(args, count, table);
  for (let panel = first; panel < last; panel++) {
    multiply(args, count, panel, panel - first, table, sums);
    finish(args, n * pixels + pixel, count, panel, sums);
  }
}

/**
 * im2col: copies the rows of the table behind it, [pixel][tap][window], and points the first `count`
 * entries at the copies. Only for dense convolutions, so the window starts at channel 0. Exported so
 * that it stays a function: inlined into the one call that is the stem, it would run through all of it as
 * the baseline compiler left it (1 ms of a cold start).
 */
export function copy_rows(args: ConvArgs, count: i32, table: usize): void {
  const taps = args.kh * args.kw;
  const tapBytes = (<usize>args.window) << 2;
  const rowBytes = tapBytes * taps;
  const copies = table + ((<usize>(args.block * taps)) << 2);
  let entry = table;
  for (let tap = 0; tap < taps; tap++) {
    let dst = copies + <usize>tap * tapBytes;
    for (let r = 0; r < count; r++, entry += 4, dst += rowBytes) {
      const src = load<usize>(entry);
      for (let i: usize = 0; i < tapBytes; i += 16) v128.store(dst + i, v128.load(src + i));
    }
  }
  for (let i = 0; i < count; i++) {
    store<usize>(table + ((<usize>i) << 2), copies + <usize>i * rowBytes);
  }
}

/** With fewer rows the products themselves run through the weights as fast as DRAM gives them. */
const FETCH_ROWS: i32 = 8;

/** Sums [count][8] of one panel, which is number `held` of those that were brought. */
function multiply(
  args: ConvArgs,
  count: i32,
  panel: i32,
  held: i32,
  table: usize,
  sums: usize,
): void {
  const filterTaps = args.kh * args.kw;
  const taps = args.im2col ? 1 : filterTaps;
  const k = args.im2col ? filterTaps * args.window : args.window;
  const offset = (<usize>windowStart(args, panel)) << 2;
  const isStored = args.dtype === DTYPE_F32;
  const panels = isStored ? args.weight : broughtAt(args, sums);
  let b = panels + ((<usize>((isStored ? panel : held) * filterTaps * args.window)) << 5);
  if (isStored && count >= FETCH_ROWS) fetch(b, (<usize>(k * taps)) << 5, sums);
  for (let tap = 0; tap < taps; tap++) {
    f32_gemm(count, k, table, offset, b, sums, tap);
    table += (<usize>count) << 2;
    b += (<usize>k) << 5;
  }
}

/** Bias, residual and activation of `count` pixels from `pixel` (counted over the batch) of one panel. */
function finish(args: ConvArgs, pixel: i32, count: i32, panel: i32, sums: usize): void {
  const channel = (<usize>panel) << 5;
  const pitch = (<usize>args.oc) << 2;
  const at = <usize>pixel * pitch + channel;
  const bias = args.bias + channel;
  const actArgs = args.act === ACT_PRELU ? args.actArgs + channel : args.actArgs;
  const residual = args.residual ? args.residual + at : 0;
  const y = args.y + at;
  if (args.oc - (panel << 3) >= 8) {
    Epilogue.pairs(sums, 32, count, bias, residual, args.act, actArgs, y, pitch);
  } else {
    Epilogue.singles(sums, 32, count, bias, residual, args.act, actArgs, y, pitch);
  }
}

/** First input channel of a panel's window; `panelWindow` in src/graph/layout.ts is the same rule. */
function windowStart(args: ConvArgs, panel: i32): i32 {
  if (args.outPerGroup === 0) return 0;
  const group = (panel << 3) / args.outPerGroup;
  return min((group * args.inPerGroup) & ~3, args.ic - args.window);
}
