import { F4 } from './f4';
import { F5 } from './f5';
import { F6 } from './f6';
import { M4, M5, M6, S2, S4 } from './sizes';
import { Strided2 } from './strided2';
import { Strided4 } from './strided4';

/** Vectors of the largest tile, 9 x 9 positions, rounded up to whole cache lines. */
export const WORK_VECTORS: usize = 84;

/**
 * Two-dimensional transforms, one vector of 4 channels at a time: columns from `src` into `work`, then
 * rows from `work` to `dst`. MY and MX are types of `sizes.ts`, so that the choice folds away. A tile
 * has as many positions as inputs, TY x TX; position (i, j) lies (i * t + j) * pos bytes from the
 * first, where t >= TX is that of the picture's largest tile. Vectors in `work` are dense.
 */
export class Transform {
  /** d [TY][TX] -> B^T d B; `row` and `col` are byte steps of d. */
  @inline static input<MY, MX>(
    src: usize,
    row: usize,
    col: usize,
    work: usize,
    dst: usize,
    t: usize,
    pos: usize,
  ): void {
    const ty = Line.positions<MY>();
    const tx = Line.positions<MX>();
    for (let j: usize = 0; j < tx; j++) {
      Line.input<MY>(src + j * col, row, work + (j << 4), tx << 4);
    }
    for (let i: usize = 0; i < ty; i++) {
      Line.input<MX>(work + ((i * tx) << 4), 16, dst + i * t * pos, pos);
    }
  }

  /** p [TY][TX] -> A^T p A, one vector per output, dense in `dst`. */
  @inline static output<MY, MX>(src: usize, t: usize, pos: usize, work: usize, dst: usize): void {
    const tx = Line.positions<MX>();
    const my = Line.outputs<MY>();
    const mx = Line.outputs<MX>();
    for (let j: usize = 0; j < tx; j++) {
      Line.output<MY>(src + j * pos, t * pos, work + (j << 4), tx << 4);
    }
    for (let k: usize = 0; k < my; k++) {
      Line.output<MX>(work + ((k * tx) << 4), 16, dst + ((k * mx) << 4), 16);
    }
  }
}

/** The one-dimensional transforms of tile type M. */
class Line {
  @inline static outputs<M>(): usize {
    return offsetof<M>() & 15;
  }

  @inline static positions<M>(): usize {
    return offsetof<M>() > 16 ? 2 * Line.outputs<M>() + 1 : Line.outputs<M>() + 2;
  }

  @inline static input<M>(src: usize, step: usize, dst: usize, dstStep: usize): void {
    if (offsetof<M>() === offsetof<M4>()) F4.input(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<M5>()) F5.input(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<M6>()) F6.input(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<S2>()) Strided2.input(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<S4>()) Strided4.input(src, step, dst, dstStep);
  }

  @inline static output<M>(src: usize, step: usize, dst: usize, dstStep: usize): void {
    if (offsetof<M>() === offsetof<M4>()) F4.output(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<M5>()) F5.output(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<M6>()) F6.output(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<S2>()) Strided2.output(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<S4>()) Strided4.output(src, step, dst, dstStep);
  }
}
