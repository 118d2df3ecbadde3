import { ACT_PRELU, ConvArgs } from '../args';
import { Epilogue } from '../gemm/epilogue';
import { simd } from '../simd';

/** A depthwise 3x3 of stride 1 that keeps the size of its picture: what `sameRow3x3` computes. */
export function isSame3x3(args: ConvArgs): bool {
  const isStride1 = args.sh === 1 && args.sw === 1;
  const isPadded = args.ph === 1 && args.pw === 1 && args.oh === args.ih && args.ow === args.iw;
  return args.kh === 3 && args.kw === 3 && isStride1 && isPadded;
}

/**
 * Row `oy` of picture `n` of such a convolution, all channels.
 *
 * Shapes      x, y, residual [batch][ih][iw][ic]; weight [9][ic]; bias, pad, slopes [ic]; ic a multiple of 4
 * Method      4 channels at once, from left to right. Each input vector is loaded once and meets the
 *             three columns of the filter: it ends the output on its left, adds to its own, and
 *             begins the one on its right. 3 loads for 9 products, where a table of rows takes 20
 * Registers   9 weights + 3 outputs + 1 input + 1 product = 14 of 15
 * Order       bias, then the columns of the filter from left to right, each from top to bottom
 * Edges       the columns beside the picture and the rows above and below it are the vector `pad`,
 *             which is read with a step of 0; a picture may be one pixel wide or high
 * Over-read   none. Aliasing: y may be the residual, and overlaps nothing else
 */
export function sameRow3x3(args: ConvArgs, n: i32, oy: i32): void {
  const pitch = (<usize>args.ic) << 2;
  const line = <usize>args.iw * pitch;
  const middle = args.x + <usize>(n * args.ih + oy) * line;
  const isFirst = oy === 0;
  const isLast = oy === args.ih - 1;
  const top = isFirst ? args.pad : middle - line;
  const bottom = isLast ? args.pad : middle + line;
  const topPitch: usize = isFirst ? 0 : pitch;
  const bottomPitch: usize = isLast ? 0 : pitch;
  const at = middle - args.x;
  for (let c: usize = 0; c < pitch; c += 16) {
    channels(args, c, at + c, top + c, topPitch, middle + c, bottom + c, bottomPitch);
  }
}

/**
 * Four channels, `c` bytes into a pixel, of a row whose first output lies at y + `at`. The three rows of
 * inputs begin at `top`, `middle`, `bottom`; pitches are bytes from pixel to pixel, 0 in a row of padding.
 */
function channels(
  args: ConvArgs,
  c: usize,
  at: usize,
  top: usize,
  topPitch: usize,
  middle: usize,
  bottom: usize,
  bottomPitch: usize,
): void {
  const pitch = (<usize>args.ic) << 2;
  const bias = args.bias + c;
  const act = args.act;
  const actArgs = act === ACT_PRELU ? args.actArgs + c : args.actArgs;
  const hasResidual = args.residual !== 0;
  const toResidual = args.residual - args.y;
  let w = args.weight + c;
  const w00 = v128.load(w);
  const w01 = v128.load(w + pitch);
  const w02 = v128.load(w + pitch * 2);
  w += pitch * 3;
  const w10 = v128.load(w);
  const w11 = v128.load(w + pitch);
  const w12 = v128.load(w + pitch * 2);
  w += pitch * 3;
  const w20 = v128.load(w);
  const w21 = v128.load(w + pitch);
  const w22 = v128.load(w + pitch * 2);
  let y = args.y + at;
  const last = y + <usize>args.iw * pitch - pitch;

  // The column left of the picture, then the first one.
  let x = v128.load(args.pad + c);
  let own = simd.madd(x, w00, v128.load(bias));
  own = simd.madd(x, w20, simd.madd(x, w10, own));
  x = v128.load(top);
  own = simd.madd(x, w01, own);
  let right = simd.madd(x, w00, v128.load(bias));
  x = v128.load(middle);
  own = simd.madd(x, w11, own);
  right = simd.madd(x, w10, right);
  x = v128.load(bottom);
  own = simd.madd(x, w21, own);
  right = simd.madd(x, w20, right);

  for (; y < last; y += pitch) {
    top += topPitch;
    middle += pitch;
    bottom += bottomPitch;
    x = v128.load(top);
    let left = simd.madd(x, w02, own);
    own = simd.madd(x, w01, right);
    right = simd.madd(x, w00, v128.load(bias));
    x = v128.load(middle);
    left = simd.madd(x, w12, left);
    own = simd.madd(x, w11, own);
    right = simd.madd(x, w10, right);
    x = v128.load(bottom);
    left = simd.madd(x, w22, left);
    own = simd.madd(x, w21, own);
    right = simd.madd(x, w20, right);
    v128.store(y, Epilogue.vector(left, hasResidual ? y + toResidual : 0, act, actArgs));
  }

  // The column right of the picture.
  x = v128.load(args.pad + c);
  own = simd.madd(x, w22, simd.madd(x, w12, simd.madd(x, w02, own)));
  v128.store(y, Epilogue.vector(own, hasResidual ? y + toResidual : 0, act, actArgs));
}
