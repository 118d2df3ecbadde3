import { PointwiseArgs } from '../args';
import { Split } from '../thread/split';

/**
 * f32_global_average_pool: y[n, c] = (sum over pixels of x[n, pixel, c]) / pixels
 *
 * Threads share the vectors of 4 channels. Order: pixels ascending, one accumulator per channel.
 */
export function f32_global_average_pool(block: usize, thread: i32, threads: i32): void {
  const args = changetype<PointwiseArgs>(block);
  const vectors = args.c >> 2;
  const rowBytes = (<usize>args.c) << 2;
  const divisor = f32x4.splat(<f32>args.pixels);
  const end = Split.first(args.batch * vectors, thread + 1, threads);
  for (let item = Split.first(args.batch * vectors, thread, threads); item < end; item++) {
    const n = item / vectors;
    const at = (<usize>(item - n * vectors)) << 4;
    let x = args.x + <usize>(n * args.pixels) * rowBytes + at;
    let sum = f32x4.splat(0);
    for (let p = 0; p < args.pixels; p++, x += rowBytes) sum = f32x4.add(sum, v128.load(x));
    v128.store(args.y + <usize>n * rowBytes + at, f32x4.div(sum, divisor));
  }
}
