/**
 * Output tiles as types: `offsetof<M5>()` is 5 at compile time, so one generic transform gives a body
 * per tile and the branches on it fold away. S4 and S2 are those of stride 2: 16 more than their size.
 */
@unmanaged
export class M4 {
  m0: u8;
  m1: u8;
  m2: u8;
  m3: u8;
}
@unmanaged
export class M5 {
  m0: u8;
  m1: u8;
  m2: u8;
  m3: u8;
  m4: u8;
}
@unmanaged
export class M6 {
  m0: u8;
  m1: u8;
  m2: u8;
  m3: u8;
  m4: u8;
  m5: u8;
}
@unmanaged
export class S2 {
  a: u64;
  b: u64;
  s0: u8;
  s1: u8;
}
@unmanaged
export class S4 {
  a: u64;
  b: u64;
  s0: u8;
  s1: u8;
  s2: u8;
  s3: u8;
}
