/** Stored weights brought into f32 by the letter of weights/FORMAT.md: what kernels must do bit for bit. */

import { decodeFloat16 } from '../../src/formats/float16.ts';

/** `values` [P][taps][W][8] as stored; one rounding to f32 per weight. */
export function expandWeights(
  values: Float32Array | Uint16Array | Int8Array,
  scales: ArrayLike<number>,
  [panels = 0, taps = 0, width = 0]: readonly number[],
): Float32Array {
  if (values instanceof Float32Array) return values;
  const isHalf = values instanceof Uint16Array;
  const numbers = isHalf ? decodeFloat16(new Uint8Array(values.buffer)) : values;
  const groups = Math.ceil(width / 64);
  const expanded = new Float32Array(numbers.length);
  let at = 0;
  for (let panel = 0; panel < panels; panel++) {
    for (let tap = 0; tap < taps; tap++) {
      for (let row = 0; row < width; row++) {
        const group = (panel * taps + tap) * groups + Math.floor(row / 64);
        for (let o = 0; o < 8; o++, at++) {
          const scale = scales[(isHalf ? panel : group) * 8 + o] as number;
          expanded[at] = (numbers[at] as number) * scale;
        }
      }
    }
  }
  return expanded;
}
