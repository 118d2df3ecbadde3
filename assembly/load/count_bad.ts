/**
 * Checks of stored tensors while they are loaded, each a pass at the pace of memory: how many of `count`
 * values at `x` are bad. x is a multiple of 16, count fills whole vectors.
 *
 *   f32_count_nonfinite    floats that are NaN or infinite: exponent bits all ones
 *   f16_count_nonfinite    the same of halves
 *   f32_count_unscalable   floats that are no scale: not from 2^-126 (the smallest normal) to 2^15
 */
/** Four vectors a step: the loader reads every f32 weight through this once. */
export function f32_count_nonfinite(x: usize, count: i32): i32 {
  const bits = 0x7f800000;
  let found = i32x4.splat(0);
  const end = x + ((<usize>count) << 2);
  for (; x + 64 <= end; x += 64) {
    const a = i32x4.add(Bad.exponents(v128.load(x), bits), Bad.exponents(v128.load(x, 16), bits));
    const b = i32x4.add(
      Bad.exponents(v128.load(x, 32), bits),
      Bad.exponents(v128.load(x, 48), bits),
    );
    found = i32x4.sub(found, i32x4.add(a, b));
  }
  for (; x < end; x += 16) found = i32x4.sub(found, Bad.exponents(v128.load(x), bits));
  return Bad.sum(found);
}

/** A vector step looks at the even halves, then at the odd ones moved into their place. */
export function f16_count_nonfinite(x: usize, count: i32): i32 {
  let found = i32x4.splat(0);
  const end = x + ((<usize>count) << 1);
  for (; x < end; x += 16) {
    const v = v128.load(x);
    const even = Bad.exponents(v, 0x7c00);
    const odd = Bad.exponents(i32x4.shr_u(v, 16), 0x7c00);
    found = i32x4.sub(found, i32x4.add(even, odd));
  }
  return Bad.sum(found);
}

export function f32_count_unscalable(x: usize, count: i32): i32 {
  const least = f32x4.splat(reinterpret<f32>(1 << 23));
  const most = f32x4.splat(32768);
  let good = i32x4.splat(0);
  const end = x + ((<usize>count) << 2);
  for (; x < end; x += 16) {
    const v = v128.load(x);
    good = i32x4.sub(good, v128.and(f32x4.ge(v, least), f32x4.le(v, most)));
  }
  return count - Bad.sum(good);
}

class Bad {
  /** -1 in the lanes where all of `bits`, the exponent, are set. */
  @inline static exponents(v: v128, bits: i32): v128 {
    const exponent = i32x4.splat(bits);
    return i32x4.eq(v128.and(v, exponent), exponent);
  }

  @inline static sum(v: v128): i32 {
    return (
      i32x4.extract_lane(v, 0) +
      i32x4.extract_lane(v, 1) +
      i32x4.extract_lane(v, 2) +
      i32x4.extract_lane(v, 3)
    );
  }
}
