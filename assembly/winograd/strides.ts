/**
 * Strides as types: `offsetof<S2>()` is 2 at compile time, so one generic transform gives a body per
 * stride and the branches on it fold away.
 */
@unmanaged
export class S1 {
  s0: u8;
}
@unmanaged
export class S2 {
  s0: u8;
  s1: u8;
}

/** Outputs of a tile in one dimension: every feature map of a 112x112 face is a multiple of it. */
export const OUTPUTS: i32 = 7;
/** Transforms of a 3-tap filter: at stride 2 seven positions share one. */
export const FILTERS: i32 = 9;

/** Positions of a tile in one dimension, and its inputs. */
export function positionsOf(stride: i32): i32 {
  return stride === 2 ? 15 : 9;
}

/** Vectors of the largest tile, 15 x 15 positions, rounded up to whole cache lines. */
export const TILE_VECTORS: usize = 228;
