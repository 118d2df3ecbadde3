import { WinogradArgs } from '../args';
import { Split } from '../thread/split';
import { Grid } from './grid';
import { M4, M5, M6, S2, S4 } from './sizes';
import { Transform, WORK_VECTORS } from './tile';

/**
 * f32_winograd_input: V[pos][tile][c] = (B^T d B)[pos] for every tile d of x, pos = i * T + j
 *
 * Shapes      x [batch][ih][iw][ic]; V positions `vBytes` apart, tiles (in the order of `Grid`)
 *             ic * 4 bytes apart; T as in `Grid`
 * Padding     outside the picture d is pad[c]: a batch norm folds through it (docs/numerics.md)
 * Scratch     2 * WORK_VECTORS vectors per thread
 * Threads     share the channels (vectors of 4); each V element is written by one thread
 * Edges       tiles over the border are gathered first, the others are read in place
 * Over-read   none. Aliasing: V overlaps neither x nor scratch
 */
export function f32_winograd_input(block: usize, thread: i32, threads: i32): void {
  const args = changetype<WinogradArgs>(block);
  const vectors = args.ic >> 2;
  const first = (<usize>Split.first(vectors, thread, threads)) << 4;
  const last = (<usize>Split.first(vectors, thread + 1, threads)) << 4;
  const work = args.scratch + <usize>thread * args.scratchBytes;
  if (first === last) return;
  let tile = 0;
  for (let kind = 0; kind < 4; kind++) {
    const rows = Grid.rows(args, kind);
    const cols = Grid.cols(args, kind);
    for (let n = 0; n < args.batch; n++) {
      for (let ty = 0; ty < rows; ty++) {
        const y0 = Grid.y(args, kind, ty) * args.stride - args.ph;
        for (let tx = 0; tx < cols; tx++, tile++) {
          const x0 = Grid.x(args, kind, tx) * args.stride - args.pw;
          transformTile(args, kind, n, y0, x0, tile, first, last, work);
        }
      }
    }
  }
}

/** One tile whose corner lies at pixel (y0, x0) of picture n, channels at bytes first .. last. */
function transformTile(
  args: WinogradArgs,
  kind: i32,
  n: i32,
  y0: i32,
  x0: i32,
  tile: i32,
  first: usize,
  last: usize,
  work: usize,
): void {
  const my = Grid.my(args, kind);
  const mx = Grid.mx(args, kind);
  const height = args.stride === 2 ? 2 * my + 1 : my + 2;
  const width = args.stride === 2 ? 2 * mx + 1 : mx + 2;
  const pixel = (<usize>args.ic) << 2;
  const line = pixel * args.iw;
  const image = args.x + <usize>n * line * args.ih;
  const inside = y0 >= 0 && x0 >= 0 && y0 + height <= args.ih && x0 + width <= args.iw;
  const corner = image + <usize>y0 * line + <usize>x0 * pixel;
  const gathered = work + WORK_VECTORS * 16;
  let dst = args.v + <usize>tile * pixel + first;
  for (let c = first; c < last; c += 16, dst += 16) {
    if (inside) {
      transform(args, my, mx, corner + c, line, pixel, work, dst);
    } else {
      gather(args, image + c, args.pad + c, y0, x0, height, width, gathered);
      transform(args, my, mx, gathered, (<usize>width) << 4, 16, work, dst);
    }
  }
}

function transform(
  args: WinogradArgs,
  my: i32,
  mx: i32,
  src: usize,
  row: usize,
  col: usize,
  work: usize,
  dst: usize,
): void {
  const t = <usize>Grid.t(args);
  const pos = <usize>args.vBytes;
  if (args.stride === 2) {
    if (my === 4 && mx === 4) Transform.input<S4, S4>(src, row, col, work, dst, t, pos);
    else if (my === 4) Transform.input<S4, S2>(src, row, col, work, dst, t, pos);
    else if (mx === 4) Transform.input<S2, S4>(src, row, col, work, dst, t, pos);
    else Transform.input<S2, S2>(src, row, col, work, dst, t, pos);
  } else if (my === 4) {
    if (mx === 4) Transform.input<M4, M4>(src, row, col, work, dst, t, pos);
    else if (mx === 5) Transform.input<M4, M5>(src, row, col, work, dst, t, pos);
    else Transform.input<M4, M6>(src, row, col, work, dst, t, pos);
  } else if (my === 5) {
    if (mx === 4) Transform.input<M5, M4>(src, row, col, work, dst, t, pos);
    else Transform.input<M5, M5>(src, row, col, work, dst, t, pos);
  } else {
    if (mx === 4) Transform.input<M6, M4>(src, row, col, work, dst, t, pos);
    else Transform.input<M6, M6>(src, row, col, work, dst, t, pos);
  }
}

/** Copies one vector of each pixel of a tile, or the padding value, densely to `dst`. */
function gather(
  args: WinogradArgs,
  image: usize,
  pad: usize,
  y0: i32,
  x0: i32,
  height: i32,
  width: i32,
  dst: usize,
): void {
  const pixel = (<usize>args.ic) << 2;
  for (let y = y0; y < y0 + height; y++) {
    const hit = <u32>y < <u32>args.ih;
    const line = image + <usize>(y * args.iw) * pixel;
    for (let x = x0; x < x0 + width; x++, dst += 16) {
      const src = hit && <u32>x < <u32>args.iw ? line + <usize>x * pixel : pad;
      v128.store(dst, v128.load(src));
    }
  }
}
