import { ConvArgs } from '../args';

/**
 * Writes one register tile's part of the row table, for output pixels first .. first + rows - 1 of
 * an image (row-major oy, ox): [tap][row], the address of the input pixel that the row reads, or of
 * the padding vector where the tap falls outside. Takes rows * kh * kw * 4 bytes from `table`;
 * returns the address behind them.
 */
export function writeTile(
  args: ConvArgs,
  image: usize,
  first: i32,
  rows: i32,
  table: usize,
): usize {
  const pixelBytes = (<usize>args.ic) << 2;
  const kh = args.kh;
  const kw = args.kw;
  for (let r = 0; r < rows; r++) {
    const pixel = first + r;
    const oy = pixel / args.ow;
    const iy0 = oy * args.sh - args.ph;
    const ix0 = (pixel - oy * args.ow) * args.sw - args.pw;
    let entry = table + ((<usize>r) << 2);
    for (let ky = 0; ky < kh; ky++) {
      const iy = iy0 + ky;
      const inside = <u32>iy < <u32>args.ih;
      const line = image + <usize>(iy * args.iw) * pixelBytes;
      for (let kx = 0; kx < kw; kx++) {
        const ix = ix0 + kx;
        const hit = inside && <u32>ix < <u32>args.iw;
        store<usize>(entry, hit ? line + <usize>ix * pixelBytes : args.pad);
        entry += (<usize>rows) << 2;
      }
    }
  }
  return table + ((<usize>(rows * kh * kw)) << 2);
}
