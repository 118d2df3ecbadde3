/** Zip and tar archives that lie about themselves; gzip around whatever is inside. */

import { gunzipSync, gzipSync } from 'node:zlib';
import { type TarEntry, writeTar, writeZip, type ZipEntry } from '../../support/archives.ts';
import type { Random } from '../../support/graphs.ts';
import { mutateBytes } from './bytes.ts';
import { below, chance, EDGES, type Mutator, NUMBER_TEXTS, pick } from './choose.ts';

const PATHS = [
  ...[
    'm.params',
    'a/m.params',
    '../m.params',
    '/etc/m.params',
    'a\\..\\m.params',
    'C:m.params',
    '',
  ],
  ...['._m.params', 'm.params/', 'm.params\u0000.txt', 'other.txt', 'x'.repeat(99), 'é/m.params'],
];

const content = (random: Random): Uint8Array =>
  new Uint8Array(below(random, 2000)).fill(below(random, 256));

/** A small integer or one at the end of a range; 32 bits. */
function number32(random: Random): number {
  return Number(BigInt.asUintN(32, pick(random, EDGES)));
}

const LIES = ['crc', 'bytes', 'packed', 'offset', 'method', 'flags'] as const;

/** Written afresh: only some seeds of the same archive would be sound after damage to its bytes. */
export const writeHostileZip: Mutator = (_, random) => {
  const entries = Array.from({ length: 1 + below(random, 4) }, (): ZipEntry => {
    const lies = LIES.filter(() => chance(random, 0.1)).map((key) => {
      const value = number32(random);
      return [key, key === 'method' || key === 'flags' ? value % 65_536 : value];
    });
    const bytes = content(random);
    return {
      path: pick(random, PATHS),
      bytes,
      stored: chance(random, 0.3),
      lie: Object.fromEntries(lies),
    };
  });
  return new Uint8Array(writeZip(entries, 'x'.repeat(pick(random, [0, 0, 7, 65_535]))));
};

export const writeHostileTarGz: Mutator = (_, random) => {
  const entries = Array.from({ length: 1 + below(random, 4) }, (): TarEntry => {
    const lie = {
      ...(chance(random, 0.15) && { size: pick(random, NUMBER_TEXTS).slice(0, 11) }),
      ...(chance(random, 0.05) && { checksum: below(random, 100_000) }),
    };
    const type = pick(random, ['0', '0', '0', '\0', '5', 'x', 'g', 'L', '1', '2', '9']);
    return { path: pick(random, PATHS), bytes: content(random), type, lie };
  });
  const tar = writeTar(entries);
  const cut = chance(random, 0.1) ? tar.subarray(0, below(random, tar.length)) : tar;
  return new Uint8Array(gzipSync(cut));
};

/** Damage inside the compressed stream. */
export const mutateGzip: Mutator = (bytes, random) => {
  try {
    return new Uint8Array(gzipSync(mutateBytes(new Uint8Array(gunzipSync(bytes)), random)));
  } catch {
    return mutateBytes(bytes, random);
  }
};
