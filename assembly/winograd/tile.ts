import { F4 } from './f4';
import { F5 } from './f5';
import { F6 } from './f6';
import { M4, M5, M6 } from './sizes';

/**
 * Two-dimensional transforms of F(MY x MX, 3 x 3), one vector of 4 channels at a time: columns from
 * `src` into `work`, then rows from `work` to `dst`. MY and MX are M4, M5 or M6: the tile as types, so
 * that the choice folds away. A tile has (MY + 2) x (MX + 2) positions; position (i, j) lies
 * (i * t + j) * pos bytes from the first, where t >= MX + 2 is that of the picture's largest tile.
 * Vectors in `work` are dense: 16 bytes apart.
 */
export class Transform {
  /** d [MY + 2][MX + 2] -> B^T d B; `row` and `col` are byte steps of d. */
  @inline static input<MY, MX>(
    src: usize,
    row: usize,
    col: usize,
    work: usize,
    dst: usize,
    t: usize,
    pos: usize,
  ): void {
    const ty: usize = offsetof<MY>() + 2;
    const tx: usize = offsetof<MX>() + 2;
    for (let j: usize = 0; j < tx; j++) {
      Line.input<MY>(src + j * col, row, work + (j << 4), tx << 4);
    }
    for (let i: usize = 0; i < ty; i++) {
      Line.input<MX>(work + ((i * tx) << 4), 16, dst + i * t * pos, pos);
    }
  }

  /** p [MY + 2][MX + 2] -> A^T p A [MY][MX], dense in `dst`. */
  @inline static output<MY, MX>(src: usize, t: usize, pos: usize, work: usize, dst: usize): void {
    const tx: usize = offsetof<MX>() + 2;
    const my: usize = offsetof<MY>();
    const mx: usize = offsetof<MX>();
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
  @inline static input<M>(src: usize, step: usize, dst: usize, dstStep: usize): void {
    if (offsetof<M>() === offsetof<M4>()) F4.input(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<M5>()) F5.input(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<M6>()) F6.input(src, step, dst, dstStep);
  }

  @inline static output<M>(src: usize, step: usize, dst: usize, dstStep: usize): void {
    if (offsetof<M>() === offsetof<M4>()) F4.output(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<M5>()) F5.output(src, step, dst, dstStep);
    if (offsetof<M>() === offsetof<M6>()) F6.output(src, step, dst, dstStep);
  }
}
