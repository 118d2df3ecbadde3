/** The check that every weight passes while it is loaded. */

import { describe, expect, it } from 'vitest';
import { guardMemory, type KernelBinary, kernelBinaries } from '../support/kernel-memory.ts';

const AT = 2048;

/** Counts `values` with NaN guards right before and behind them. */
function count(binary: KernelBinary, values: readonly number[]): number {
  const words = guardMemory(binary, 65536);
  new Float32Array(words.buffer).set(values, AT / 4);
  return binary.exports.f32_count_nonfinite(AT, values.length);
}

describe.each(kernelBinaries())('f32_count_nonfinite in the $name build', (binary) => {
  it('counts nothing in finite values, the largest and the smallest among them', () => {
    const largest = (2 - 2 ** -23) * 2 ** 127;
    const ends = [0, -0, largest, -largest, 2 ** -149, -(2 ** -149), 2 ** -126, 1];
    expect(count(binary, ends)).toBe(0);
    expect(count(binary, [])).toBe(0);
  });

  it('finds each kind at each place', () => {
    for (const length of [4, 8, 12, 16, 20, 64, 76]) {
      for (let i = 0; i < length; i++) {
        for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
          const values = new Array<number>(length).fill(1);
          values[i] = bad;
          expect(count(binary, values), `${bad} at ${i} of ${length}`).toBe(1);
        }
      }
    }
  });

  it('finds NaN of any sign and payload', () => {
    const words = guardMemory(binary, 65536);
    words.set([0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff], AT / 4);
    expect(binary.exports.f32_count_nonfinite(AT, 4)).toBe(4);
  });

  it('counts all of many', () => {
    expect(count(binary, new Array<number>(4096).fill(Number.NaN))).toBe(4096);
  });
});
