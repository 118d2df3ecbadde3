/** Pixels as a network gets them: three channels, each a sum of those of faces, with mean and covariances. */

import type { ChannelOrder } from '../../graph/preprocessing.ts';
import { covarianceAt, type FaceStatistics } from './face-statistics.ts';

const CHANNELS = [0, 1, 2] as const;

/** However many scales and mixtures come one after the other, all of them are one matrix. */
export class Field {
  readonly height: number;
  readonly width: number;
  private readonly faces: FaceStatistics;
  /** Row by row, by the channels R, G, B of faces. */
  private readonly matrix: readonly number[];
  private readonly offset: readonly number[];

  private constructor(
    faces: FaceStatistics,
    [height, width]: readonly [number, number],
    matrix: readonly number[],
    offset: readonly number[],
  ) {
    this.faces = faces;
    this.height = height;
    this.width = width;
    this.matrix = matrix;
    this.offset = offset;
  }

  /** Raw values 0..255 in this channel order. */
  static ofFaces(
    faces: FaceStatistics,
    order: ChannelOrder,
    size: readonly [height: number, width: number],
  ): Field {
    const matrix = order === 'rgb' ? [1, 0, 0, 0, 1, 0, 0, 0, 1] : [0, 0, 1, 0, 1, 0, 1, 0, 0];
    return new Field(faces, size, matrix, [0, 0, 0]);
  }

  get mean(): Float64Array {
    return Float64Array.from(CHANNELS, (a) => {
      const sum = (i: number): number => this.factor(a, i) * (this.faces.mean[i] as number);
      return (this.offset[a] as number) + sum(0) + sum(1) + sum(2);
    });
  }

  /** Of channel `a` at one pixel with channel `b` at another, (dy, dx) away. */
  covariance(a: number, b: number, dy: number, dx: number): number {
    let sum = 0;
    for (const i of CHANNELS) {
      for (const j of CHANNELS) {
        const factor = this.factor(a, i) * this.factor(b, j);
        if (factor !== 0) sum += factor * covarianceAt(this.faces, [i, j], [dy, dx]);
      }
    }
    return sum;
  }

  /** y[o] = sum of factors[3 o + c] * x[c], plus shift[o]. */
  mixed(factors: ArrayLike<number>, shift: ArrayLike<number>): Field {
    const row = (o: number, of: (c: number) => number): number =>
      CHANNELS.reduce<number>((sum, c) => sum + (factors[3 * o + c] as number) * of(c), 0);
    const matrix = CHANNELS.flatMap((o) => CHANNELS.map((i) => row(o, (c) => this.factor(c, i))));
    const offset = CHANNELS.map(
      (o) => row(o, (c) => this.offset[c] as number) + (shift[o] as number),
    );
    return new Field(this.faces, [this.height, this.width], matrix, offset);
  }

  /** y[c] = scale[c] * x[c] + shift[c]. */
  scaled(
    [r = 1, g = 1, b = 1]: ArrayLike<number> & Iterable<number>,
    shift: ArrayLike<number>,
  ): Field {
    return this.mixed([r, 0, 0, 0, g, 0, 0, 0, b], shift);
  }

  private factor(a: number, i: number): number {
    return this.matrix[3 * a + i] as number;
  }
}
