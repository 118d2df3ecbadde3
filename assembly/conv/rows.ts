import { ConvArgs } from '../args';

/**
 * Row table of `count` output pixels from `first` (row-major oy, ox) of an image: [tap][pixel], the
 * address of the input pixel that the tap reads, or of the padding vector where it falls outside.
 * Takes count * kh * kw * 4 bytes from `table`.
 */
export function writeTable(
  args: ConvArgs,
  image: usize,
  first: i32,
  count: i32,
  table: usize,
): void {
  const pixelBytes = (<usize>args.ic) << 2;
  const kh = args.kh;
  const kw = args.kw;
  for (let r = 0; r < count; r++) {
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
        entry += (<usize>count) << 2;
      }
    }
  }
}
