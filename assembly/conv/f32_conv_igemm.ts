import { ACT_PRELU, ConvArgs } from '../args';
import { f32_igemm_5x8 } from '../gemm/f32_igemm_5x8';
import { nextRows } from '../gemm/rows';
import { Split } from '../thread/split';
import { writeTile } from './rows';

/**
 * f32_conv_igemm: y[n, oy, ox, o] = act(bias[o] + residual + sum x[n, oy*sh+ky-ph, ox*sw+kx-pw, i]
 * * w[o, ky, kx, i]), padding = pad[i]; dense or grouped, any kernel, stride and padding.
 *
 * Method      im2col-GEMM without the copy: M = oh * ow pixels through row pointers, N = oc in
 *             panels of 8, K = kh * kw * window
 * Shapes      x [batch][ih][iw][ic], y [batch][oh][ow][oc]; ic, oc channel strides, multiples of 4
 * weight      [ceil(oc / 8)][kh * kw][window][8]
 * Blocking    `block` pixels stay in L2 while every panel of weights passes over them
 * Scratch     block * kh * kw * 4 bytes per thread: the row table
 * Threads     blocks or panels are shared out; each output is computed by one thread
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
  const table = args.scratch + <usize>(thread * args.scratchBytes);
  for (let item = firstItem; item < lastItem; item++) {
    const n = item / blocks;
    const first = (item - n * blocks) * args.block;
    const count = min(args.block, pixels - first);
    writeTable(args, n, first, count, table);
    for (let panel = firstPanel; panel < lastPanel; panel++) {
      multiply(args, n * pixels + first, count, panel, table);
    }
  }
}

function writeTable(args: ConvArgs, n: i32, first: i32, count: i32, table: usize): void {
  const image = args.x + ((<usize>(n * args.ih * args.iw * args.ic)) << 2);
  for (let done = 0; done < count; ) {
    const rows = nextRows(count - done);
    table = writeTile(args, image, first + done, rows, table);
    done += rows;
  }
}

/** One panel of 8 outputs for `count` pixels from `pixel` (counted over the batch). */
function multiply(args: ConvArgs, pixel: i32, count: i32, panel: i32, table: usize): void {
  const taps = args.kh * args.kw;
  const at = ((<usize>(pixel * args.oc)) << 2) + ((<usize>panel) << 5);
  f32_igemm_5x8(
    count,
    args.window,
    taps,
    table,
    (<usize>windowStart(args, panel)) << 2,
    args.weight + ((<usize>(panel * taps * args.window)) << 5),
    args.y + at,
    (<usize>args.oc) << 2,
    min(8, args.oc - (panel << 3)),
    args.bias + ((<usize>panel) << 5),
    args.residual ? args.residual + at : 0,
    args.act,
    args.act === ACT_PRELU ? args.actArgs + ((<usize>panel) << 5) : args.actArgs,
  );
}

/** First input channel of a panel's window; `panelWindow` in src/graph/layout.ts is the same rule. */
function windowStart(args: ConvArgs, panel: i32): i32 {
  if (args.outPerGroup === 0) return 0;
  const group = (panel << 3) / args.outPerGroup;
  return min((group * args.inPerGroup) & ~3, args.ic - args.window);
}
