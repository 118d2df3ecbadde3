/**
 * The one seam between the builds: `simd` rounds after every multiplication, `relaxed` may fuse it
 * with the addition. No other file names a relaxed opcode.
 *
 * Static members of a class, because formatters accept `@inline` there and not on free functions.
 */
export class simd {
  /** a * b + c per lane; `simd` build: two roundings, same bits everywhere. */
  @inline static madd(a: v128, b: v128, c: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
    return f32x4.add(f32x4.mul(a, b), c);
  }

  /** x >= 0 ? x : slope * x per lane, for any slope; -0 and NaN pass through. */
  @inline static prelu(x: v128, slope: v128): v128 {
    return v128.bitselect(f32x4.mul(x, slope), x, f32x4.lt(x, f32x4.splat(0)));
  }
}
