import { ACT_PRELU, ConvArgs } from '../args';
import { Epilogue } from '../gemm/epilogue';
import { simd } from '../simd';
import { Share } from '../thread/share';
import { isSame3x3, sameRow3x3 } from './depthwise_3x3';
import { writeTable } from './rows';

/**
 * f32_conv_depthwise: y[n, oy, ox, c] = act(bias[c] + residual + sum x[n, .., .., c] * w[ky, kx, c])
 *
 * Shapes      as f32_conv_igemm with ic = oc; weight [kh * kw][ic]
 * Method      4 pixels at once share each weight vector; SIMD over channels. A 3x3 that keeps the
 *             size of its picture goes row by row instead (`depthwise_3x3.ts`)
 * Registers   4 accumulators + 1 weight + 1 input + 1 product
 * Scratch     4 * kh * kw * 4 bytes per thread
 * Order       taps ascending, bias first; by columns of the filter in `depthwise_3x3.ts`
 * Edges       the last 1 to 3 pixels of a picture are computed one by one
 */
export function f32_conv_depthwise(block: usize, thread: i32, threads: i32): void {
  const args = changetype<ConvArgs>(block);
  const byRows = isSame3x3(args);
  const tiles = byRows ? args.oh : (args.oh * args.ow + 3) >> 2;
  const items = tiles * args.batch;
  let item = Share.first(items, thread, threads);
  for (; item >= 0; item = Share.next(item, items, thread, threads)) {
    const n = item / tiles;
    const tile = item - n * tiles;
    if (byRows) sameRow3x3(args, n, tile);
    else fewPixels(args, n, tile << 2, args.scratch + <usize>(thread * args.scratchBytes));
  }
}

/** Up to 4 pixels of picture `n` from `first`. */
function fewPixels(args: ConvArgs, n: i32, first: i32, table: usize): void {
  const pixels = args.oh * args.ow;
  const image = args.x + ((<usize>(n * args.ih * args.iw * args.ic)) << 2);
  if (first + 4 <= pixels) {
    writeTable(args, image, first, 4, table);
    fourPixels(args, n * pixels + first, table);
    return;
  }
  for (let pixel = first; pixel < pixels; pixel++) {
    writeTable(args, image, pixel, 1, table);
    onePixel(args, n * pixels + pixel, table);
  }
}

function fourPixels(args: ConvArgs, pixel: i32, table: usize): void {
  const bytes = (<usize>args.ic) << 2;
  const taps = args.kh * args.kw;
  const end = table + ((<usize>taps) << 4);
  const at = <usize>pixel * bytes;
  for (let c: usize = 0; c < bytes; c += 16) {
    const bias = v128.load(args.bias + c);
    let s0 = bias;
    let s1 = bias;
    let s2 = bias;
    let s3 = bias;
    let w = args.weight + c;
    for (let rows = table; rows < end; rows += 16) {
      const weight = v128.load(w);
      s0 = simd.madd(v128.load(load<usize>(rows) + c), weight, s0);
      s1 = simd.madd(v128.load(load<usize>(rows, 4) + c), weight, s1);
      s2 = simd.madd(v128.load(load<usize>(rows, 8) + c), weight, s2);
      s3 = simd.madd(v128.load(load<usize>(rows, 12) + c), weight, s3);
      w += bytes;
    }
    finish(args, at + c, c, s0);
    finish(args, at + c + bytes, c, s1);
    finish(args, at + c + bytes * 2, c, s2);
    finish(args, at + c + bytes * 3, c, s3);
  }
}

function onePixel(args: ConvArgs, pixel: i32, table: usize): void {
  const bytes = (<usize>args.ic) << 2;
  const taps = args.kh * args.kw;
  const end = table + ((<usize>taps) << 2);
  for (let c: usize = 0; c < bytes; c += 16) {
    let s0 = v128.load(args.bias + c);
    let w = args.weight + c;
    for (let rows = table; rows < end; rows += 4) {
      s0 = simd.madd(v128.load(load<usize>(rows) + c), v128.load(w), s0);
      w += bytes;
    }
    finish(args, <usize>pixel * bytes + c, c, s0);
  }
}

function finish(args: ConvArgs, at: usize, channel: usize, v: v128): void {
  const actArgs = args.act === ACT_PRELU ? args.actArgs + channel : args.actArgs;
  const residual: usize = args.residual ? args.residual + at : 0;
  v128.store(args.y + at, Epilogue.vector(v, residual, args.act, actArgs));
}
