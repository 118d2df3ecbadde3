import { PointwiseArgs } from '../args';
import { simd } from '../simd';
import { Split } from '../thread/split';
import { Exp } from './exp';

/**
 * What could not ride in a convolution's epilogue: one pass over x [batch * pixels][c]; y may be x.
 *
 *   f32_affine  y = x * a[c] + b[c]
 *   f32_prelu   y = x >= 0 ? x : a[c] * x
 *   f32_clip    y = min(max(x, lo), hi)
 *   f32_sigmoid y = 1 / (1 + exp(-x))
 *   f32_add     y = x + a                  (a of the shape of x)
 *   f32_mul     y = x * a                  (a of the shape of x)
 *   f32_gate    y = x * a[n][c]            (one gate per picture and channel)
 *   f32_concat  y = x's channels, then a's (`more` of them; never in place)
 *
 * Threads share the rows (pixels). Over-read: none. Edges: none, c is a multiple of 4. The lanes
 * above the real channel count may become non-zero (clip, sigmoid): whoever reads them has weight 0.
 */
export function f32_affine(block: usize, thread: i32, threads: i32): void {
  const args = changetype<PointwiseArgs>(block);
  const rows = args.batch * args.pixels;
  const rowBytes = (<usize>args.c) << 2;
  const end = Split.first(rows, thread + 1, threads);
  for (let row = Split.first(rows, thread, threads); row < end; row++) {
    const x = args.x + <usize>row * rowBytes;
    const y = args.y + <usize>row * rowBytes;
    for (let i: usize = 0; i < rowBytes; i += 16) {
      v128.store(y + i, simd.madd(v128.load(x + i), v128.load(args.a + i), v128.load(args.b + i)));
    }
  }
}

export function f32_prelu(block: usize, thread: i32, threads: i32): void {
  const args = changetype<PointwiseArgs>(block);
  const rows = args.batch * args.pixels;
  const rowBytes = (<usize>args.c) << 2;
  const end = Split.first(rows, thread + 1, threads);
  for (let row = Split.first(rows, thread, threads); row < end; row++) {
    const x = args.x + <usize>row * rowBytes;
    const y = args.y + <usize>row * rowBytes;
    for (let i: usize = 0; i < rowBytes; i += 16) {
      v128.store(y + i, simd.prelu(v128.load(x + i), v128.load(args.a + i)));
    }
  }
}

export function f32_clip(block: usize, thread: i32, threads: i32): void {
  const args = changetype<PointwiseArgs>(block);
  const rows = args.batch * args.pixels;
  const rowBytes = (<usize>args.c) << 2;
  const end = Split.first(rows, thread + 1, threads);
  const lo = f32x4.splat(args.lo);
  const hi = f32x4.splat(args.hi);
  for (let row = Split.first(rows, thread, threads); row < end; row++) {
    const x = args.x + <usize>row * rowBytes;
    const y = args.y + <usize>row * rowBytes;
    for (let i: usize = 0; i < rowBytes; i += 16) {
      v128.store(y + i, f32x4.min(f32x4.max(v128.load(x + i), lo), hi));
    }
  }
}

export function f32_add(block: usize, thread: i32, threads: i32): void {
  const args = changetype<PointwiseArgs>(block);
  const rows = args.batch * args.pixels;
  const rowBytes = (<usize>args.c) << 2;
  const end = Split.first(rows, thread + 1, threads);
  for (let row = Split.first(rows, thread, threads); row < end; row++) {
    const x = args.x + <usize>row * rowBytes;
    const y = args.y + <usize>row * rowBytes;
    const a = args.a + <usize>row * rowBytes;
    for (let i: usize = 0; i < rowBytes; i += 16) {
      v128.store(y + i, f32x4.add(v128.load(x + i), v128.load(a + i)));
    }
  }
}

export function f32_mul(block: usize, thread: i32, threads: i32): void {
  const args = changetype<PointwiseArgs>(block);
  const rows = args.batch * args.pixels;
  const rowBytes = (<usize>args.c) << 2;
  const end = Split.first(rows, thread + 1, threads);
  for (let row = Split.first(rows, thread, threads); row < end; row++) {
    const x = args.x + <usize>row * rowBytes;
    const y = args.y + <usize>row * rowBytes;
    const a = args.a + <usize>row * rowBytes;
    for (let i: usize = 0; i < rowBytes; i += 16) {
      v128.store(y + i, f32x4.mul(v128.load(x + i), v128.load(a + i)));
    }
  }
}

export function f32_gate(block: usize, thread: i32, threads: i32): void {
  const args = changetype<PointwiseArgs>(block);
  const rows = args.batch * args.pixels;
  const rowBytes = (<usize>args.c) << 2;
  const end = Split.first(rows, thread + 1, threads);
  for (let row = Split.first(rows, thread, threads); row < end; row++) {
    const x = args.x + <usize>row * rowBytes;
    const y = args.y + <usize>row * rowBytes;
    const a = args.a + <usize>(row / args.pixels) * rowBytes;
    for (let i: usize = 0; i < rowBytes; i += 16) {
      v128.store(y + i, f32x4.mul(v128.load(x + i), v128.load(a + i)));
    }
  }
}

/** The lanes of y above the last channel are 0. */
export function f32_concat(block: usize, thread: i32, threads: i32): void {
  const args = changetype<PointwiseArgs>(block);
  const rows = args.batch * args.pixels;
  const first = (<usize>args.features) << 2;
  const second = (<usize>args.more) << 2;
  const rowBytes = (<usize>args.c) << 2;
  const moreBytes = (<usize>((args.more + 3) & ~3)) << 2;
  const sumBytes = (<usize>((args.features + args.more + 3) & ~3)) << 2;
  const end = Split.first(rows, thread + 1, threads);
  for (let row = Split.first(rows, thread, threads); row < end; row++) {
    const x = args.x + <usize>row * rowBytes;
    const a = args.a + <usize>row * moreBytes;
    const y = args.y + <usize>row * sumBytes;
    // What the last vector of x writes too much stays in the row, and the next lines write over it.
    for (let i: usize = 0; i < rowBytes; i += 16) v128.store(y + i, v128.load(x + i));
    let i: usize = 0;
    for (; i + 16 <= second; i += 16) v128.store(y + first + i, v128.load(a + i));
    for (; i < second; i += 4) store<f32>(y + first + i, load<f32>(a + i));
    for (i += first; i < sumBytes; i += 4) store<f32>(y + i, 0);
  }
}

/** Scalar: it only ever sees the few hundred gates of an SE unit. */
export function f32_sigmoid(block: usize, thread: i32, threads: i32): void {
  const args = changetype<PointwiseArgs>(block);
  const count = args.batch * args.pixels * args.c;
  const end = Split.first(count, thread + 1, threads);
  for (let i = Split.first(count, thread, threads); i < end; i++) {
    const x = <f64>load<f32>(args.x + ((<usize>i) << 2));
    store<f32>(args.y + ((<usize>i) << 2), <f32>(1 / (1 + Exp.of(-x))));
  }
}
