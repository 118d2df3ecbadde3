/** Readers of data sets: lfw.bin (a pickle) and lists of pairs. */

import { readLfwBin } from '../../../src/dataset/lfw-bin.ts';
import { parsePairs, picturePath } from '../../../src/dataset/pairs.ts';
import * as w from '../../support/pickle-writer.ts';
import { mutatePickle } from '../mutate/pickle.ts';
import { mutateLines } from '../mutate/text.ts';
import type { Reader } from '../reader.ts';

const faces = Array.from({ length: 4 }, (_, i) => new Uint8Array(40 + i).fill(0xd8 + i));
const labels = w.list(w.bool(true), w.bool(false));

function bin(
  protocol: w.Protocol,
  write: (face: Uint8Array) => Uint8Array,
  same = labels,
): Uint8Array {
  return w.pickle(protocol, w.tuple(w.list(...faces.map(write)), same));
}

const PICKLES = [
  bin(2, w.py2String),
  bin(2, w.latin1Encoded),
  bin(3, w.ndarray),
  bin(3, (face) => w.ndarray(face, { shape: [face.length, 1] })),
  bin(4, w.bytes3, w.ndarray(w.raw(1, 0), { type: 'b1' })),
  bin(5, w.bytearray8),
  bin(3, w.bytes3, w.tuple(w.bool(true), w.bool(false))),
  bin(4, w.bytes3, w.ndarray(w.raw(1, 0, 0, 0, 0, 0, 0, 0), { type: 'i4', shape: [2] })),
];

const PAIRS = [
  '2\t1\nAnn\t1\t2\nAnn\t1\tBob\t1\nCid\t3\t4\nCid\t1\tAnn\t2\n',
  'Ann 1 2\nBob 3 Cid 4\n',
  'name,imagenum1,imagenum2,\nAnn,1,2,\nBob,3,Cid,4\n',
];

export function datasetReaders(): Reader[] {
  return [
    {
      name: 'lfw-bin',
      files: ['lfw.bin'],
      samples: PICKLES.map((sample) => [sample]),
      mutators: [[mutatePickle]],
      codes: ['bad_dataset'],
      read: ([file]) => {
        const { images, same } = readLfwBin(file as Uint8Array);
        if (images.length !== 2 * same.length)
          throw new Error(`${images.length} for ${same.length}`);
      },
    },
    {
      name: 'pairs',
      files: ['pairs.txt'],
      samples: PAIRS.map((text) => [new TextEncoder().encode(text)]),
      mutators: [[mutateLines]],
      codes: ['bad_dataset'],
      read: ([file]) => {
        for (const { first, second } of parsePairs(new TextDecoder().decode(file)).pairs) {
          for (const path of [picturePath(first), picturePath(second)]) requireInside(path);
        }
      },
    },
  ];
}

/** A name that leaves the folder of pictures would read somebody else's file. */
function requireInside(path: string): void {
  const names = path.split(/[/\\]/);
  if (names.length === 2 && names.every((name) => !/^\.*$/.test(name))) return;
  throw new Error(`a path out of its folder: ${JSON.stringify(path)}`);
}
