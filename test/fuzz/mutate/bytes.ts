/** Damage that knows nothing of a format: bits, stretches, lengths, integers at the ends of their ranges. */

import type { Random } from '../../support/graphs.ts';
import {
  below,
  bigEndian,
  chance,
  EDGES,
  littleEndian,
  type Mutator,
  pick,
  spliced,
} from './choose.ts';

const LONGEST = 64;

const flipBit: Mutator = (bytes, random) => {
  const at = below(random, bytes.length);
  return spliced(bytes, at, at + 1, Uint8Array.of((bytes[at] as number) ^ (1 << below(random, 8))));
};

const setByte: Mutator = (bytes, random) => {
  const at = below(random, bytes.length);
  return spliced(bytes, at, at + 1, Uint8Array.of(below(random, 256)));
};

/** Whatever lies there as an integer of 2, 4 or 8 bytes becomes one at the end of a range. */
const edgeInteger: Mutator = (bytes, random) => {
  const size = pick(random, [2, 4, 8]);
  const at = below(random, Math.max(1, bytes.length - size + 1));
  const value = pick(random, EDGES);
  const encoded = chance(random, 0.5) ? littleEndian(value, size) : bigEndian(value, size);
  return spliced(bytes, at, Math.min(bytes.length, at + size), encoded);
};

const fill: Mutator = (bytes, random) => {
  const [from, to] = stretch(bytes, random);
  return spliced(
    bytes,
    from,
    to,
    new Uint8Array(to - from).fill(pick(random, [0, 0xff, 0x80, 0x20])),
  );
};

const remove: Mutator = (bytes, random) => {
  const [from, to] = stretch(bytes, random);
  return spliced(bytes, from, to, new Uint8Array());
};

const repeat: Mutator = (bytes, random) => {
  const [from, to] = stretch(bytes, random);
  return spliced(bytes, from, from, bytes.subarray(from, to));
};

const move: Mutator = (bytes, random) => {
  const [from, to] = stretch(bytes, random);
  const at = below(random, bytes.length);
  return spliced(bytes, at, Math.min(bytes.length, at + to - from), bytes.subarray(from, to));
};

const insert: Mutator = (bytes, random) => {
  const at = below(random, bytes.length + 1);
  const length = 1 + below(random, 16);
  return spliced(
    bytes,
    at,
    at,
    Uint8Array.from({ length }, () => below(random, 256)),
  );
};

const cut: Mutator = (bytes, random) => bytes.slice(0, below(random, bytes.length));

const BYTE_MUTATORS: readonly Mutator[] = [
  ...[flipBit, setByte, setByte, edgeInteger, edgeInteger],
  ...[fill, remove, repeat, move, insert, cut],
];

/** One of them; bytes that are none stay as they are. */
export const mutateBytes: Mutator = (bytes, random) => {
  return bytes.length === 0 ? bytes : pick(random, BYTE_MUTATORS)(bytes, random);
};

function stretch(bytes: Uint8Array, random: Random): readonly [from: number, to: number] {
  const from = below(random, bytes.length);
  return [from, Math.min(bytes.length, from + 1 + below(random, LONGEST))];
}
