/**
 * exp in f64 without a table: the standard library's reads a data segment, and a module that is
 * instantiated on memory full of weights may have none.
 *
 * x = n ln 2 + r, |r| <= ln 2 / 2; exp(r) by its Taylor polynomial of degree 12, whose remainder is
 * below 2e-16 there; n is added to the exponent. Results are those of arithmetic alone: the same
 * bits everywhere. |x| is capped at 700; NaN passes through.
 */
export class Exp {
  static of(x: f64): f64 {
    // Adding 1.5 * 2^52 leaves the nearest integer in the low bits, for NaN without a trap.
    const shift = 6755399441055744.0;
    const capped = min(max(x, -700.0), 700.0);
    const shifted = capped * Math.LOG2E + shift;
    const n = shifted - shift;
    // ln 2 in two parts, the first with zeros enough that n times it is exact.
    const r = capped - n * 0.6931471803691238 - n * 1.9082149292705877e-10;
    const scale = reinterpret<f64>((reinterpret<i64>(shifted) + 1023) << 52);
    return Exp.taylor(r) * scale;
  }

  @inline private static taylor(r: f64): f64 {
    let p: f64 = 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    return p * r + 1.0;
  }
}
