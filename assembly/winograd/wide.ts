import { F7Pairs } from './f7_pairs';

/** Bytes of a pair of vectors, and of a line of 9 positions of them. */
const PAIR: usize = 32;
const LINE: usize = 9 * PAIR;

/**
 * Transforms of a tile at stride 1 for 8 channels, which the engine is to pair (docs/adr/0010). Shapes as
 * `winograd_input_s1` and `winograd_output_s1`, each element a pair of vectors.
 *
 * Each a function of its own, exported so that it stays one.
 */
export function winograd_input_wide(a: usize, c: usize, work: usize, dst: usize, pos: usize): void {
  for (let end = work + LINE, w = work; w < end; w += PAIR, a += 36) Wide.column(a, c, w);
  for (let end = work + 9 * LINE; work < end; work += LINE, dst += 9 * pos)
    Wide.row(work, dst, pos);
}

export function winograd_output_wide(src: usize, pos: usize, work: usize, dst: usize): void {
  for (let end = work + LINE, w = work; w < end; w += PAIR, src += pos) {
    F7Pairs.output(src, 9 * pos, w, LINE);
  }
  for (let end = work + 7 * LINE; work < end; work += LINE, dst += 7 * PAIR) {
    F7Pairs.output(work, PAIR, dst, PAIR);
  }
}

class Wide {
  // biome-ignore format: nine inputs of two vectors
  /** The column whose addresses begin at a. */
  @inline static column(a: usize, c: usize, dst: usize): void {
    const p0 = load<usize>(a) + c, p1 = load<usize>(a, 4) + c, p2 = load<usize>(a, 8) + c;
    const p3 = load<usize>(a, 12) + c, p4 = load<usize>(a, 16) + c, p5 = load<usize>(a, 20) + c;
    const p6 = load<usize>(a, 24) + c, p7 = load<usize>(a, 28) + c, p8 = load<usize>(a, 32) + c;
    F7Pairs.input(
      v128.load(p0), v128.load(p0, 16), v128.load(p1), v128.load(p1, 16), v128.load(p2), v128.load(p2, 16),
      v128.load(p3), v128.load(p3, 16), v128.load(p4), v128.load(p4, 16), v128.load(p5), v128.load(p5, 16),
      v128.load(p6), v128.load(p6, 16), v128.load(p7), v128.load(p7, 16), v128.load(p8), v128.load(p8, 16),
      dst, LINE,
    );
  }

  // biome-ignore format: nine inputs of two vectors
  /** A row of the work tile. */
  @inline static row(src: usize, dst: usize, pos: usize): void {
    F7Pairs.input(
      v128.load(src), v128.load(src, 16), v128.load(src, 32), v128.load(src, 48), v128.load(src, 64),
      v128.load(src, 80), v128.load(src, 96), v128.load(src, 112), v128.load(src, 128), v128.load(src, 144),
      v128.load(src, 160), v128.load(src, 176), v128.load(src, 192), v128.load(src, 208), v128.load(src, 224),
      v128.load(src, 240), v128.load(src, 256), v128.load(src, 272), dst, pos,
    );
  }
}
