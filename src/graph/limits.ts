/**
 * Upper bounds for whatever a file states, and arithmetic that respects them. Everything read from
 * outside passes through here before it sizes a loop or an allocation.
 */

import { ArcfaceError, type ErrorCode } from '../errors.ts';

/** The deepest relative, iresnet200, has about 700 nodes before folding. */
export const MAX_NODES = 10_000;
export const MAX_NAME_LENGTH = 256;
/** Elements of one activation or constant: 1 GiB of f32. */
export const MAX_ELEMENTS = 2 ** 28;
/** Kernel side, stride, padding. */
export const MAX_EXTENT = 1024;

/** Product of dimensions, or undefined if one is no positive integer or the product passes the limit. */
export function elementsOf(shape: readonly number[], limit = MAX_ELEMENTS): number | undefined {
  let product = 1;
  for (const n of shape) {
    if (!Number.isInteger(n) || n < 1 || n > limit) return undefined;
    product *= n;
    if (product > limit) return undefined;
  }
  return product;
}

/** `elementsOf` for shapes that were checked before. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

export function isIntegerIn(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** Throws `<where>: expected <expected>, got <got>` unless `ok`. `got` is formatted on failure only. */
export function expect(
  ok: boolean,
  code: ErrorCode,
  where: string,
  expected: string,
  got: unknown,
): asserts ok {
  if (!ok) throw new ArcfaceError(code, `${where}: expected ${expected}, got ${describe(got)}`);
}

/** One level of a list only: files can nest deeper than a stack is. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(describeEntry).join(', ')}]`;
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80));
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

function describeEntry(value: unknown): string {
  return Array.isArray(value) ? 'a list' : describe(value);
}
