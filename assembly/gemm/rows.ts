/**
 * Row counts of register tiles as types: `offsetof<R5>()` is 5 at compile time, so one generic
 * kernel body gives a tile per row count and the branches on it fold away.
 */
@unmanaged
export class R1 {
  r0: u8;
}
@unmanaged
export class R2 {
  r0: u8;
  r1: u8;
}
@unmanaged
export class R3 {
  r0: u8;
  r1: u8;
  r2: u8;
}
@unmanaged
export class R4 {
  r0: u8;
  r1: u8;
  r2: u8;
  r3: u8;
}
@unmanaged
export class R5 {
  r0: u8;
  r1: u8;
  r2: u8;
  r3: u8;
  r4: u8;
}
@unmanaged
export class R6 {
  r0: u8;
  r1: u8;
  r2: u8;
  r3: u8;
  r4: u8;
  r5: u8;
}

/** Rows of a full tile, MR: 6 where a fused multiply-add needs no register for the product (docs/adr/0003). */
export const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;

/** Terms that are summed on their own before they join a longer sum: KC. */
export const KC: i32 = 64;

/**
 * How many rows the next tile takes when `left` remain. A tile of 1 row costs as much time as one
 * of 2 (its two accumulators wait for themselves), so the last two tiles share their rows evenly.
 */
export function nextRows(left: i32): i32 {
  if (left <= MR) return left;
  return left < 2 * MR ? (left + 1) >> 1 : MR;
}
