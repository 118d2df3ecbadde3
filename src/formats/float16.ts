/** IEEE 754 binary16 and f32: exact one way, to the nearest and ties to even the other. */

/** `bits` are little-endian halves; an odd last byte is ignored. */
export function decodeFloat16(bits: Uint8Array): Float32Array {
  const length = bits.length >> 1;
  const values = new Float32Array(length);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < length; i++) {
    const half = (bits[2 * i] as number) | ((bits[2 * i + 1] as number) << 8);
    const sign = (half & 0x8000) << 16;
    const rest = half & 0x7fff;
    if (rest >= 0x7c00) words[i] = sign | 0x7f800000 | (rest << 13);
    else if (rest >= 0x0400) words[i] = sign | ((rest << 13) + 0x38000000);
    else values[i] = (sign ? -1 : 1) * rest * 2 ** -24;
  }
  return values;
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The half nearest to `value`; beyond 65504 it is infinite, as the format demands. */
export function float16Bits(value: number): number {
  float[0] = value;
  return halfOf(word[0] as number);
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
