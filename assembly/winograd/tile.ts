import { R4, R5, R6 } from '../gemm/rows';
import { F4 } from './f4';
import { F5 } from './f5';
import { F6 } from './f6';

/**
 * Two-dimensional transforms of F(m x m, 3 x 3), one vector of 4 channels at a time: columns from
 * `src` into `work`, then rows from `work` to `dst`. M is R4, R5 or R6: the tile as a type, so that
 * the choice folds away. T = m + 2. Vectors in `work` are dense: 16 bytes apart.
 */
export class Transform {
  /** d [T][T] -> B^T d B [T][T]; `row` and `col` are byte steps of d, `pos` of the result. */
  @inline static input<M>(
    src: usize,
    row: usize,
    col: usize,
    work: usize,
    dst: usize,
    pos: usize,
  ): void {
    const t: usize = offsetof<M>() + 2;
    for (let j: usize = 0; j < t; j++) {
      Line.input<M>(src + j * col, row, work + (j << 4), t << 4);
    }
    for (let i: usize = 0; i < t; i++) {
      Line.input<M>(work + ((i * t) << 4), 16, dst + i * t * pos, pos);
    }
  }

  /** p [T][T] -> A^T p A [m][m], dense in `dst`; `pos` is the byte step between positions of p. */
  @inline static output<M>(src: usize, pos: usize, work: usize, dst: usize): void {
    const t: usize = offsetof<M>() + 2;
    const m: usize = offsetof<M>();
    for (let j: usize = 0; j < t; j++) {
      Line.output<M>(src + j * pos, t * pos, work + (j << 4), t << 4);
    }
    for (let k: usize = 0; k < m; k++) {
      Line.output<M>(work + ((k * t) << 4), 16, dst + ((k * m) << 4), 16);
    }
  }
}

/** The one-dimensional transforms of tile type M. */
class Line {
  @inline static input<M>(src: usize, step: usize, dst: usize, dstStep: usize): void {
    if (offsetof<M>() === offsetof<R4>()) F4.input(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<R5>()) F5.input(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<R6>()) F6.input(src, step, dst, dstStep);
  }

  @inline static output<M>(src: usize, step: usize, dst: usize, dstStep: usize): void {
    if (offsetof<M>() === offsetof<R4>()) F4.output(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<R5>()) F5.output(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<R6>()) F6.output(src, step, dst, dstStep);
  }
}
