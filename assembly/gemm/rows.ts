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

/**
 * How many rows the next tile takes when `left` remain. A tile of 1 or 2 rows costs as much time as
 * one of 4 (its few accumulators wait for each other), so 6 = 3 + 3 and 7 = 4 + 3.
 */
export function nextRows(left: i32): i32 {
  if (left === 6) return 3;
  if (left === 7) return 4;
  return left < 5 ? left : 5;
}
