/** What the fuzzer knows of a reader: files that it reads, how to damage them, what it may do. */

import type { Random } from '../support/graphs.ts';
import { mutateBytes } from './mutate/bytes.ts';
import { chance, type Mutator, pick } from './mutate/choose.ts';

/** All files of one input, in the order of `Reader.files`. */
export type Files = readonly Uint8Array[];

export interface Reader {
  readonly name: string;
  /** What each file of an input is called where it is written out. */
  readonly files: readonly string[];
  readonly samples: readonly Files[];
  /** What damages the structure of each file. */
  readonly mutators: readonly (readonly Mutator[])[];
  /** Codes of an `ArcfaceError` that it may refuse with. */
  readonly codes: readonly string[];
  /** Reads, and checks as far as it can that a result is one; throws what the reader throws. */
  read(files: Files): unknown;
  /** Bytes that one allocation may take beyond four times the input and `SPARE_BYTES`; none if absent. */
  allowance?(files: Files): number;
}

/** Changes in one input, at most. */
const MOST_CHANGES = 3;
const BLIND_SHARE = 0.25;
/** Damage may not make an input much larger than what it began as. */
const MOST_GROWTH = 64 * 1024;

/** Case number `index` of a seed: the same files on every machine. */
export function damagedFiles(reader: Reader, random: Random): Files {
  const sample = pick(random, reader.samples);
  const files = [...sample];
  const changes = 1 + Math.floor(random() ** 2 * MOST_CHANGES);
  for (let i = 0; i < changes; i++) {
    const at = Math.floor(random() * files.length);
    const known = reader.mutators[at] ?? [];
    const mutate =
      known.length === 0 || chance(random, BLIND_SHARE) ? mutateBytes : pick(random, known);
    const changed = mutate(files[at] as Uint8Array, random);
    if (changed.length <= 2 * (sample[at] as Uint8Array).length + MOST_GROWTH) files[at] = changed;
  }
  return files;
}
