/**
 * f32_count_nonfinite: how many of `count` floats at `x` are NaN or infinite.
 *
 * A float is finite when its exponent bits are not all ones. count is a multiple of 4, x of 16.
 * Four vectors a step: the loader reads every weight through this once, at the pace of memory.
 */
export function f32_count_nonfinite(x: usize, count: i32): i32 {
  let found = i32x4.splat(0);
  const end = x + ((<usize>count) << 2);
  for (; x + 64 <= end; x += 64) {
    const low = i32x4.add(Vectors.nonfinite(x, 0), Vectors.nonfinite(x, 16));
    const high = i32x4.add(Vectors.nonfinite(x, 32), Vectors.nonfinite(x, 48));
    found = i32x4.sub(found, i32x4.add(low, high));
  }
  for (; x < end; x += 16) found = i32x4.sub(found, Vectors.nonfinite(x, 0));
  return (
    i32x4.extract_lane(found, 0) +
    i32x4.extract_lane(found, 1) +
    i32x4.extract_lane(found, 2) +
    i32x4.extract_lane(found, 3)
  );
}

class Vectors {
  /** -1 in the lanes of the vector at x + offset that are not finite. */
  @inline static nonfinite(x: usize, offset: usize): v128 {
    const exponent = i32x4.splat(0x7f800000);
    return i32x4.eq(v128.and(v128.load(x + offset), exponent), exponent);
  }
}
