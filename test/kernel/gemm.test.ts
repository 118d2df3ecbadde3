/** The matrix tile by itself: rows in any order through pointers, any row count, any depth. */

import { describe, expect, it } from 'vitest';
import { mulberry32, uniform } from '../support/graphs.ts';
import {
  findDamage,
  guardMemory,
  type KernelBinary,
  kernelBinaries,
} from '../support/kernel-memory.ts';
import { firstFault } from '../support/kernel-tolerance.ts';

const SEED = 20260306;
const EPSILON = 2 ** -23;
/** Bytes added to every row's address, and guards between the operands. */
const OFFSET = 48;
const GUARD_BYTES = 1024;
const ROW_COUNTS = Array.from({ length: 23 }, (_, i) => i + 1);

function layout(m: number, k: number) {
  let at = GUARD_BYTES;
  const take = (bytes: number): number => {
    const start = at;
    at = Math.ceil((at + bytes) / 16) * 16 + GUARD_BYTES;
    return start;
  };
  return {
    rows: take(m * 4),
    a: take(OFFSET + m * k * 4),
    b: take(k * 32),
    c: take(m * 32),
    end: at,
  };
}

/** Runs the tile; returns the first fault: a wrong value, or a write where none belongs. */
function faultOf(binary: KernelBinary, m: number, k: number, more: boolean): string {
  const random = mulberry32(SEED + m * 1000 + k);
  const at = layout(m, k);
  const words = guardMemory(binary, at.end);
  const floats = new Float32Array(words.buffer, 0, words.length);
  const fill = (address: number, length: number): Float32Array => {
    floats.set(uniform(random, length), address / 4);
    return floats.slice(address / 4, address / 4 + length);
  };
  const a = fill(at.a + OFFSET, m * k);
  const b = fill(at.b, k * 8);
  const before = more ? fill(at.c, m * 8) : new Float32Array(m * 8);
  // Rows lie in reverse, so that a kernel that walks instead of following pointers is wrong.
  for (let row = 0; row < m; row++) words[at.rows / 4 + row] = at.a + (m - 1 - row) * k * 4;
  const expected = Float64Array.from(before, (sum, i) => {
    const from = (m - 1 - Math.floor(i / 8)) * k;
    let total = sum;
    for (let j = 0; j < k; j++) total += (a[from + j] as number) * (b[j * 8 + (i % 8)] as number);
    return total;
  });
  const guarded = words.slice();
  multiply(binary, [m, k, at.rows, OFFSET, at.b, at.c, more ? 1 : 0]);
  const got = Float64Array.from(floats.subarray(at.c / 4, at.c / 4 + m * 8));
  const damage = findDamage(guarded, words, [[at.c, at.c + m * 32]]);
  return damage || firstFault(got, expected, EPSILON * (4 + k));
}

function multiply({ exports }: KernelBinary, args: readonly number[]): void {
  (exports.f32_gemm as (...args: number[]) => void)(...args);
}

describe.each(kernelBinaries())('f32_gemm in the $name build', (binary) => {
  it.each(ROW_COUNTS)('multiplies %i rows of any depth, and adds to what was there', (m) => {
    for (const k of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 64, 300]) {
      expect(faultOf(binary, m, k, false), `${m}x${k}`).toBe('');
      expect(faultOf(binary, m, k, true), `${m}x${k}, added`).toBe('');
    }
  });

  it('gives a row the same bits in every tile and at every place', () => {
    const [alone] = rowBits(binary, 1);
    for (const m of ROW_COUNTS) {
      for (const row of rowBits(binary, m)) expect(row, `${m} rows`).toEqual(alone);
    }
  });
});

/** Bits of m rows that all name one row of A. */
function rowBits(binary: KernelBinary, m: number): Uint32Array[] {
  // More than two blocks of KC.
  const k = 130;
  const at = layout(m, k);
  const words = guardMemory(binary, at.end);
  const floats = new Float32Array(words.buffer, 0, words.length);
  const random = mulberry32(SEED);
  words.fill(at.a, at.rows / 4, at.rows / 4 + m);
  floats.set(uniform(random, k), at.a / 4);
  floats.set(uniform(random, k * 8), at.b / 4);
  multiply(binary, [m, k, at.rows, 0, at.b, at.c, 0]);
  const start = at.c / 4;
  return Array.from({ length: m }, (_, row) => words.slice(start + row * 8, start + row * 8 + 8));
}
