/**
 * f32_count_nonfinite: how many of `count` floats at `x` are NaN or infinite.
 *
 * A float is finite when its exponent bits are not all ones. count is a multiple of 4, x of 16.
 */
export function f32_count_nonfinite(x: usize, count: i32): i32 {
  const exponent = i32x4.splat(0x7f800000);
  let found = i32x4.splat(0);
  const end = x + ((<usize>count) << 2);
  for (; x < end; x += 16) {
    const bits = v128.and(v128.load(x), exponent);
    found = i32x4.sub(found, i32x4.eq(bits, exponent));
  }
  return (
    i32x4.extract_lane(found, 0) +
    i32x4.extract_lane(found, 1) +
    i32x4.extract_lane(found, 2) +
    i32x4.extract_lane(found, 3)
  );
}
