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

/**
 * f32_l2_normalize: y[n, :] = x[n, :] / max(|x[n, :]|, lo); the sum of squares in f64.
 *
 * Threads share the pictures; y may be x. The norm counts the `features` real lanes; those above are
 * scaled like the others, and nobody reads them.
 */
export function f32_l2_normalize(block: usize, thread: i32, threads: i32): void {
  const args = changetype<PointwiseArgs>(block);
  const end = Split.first(args.batch, thread + 1, threads);
  for (let n = Split.first(args.batch, thread, threads); n < end; n++) {
    const x = args.x + ((<usize>(n * args.c)) << 2);
    const y = args.y + ((<usize>(n * args.c)) << 2);
    let sum: f64 = 0;
    for (let i = 0; i < args.features; i++) {
      const v = <f64>load<f32>(x + ((<usize>i) << 2));
      sum += v * v;
    }
    const norm = max(sqrt<f64>(sum), <f64>args.lo);
    for (let i = 0; i < args.c; i++) {
      store<f32>(y + ((<usize>i) << 2), <f32>(<f64>load<f32>(x + ((<usize>i) << 2)) / norm));
    }
  }
}
