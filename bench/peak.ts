/**
 * The most multiply-adds that 128-bit WebAssembly reaches on this core: twelve independent chains
 * v = v * s + t in registers, no memory. Every kernel's figure is given as a share of it.
 *
 * Twelve chains cover the latency of a product and a sum on two pipes (Zen 5: 3 + 3 cycles); with
 * s and t they fill 14 of the 15 registers that V8 gives out.
 */
export function peak(iterations: i32, start: f32, factor: f32, summand: f32): f32 {
  const s = f32x4.splat(factor);
  const t = f32x4.splat(summand);
  // biome-ignore format: one chain per entry
  let v0 = f32x4.splat(start), v1 = v0, v2 = v0, v3 = v0, v4 = v0, v5 = v0,
    v6 = v0, v7 = v0, v8 = v0, v9 = v0, v10 = v0, v11 = v0;
  // Equal chains must look different to the compiler, or it would keep one of them.
  v1 = f32x4.add(v1, t);
  v2 = f32x4.add(v1, t);
  v3 = f32x4.add(v2, t);
  v4 = f32x4.add(v3, t);
  v5 = f32x4.add(v4, t);
  v6 = f32x4.add(v5, t);
  v7 = f32x4.add(v6, t);
  v8 = f32x4.add(v7, t);
  v9 = f32x4.add(v8, t);
  v10 = f32x4.add(v9, t);
  v11 = f32x4.add(v10, t);
  for (let i = 0; i < iterations; i++) {
    v0 = f32x4.add(f32x4.mul(v0, s), t);
    v1 = f32x4.add(f32x4.mul(v1, s), t);
    v2 = f32x4.add(f32x4.mul(v2, s), t);
    v3 = f32x4.add(f32x4.mul(v3, s), t);
    v4 = f32x4.add(f32x4.mul(v4, s), t);
    v5 = f32x4.add(f32x4.mul(v5, s), t);
    v6 = f32x4.add(f32x4.mul(v6, s), t);
    v7 = f32x4.add(f32x4.mul(v7, s), t);
    v8 = f32x4.add(f32x4.mul(v8, s), t);
    v9 = f32x4.add(f32x4.mul(v9, s), t);
    v10 = f32x4.add(f32x4.mul(v10, s), t);
    v11 = f32x4.add(f32x4.mul(v11, s), t);
  }
  const a = f32x4.add(f32x4.add(f32x4.add(v0, v1), f32x4.add(v2, v3)), f32x4.add(v4, v5));
  const b = f32x4.add(f32x4.add(f32x4.add(v6, v7), f32x4.add(v8, v9)), f32x4.add(v10, v11));
  return f32x4.extract_lane(f32x4.add(a, b), 0);
}
