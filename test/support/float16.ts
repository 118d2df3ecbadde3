/** f32 to IEEE 754 binary16: round to nearest, ties to even. */

/** Values beyond 65504 become infinite, as the format demands. */
export function encodeFloat16(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(2 * values.length);
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    const half = halfOf(words[i] as number);
    bytes[2 * i] = half & 0xff;
    bytes[2 * i + 1] = half >> 8;
  }
  return bytes;
}

function halfOf(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const rest = word & 0x7fffffff;
  if (rest > 0x7f800000) return sign | 0x7e00;
  const exponent = (rest >>> 23) - 112;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent >= 1) return sign | roundedShift(rest - 0x38000000, 13);
  if (exponent < -10) return sign;
  return sign | roundedShift((rest & 0x7fffff) | 0x800000, 14 - exponent);
}

/** A carry out of the mantissa lands in the exponent, which is the right next value. */
function roundedShift(value: number, shift: number): number {
  const floor = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return floor + (rest > half || (rest === half && (floor & 1) === 1) ? 1 : 0);
}
