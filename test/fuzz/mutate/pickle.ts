/** Damage to pickles, opcode by opcode: values that are pushed, popped, named, called and repeated. */

import * as w from '../../support/pickle-writer.ts';
import { below, EDGES, littleEndian, type Mutator, pick, spliced } from './choose.ts';

/** Opcodes without an argument, and the ends of the ranges of those with one. */
const BARE = w.ascii(
  '(.012NQRabdehjlopqrstu})]\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x93\x94\x97\x98',
);
const WITH_LENGTH: readonly (readonly [opcode: number, size: number])[] = [
  ...([
    [0x42, 4],
    [0x43, 1],
    [0x54, 4],
    [0x55, 1],
    [0x58, 4],
    [0x8a, 1],
    [0x8b, 4],
  ] as const),
  ...([
    [0x8c, 1],
    [0x8d, 8],
    [0x8e, 8],
    [0x95, 8],
    [0x96, 8],
    [0x4a, 4],
    [0x72, 4],
  ] as const),
];
const PIECES: readonly Uint8Array[] = [
  ...[w.none, w.bool(true), w.int(0), w.int(-1), w.int(65_536), w.text('latin1'), w.text('u1')],
  ...[w.list(), w.list(w.bool(true)), w.tuple(), w.tuple(w.int(1), w.int(1)), w.raw(0x7d)],
  w.global('numpy.core.multiarray', '_reconstruct'),
  w.global('numpy', 'ndarray'),
  w.global('os', 'system'),
  w.stackGlobal('builtins', 'eval'),
  w.dtype('u1'),
  w.dtype('O'),
  w.latin1Encoded(w.raw(0xff, 0xd8)),
  w.ndarray(w.raw(1, 0), { type: 'b1' }),
  w.ndarray(w.raw(1, 2, 3, 4), { shape: [2, 2] }),
  w.ndarray(w.raw(1), { shape: [65_535, 65_535] }),
  w.reduce(w.global('copyreg', '_reconstructor'), w.tuple(w.none)),
];

export const mutatePickle: Mutator = (bytes, random) => {
  const at = below(random, bytes.length + 1);
  const to = Math.min(bytes.length, at + pick(random, [0, 0, 1, 2, 8]));
  const kind = below(random, 4);
  if (kind === 0) return spliced(bytes, at, to, Uint8Array.of(pick(random, [...BARE])));
  if (kind === 1) return spliced(bytes, at, to, pick(random, PIECES));
  if (kind === 2) {
    const [opcode, size] = pick(random, WITH_LENGTH);
    const length = littleEndian(pick(random, EDGES), size);
    return spliced(bytes, at, to, Uint8Array.of(opcode, ...length));
  }
  // Appends and memo entries by the hundred: work out of proportion to the file.
  const repeated = pick(random, [
    w.ascii('('),
    w.ascii('2'),
    w.raw(0x94),
    w.ascii(']'),
    w.raw(0x85),
  ]);
  return spliced(bytes, at, to, w.concat(...Array<Uint8Array>(below(random, 400)).fill(repeated)));
};
