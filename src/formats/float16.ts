/** IEEE 754 binary16 to f32, which is exact. */

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
