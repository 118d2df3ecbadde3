import { PointwiseArgs } from '../args';
import { Split } from '../thread/split';

/**
 * f32_l2_normalize: y[n] = x[n] / max(|x[n]|, lo) over all pixels and channels of a picture.
 *
 * f32_equalize_norms: y[n, p] = x[n, p] * m[n] / |x[n, p]|, m[n] the mean over the pixels of |x[n, p]|;
 * a pixel of norm 0 stays 0.
 *
 * Sums of squares in f64, channels and pixels ascending; each result is rounded once. Threads share the
 * pictures; y may be x. A norm counts the `features` real lanes of a pixel; those above are scaled like
 * the others, and nobody reads them.
 */
export function f32_l2_normalize(block: usize, thread: i32, threads: i32): void {
  const args = changetype<PointwiseArgs>(block);
  const rowBytes = (<usize>args.c) << 2;
  const end = Split.first(args.batch, thread + 1, threads);
  for (let n = Split.first(args.batch, thread, threads); n < end; n++) {
    const first = <usize>(n * args.pixels) * rowBytes;
    let sum: f64 = 0;
    for (let p = 0; p < args.pixels; p++) {
      sum += Pixel.squares(args.x + first + <usize>p * rowBytes, args.features);
    }
    const norm = max(sqrt<f64>(sum), <f64>args.lo);
    for (let p = 0; p < args.pixels; p++) {
      const at = first + <usize>p * rowBytes;
      Pixel.divide(args.x + at, args.y + at, args.c, norm);
    }
  }
}

export function f32_equalize_norms(block: usize, thread: i32, threads: i32): void {
  const args = changetype<PointwiseArgs>(block);
  const rowBytes = (<usize>args.c) << 2;
  const end = Split.first(args.batch, thread + 1, threads);
  for (let n = Split.first(args.batch, thread, threads); n < end; n++) {
    const first = <usize>(n * args.pixels) * rowBytes;
    let sum: f64 = 0;
    for (let p = 0; p < args.pixels; p++) {
      sum += sqrt<f64>(Pixel.squares(args.x + first + <usize>p * rowBytes, args.features));
    }
    const mean = sum / <f64>args.pixels;
    for (let p = 0; p < args.pixels; p++) {
      const at = first + <usize>p * rowBytes;
      const norm = sqrt<f64>(Pixel.squares(args.x + at, args.features));
      Pixel.divide(args.x + at, args.y + at, args.c, norm > 0 ? norm / mean : 1);
    }
  }
}

class Pixel {
  /** Sum of squares of `features` floats at x. */
  static squares(x: usize, features: i32): f64 {
    let sum: f64 = 0;
    for (let i = 0; i < features; i++) {
      const value = <f64>load<f32>(x + ((<usize>i) << 2));
      sum += value * value;
    }
    return sum;
  }

  /** `lanes` floats at x over `divisor` to y. */
  static divide(x: usize, y: usize, lanes: i32, divisor: f64): void {
    for (let i = 0; i < lanes; i++) {
      const at = (<usize>i) << 2;
      store<f32>(y + at, <f32>(<f64>load<f32>(x + at) / divisor));
    }
  }
}
