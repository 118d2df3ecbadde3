import { WinogradArgs } from '../args';
import { R4, R5, R6 } from '../gemm/rows';
import { Split } from '../thread/split';
import { Transform } from './tile';

/**
 * f32_winograd_input: V[pos][tile][c] = (B^T d B)[pos] for every tile d of x, pos = i * T + j
 *
 * Shapes      x [batch][ih][iw][ic]; V positions `vBytes` apart, tiles ic * 4 bytes apart
 * Padding     outside the picture d is pad[c]: a batch norm folds through it (docs/numerics.md)
 * Scratch     3 * 64 vectors per thread
 * Threads     share the channels (vectors of 4); each V element is written by one thread
 * Edges       tiles over the border are gathered first, the others are read in place
 */
export function f32_winograd_input(block: usize, thread: i32, threads: i32): void {
  const args = changetype<WinogradArgs>(block);
  const vectors = args.ic >> 2;
  const first = (<usize>Split.first(vectors, thread, threads)) << 4;
  const last = (<usize>Split.first(vectors, thread + 1, threads)) << 4;
  const work = args.scratch + <usize>thread * args.scratchBytes;
  if (first === last) return;
  let tile = 0;
  for (let n = 0; n < args.batch; n++) {
    for (let ty = 0; ty < args.tilesY; ty++) {
      for (let tx = 0; tx < args.tilesX; tx++, tile++) {
        transformTile(
          args,
          n,
          ty * args.m - args.ph,
          tx * args.m - args.pw,
          tile,
          first,
          last,
          work,
        );
      }
    }
  }
}

/** One tile whose corner lies at pixel (y0, x0) of picture n, channels at bytes first .. last. */
function transformTile(
  args: WinogradArgs,
  n: i32,
  y0: i32,
  x0: i32,
  tile: i32,
  first: usize,
  last: usize,
  work: usize,
): void {
  const t = args.m + 2;
  const pixel = (<usize>args.ic) << 2;
  const line = pixel * args.iw;
  const image = args.x + <usize>n * line * args.ih;
  const inside = y0 >= 0 && x0 >= 0 && y0 + t <= args.ih && x0 + t <= args.iw;
  const corner = image + <usize>y0 * line + <usize>x0 * pixel;
  const gathered = work + 64 * 16;
  let dst = args.v + <usize>tile * pixel + first;
  for (let c = first; c < last; c += 16, dst += 16) {
    if (inside) {
      transform(args.m, corner + c, line, pixel, work, dst, args.vBytes);
    } else {
      gather(args, image + c, args.pad + c, y0, x0, gathered);
      transform(args.m, gathered, (<usize>t) << 4, 16, work, dst, args.vBytes);
    }
  }
}

function transform(
  m: i32,
  src: usize,
  row: usize,
  col: usize,
  work: usize,
  dst: usize,
  pos: usize,
): void {
  if (m === 4) Transform.input<R4>(src, row, col, work, dst, pos);
  else if (m === 5) Transform.input<R5>(src, row, col, work, dst, pos);
  else Transform.input<R6>(src, row, col, work, dst, pos);
}

/** Copies one vector of each of the T * T pixels, or the padding value, densely to `dst`. */
function gather(args: WinogradArgs, image: usize, pad: usize, y0: i32, x0: i32, dst: usize): void {
  const t = args.m + 2;
  const pixel = (<usize>args.ic) << 2;
  for (let y = y0; y < y0 + t; y++) {
    const hit = <u32>y < <u32>args.ih;
    const line = image + <usize>(y * args.iw) * pixel;
    for (let x = x0; x < x0 + t; x++, dst += 16) {
      const src = hit && <u32>x < <u32>args.iw ? line + <usize>x * pixel : pad;
      v128.store(dst, v128.load(src));
    }
  }
}
