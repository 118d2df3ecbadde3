/**
 * The most multiply-adds that 128-bit WebAssembly reaches on this core: the loop of a 5x8 register
 * tile whose operands never leave registers and the first cache, ten sums that do not wait for each
 * other. Every kernel's figure is given as a share of it.
 *
 * Four steps of the K loop per turn: V8 looks for interrupts once per turn, and with one or two
 * steps that costs a fifth in Node 20.
 * `a` and `-a` take turns, so that the sums stay where they started and can be checked.
 */
export function peak(turns: i32, start: f32, a: f32, b: f32): f32 {
  const table = memory.data(160);
  for (let i: usize = 0; i < 10; i++) v128.store(table + (i << 4), f32x4.splat(i < 5 ? a : -a));
  const b0 = f32x4.splat(b);
  const b1 = f32x4.add(b0, b0);
  let p = table;
  let q = table + 80;
  // biome-ignore format: one row of the tile per line
  let c00 = f32x4.splat(start), c01 = c00,
    c10 = c00, c11 = c00,
    c20 = c00, c21 = c00,
    c30 = c00, c31 = c00,
    c40 = c00, c41 = c00;
  // biome-ignore format: one row of the tile per line
  for (let i = 0; i < turns; i++) {
    let s = v128.load(p); c00 = f32x4.add(c00, f32x4.mul(s, b0)); c01 = f32x4.add(c01, f32x4.mul(s, b1));
    s = v128.load(p, 16); c10 = f32x4.add(c10, f32x4.mul(s, b0)); c11 = f32x4.add(c11, f32x4.mul(s, b1));
    s = v128.load(p, 32); c20 = f32x4.add(c20, f32x4.mul(s, b0)); c21 = f32x4.add(c21, f32x4.mul(s, b1));
    s = v128.load(p, 48); c30 = f32x4.add(c30, f32x4.mul(s, b0)); c31 = f32x4.add(c31, f32x4.mul(s, b1));
    s = v128.load(p, 64); c40 = f32x4.add(c40, f32x4.mul(s, b0)); c41 = f32x4.add(c41, f32x4.mul(s, b1));
    s = v128.load(p); c00 = f32x4.add(c00, f32x4.mul(s, b0)); c01 = f32x4.add(c01, f32x4.mul(s, b1));
    s = v128.load(p, 16); c10 = f32x4.add(c10, f32x4.mul(s, b0)); c11 = f32x4.add(c11, f32x4.mul(s, b1));
    s = v128.load(p, 32); c20 = f32x4.add(c20, f32x4.mul(s, b0)); c21 = f32x4.add(c21, f32x4.mul(s, b1));
    s = v128.load(p, 48); c30 = f32x4.add(c30, f32x4.mul(s, b0)); c31 = f32x4.add(c31, f32x4.mul(s, b1));
    s = v128.load(p, 64); c40 = f32x4.add(c40, f32x4.mul(s, b0)); c41 = f32x4.add(c41, f32x4.mul(s, b1));
    s = v128.load(p); c00 = f32x4.add(c00, f32x4.mul(s, b0)); c01 = f32x4.add(c01, f32x4.mul(s, b1));
    s = v128.load(p, 16); c10 = f32x4.add(c10, f32x4.mul(s, b0)); c11 = f32x4.add(c11, f32x4.mul(s, b1));
    s = v128.load(p, 32); c20 = f32x4.add(c20, f32x4.mul(s, b0)); c21 = f32x4.add(c21, f32x4.mul(s, b1));
    s = v128.load(p, 48); c30 = f32x4.add(c30, f32x4.mul(s, b0)); c31 = f32x4.add(c31, f32x4.mul(s, b1));
    s = v128.load(p, 64); c40 = f32x4.add(c40, f32x4.mul(s, b0)); c41 = f32x4.add(c41, f32x4.mul(s, b1));
    s = v128.load(p); c00 = f32x4.add(c00, f32x4.mul(s, b0)); c01 = f32x4.add(c01, f32x4.mul(s, b1));
    s = v128.load(p, 16); c10 = f32x4.add(c10, f32x4.mul(s, b0)); c11 = f32x4.add(c11, f32x4.mul(s, b1));
    s = v128.load(p, 32); c20 = f32x4.add(c20, f32x4.mul(s, b0)); c21 = f32x4.add(c21, f32x4.mul(s, b1));
    s = v128.load(p, 48); c30 = f32x4.add(c30, f32x4.mul(s, b0)); c31 = f32x4.add(c31, f32x4.mul(s, b1));
    s = v128.load(p, 64); c40 = f32x4.add(c40, f32x4.mul(s, b0)); c41 = f32x4.add(c41, f32x4.mul(s, b1));
    const last = p;
    p = q;
    q = last;
  }
  let sum = f32x4.add(c00, c01);
  sum = f32x4.add(f32x4.add(sum, c10), c11);
  sum = f32x4.add(f32x4.add(sum, c20), c21);
  sum = f32x4.add(f32x4.add(sum, c30), c31);
  sum = f32x4.add(f32x4.add(sum, c40), c41);
  return f32x4.extract_lane(sum, 0);
}
