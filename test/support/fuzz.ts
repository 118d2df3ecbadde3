/**
 * Random damage to files, with a fixed seed. FUZZ_RUNS sets how often; fast-check prints seed and
 * smallest damage when a property fails.
 */

import fc from 'fast-check';
import { ArcfaceError } from '../../src/errors.ts';

const DEFAULT_RUNS = 10_000;

export function fuzzRuns(share = 1): number {
  return Math.ceil(Number(process.env.FUZZ_RUNS ?? DEFAULT_RUNS) * share);
}

/**
 * `read` of bytes with one to four changes (a byte, a bit, a run of zeros or ones, a cut, a copied
 * stretch) must return or throw one of `codes`. `share` is the part of the runs this call gets.
 */
export function expectCodedErrors(
  bytes: Uint8Array,
  codes: readonly string[],
  read: (damaged: Uint8Array) => unknown,
  share = 1,
): void {
  const damage = fc.record({
    kind: fc.constantFrom('byte', 'bit', 'zeros', 'ones', 'cut', 'copy'),
    at: fc.nat(bytes.length - 1),
    from: fc.nat(bytes.length - 1),
    value: fc.nat(255),
  });
  const property = fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
    let damaged: Uint8Array = bytes.slice();
    for (const one of damages) damaged = applyDamage(damaged, one);
    try {
      read(damaged);
    } catch (error) {
      if (error instanceof ArcfaceError && codes.includes(error.code)) return;
      throw error;
    }
  });
  fc.assert(property, { numRuns: fuzzRuns(share), seed: 20_240_601 });
}

/** Words of a text that may stand for others: what they look like, and what takes their place. */
export interface Exchange {
  readonly pattern: RegExp;
  readonly values: readonly string[];
}

/** As `expectCodedErrors`, for a text in which one to three words are exchanged. */
export function expectCodedTexts(
  text: string,
  codes: readonly string[],
  read: (damaged: Uint8Array) => unknown,
  exchanges: readonly Exchange[],
  share = 1,
): void {
  const change = fc.oneof(
    ...exchanges.map(({ pattern, values }) =>
      fc.record({
        pattern: fc.constant(pattern),
        pick: fc.nat(),
        value: fc.constantFrom(...values),
      }),
    ),
  );
  const property = fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
    const damaged = changes.reduce(exchanged, text);
    try {
      read(new TextEncoder().encode(damaged));
    } catch (error) {
      if (error instanceof ArcfaceError && codes.includes(error.code)) return;
      throw error;
    }
  });
  fc.assert(property, { numRuns: fuzzRuns(share), seed: 20_261_128 });
}

/** The `pick`th match of `pattern` exchanged. */
function exchanged(
  text: string,
  { pattern, pick, value }: { pattern: RegExp; pick: number; value: string },
): string {
  const found = [...text.matchAll(pattern)];
  const match = found[pick % Math.max(found.length, 1)];
  if (match === undefined) return text;
  return text.slice(0, match.index) + value + text.slice(match.index + match[0].length);
}

/** Numbers that a file should not have where it has others. */
export const AWKWARD_NUMBERS: readonly string[] = [
  ...['0', '-1', '1', '2', '3', '4', '5', '9', '-9'],
  ...['999999999', '0.5', '1e39', 'nan', ''],
];

interface Damage {
  readonly kind: string;
  readonly at: number;
  readonly from: number;
  readonly value: number;
}

function applyDamage(bytes: Uint8Array, { kind, at, from, value }: Damage): Uint8Array {
  const length = 1 + (value % 16);
  switch (kind) {
    case 'byte':
      bytes[at] = value;
      return bytes;
    case 'bit':
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (value % 8));
      return bytes;
    case 'zeros':
      return bytes.fill(0, at, at + length);
    case 'ones':
      return bytes.fill(0xff, at, at + length);
    case 'cut':
      return bytes.slice(0, at);
    default:
      return bytes.copyWithin(at, from, from + length);
  }
}
