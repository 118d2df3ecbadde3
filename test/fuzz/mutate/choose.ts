/** Random choices, and the numbers that readers get wrong. */

import type { Random } from '../../support/graphs.ts';

/** Damages a copy of `bytes`: what it makes is a function of both arguments alone. */
export type Mutator = (bytes: Uint8Array, random: Random) => Uint8Array;

/** A whole number from 0 to `count` - 1. */
export function below(random: Random, count: number): number {
  return Math.floor(random() * count);
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[below(random, from.length)] as T;
}

export function chance(random: Random, share: number): boolean {
  return random() < share;
}

/** Ends of the ranges of integer types, and of what readers bound. */
export const EDGES: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 7n, 64n, 112n, 127n, 128n, 255n, 256n, 1000n, 65_535n, 65_536n, 2n ** 24n],
  ...[2n ** 28n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 62n],
  ...[2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 2n, 2n ** 64n - 128n],
];

/** Numbers as texts state them. */
export const NUMBER_TEXTS: readonly string[] = [
  ...['0', '1', '-1', '2', '3', '4', '7', '8', '64', '112', '127.5', '1e-30', '1e308', '-1e308'],
  ...['0.5', '255', '256', '1024', '65536', '16777216', '268435456', '2147483647', '2147483648'],
  ...['4294967295', '4294967296', '9007199254740993', '18446744073709551616', '1e999', '-0', 'NaN'],
  ...['Infinity', '0x10', '1.', '.5', '', ' 3', '3 ', '1_000', '٣', 'None', 'True', 'null'],
];

export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** `bytes` with [from, to) replaced. */
export function spliced(bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array {
  return joinBytes(bytes.subarray(0, from), by, bytes.subarray(to));
}

export function littleEndian(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

export function bigEndian(value: bigint, size: number): Uint8Array {
  return littleEndian(value, size).reverse();
}
