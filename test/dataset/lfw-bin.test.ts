import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LfwBin, readLfwBin } from '../../src/dataset/lfw-bin.ts';
import { ArcfaceError } from '../../src/errors.ts';
import * as w from '../support/pickle-writer.ts';

const SMALL = '../shared/data/small_lfw.bin';
const FOLDS = '../shared/data/lfw-folds-1-5.bin';
for (const file of [SMALL, FOLDS]) {
  if (!existsSync(file)) console.warn(`${file} is absent: its tests are skipped`);
}

/** The value, or null for a coded refusal; anything else fails the test. */
function readOrRefuse(bytes: Uint8Array): LfwBin | null {
  try {
    return readLfwBin(bytes);
  } catch (error) {
    if (error instanceof ArcfaceError && error.code === 'bad_dataset') return null;
    throw error;
  }
}

const faces = Array.from({ length: 4 }, (_, i) => new Uint8Array(300 + i).fill(0xd8 + i));
const same = w.list(w.bool(true), w.bool(false));
const bin = (
  protocol: w.Protocol,
  write: (bytes: Uint8Array) => Uint8Array,
  labels: Uint8Array = same,
): Uint8Array => w.pickle(protocol, w.tuple(w.list(...faces.map(write)), labels));

const forms: readonly [string, Uint8Array][] = [
  ['Python 2 strings, protocol 2', bin(2, w.py2String)],
  ['Python 3 bytes, protocol 2', bin(2, w.latin1Encoded)],
  ['byte strings, protocol 3', bin(3, w.bytes3)],
  ['numpy arrays, protocol 3', bin(3, w.ndarray)],
  ['numpy columns, as OpenCV makes them', bin(3, (b) => w.ndarray(b, { shape: [b.length, 1] }))],
  ['numpy arrays of Python 2', bin(2, (b) => w.ndarray(b, { writeBytes: w.py2String }))],
  ['byte strings, protocol 4', bin(4, w.bytes3)],
  ['8-byte lengths, protocol 4', bin(4, w.bytes8)],
  ['bytearrays, protocol 5', bin(5, w.bytearray8)],
  ['a numpy bool array', bin(4, w.bytes3, w.ndarray(w.raw(1, 0), { type: 'b1' }))],
  ['0 and 1', bin(4, w.bytes3, w.list(w.int(1), w.int(0)))],
  ['lists instead of the pair', w.pickle(4, w.list(w.list(...faces.map(w.bytes3)), same))],
];

describe('readLfwBin', () => {
  it.each(forms)('reads %s', (_, bytes) => {
    expect(readLfwBin(bytes)).toEqual({ images: faces, same: [true, false] });
  });

  it.each([
    ['three pictures for two booleans', w.tuple(w.list(...faces.slice(1).map(w.bytes3)), same)],
    ['no pictures', w.tuple(w.list(), w.list())],
    ['text as a picture', w.tuple(w.list(w.text('a'), w.text('b')), w.list(w.bool(true)))],
    [
      'an empty picture',
      w.tuple(w.list(w.bytes3(w.raw()), w.bytes3(w.raw())), w.list(w.bool(true))),
    ],
    [
      'decoded pictures',
      w.tuple(
        w.list(...faces.slice(0, 2).map((f) => w.ndarray(f.subarray(0, 6), { shape: [2, 3] }))),
        w.list(w.bool(true)),
      ),
    ],
    [
      'labels that are no booleans',
      w.tuple(w.list(...faces.map(w.bytes3)), w.list(w.int(2), w.none)),
    ],
    ['one list', w.list(...faces.map(w.bytes3))],
    ['a dict', w.raw(0x7d)],
  ])('refuses %s with a code', (_, body) => {
    expect(() => readLfwBin(w.pickle(4, body), 'x.bin')).toThrow(/^x\.bin/);
    expect(readOrRefuse(w.pickle(4, body))).toBeNull();
  });

  it('refuses every form cut at any byte', () => {
    for (const [, bytes] of forms) {
      for (let end = 0; end < bytes.length; end++) {
        expect(readOrRefuse(bytes.subarray(0, end))).toBeNull();
      }
    }
  });

  it('reads or refuses any mutation of a file', () => {
    const runs = Number(process.env.FUZZ_RUNS ?? 10_000);
    const edit = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.nat(forms.length - 1),
        fc.array(edit, { minLength: 1, maxLength: 8 }),
        (form, edits) => {
          const bytes = Uint8Array.from(forms[form]?.[1] ?? []);
          for (const [at, value] of edits) bytes[at % bytes.length] = value;
          readOrRefuse(bytes);
        },
      ),
      { seed: 4, numRuns: runs },
    );
  });

  it('reads or refuses any sequence of opcodes', () => {
    const runs = Number(process.env.FUZZ_RUNS ?? 10_000);
    const opcode = fc.constantFrom(
      ...w.ascii(
        '(NKMJGUTCBX]lae)tq}surhjcRb\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x93\x94\x95\x96',
      ),
    );
    const step = fc.oneof({ weight: 3, arbitrary: opcode }, fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        readOrRefuse(w.pickle(3, Uint8Array.from(steps)));
      }),
      { seed: 5, numRuns: runs },
    );
  });
});

const written = JSON.parse(
  readFileSync(new URL('../fixtures/lfw-bins.json', import.meta.url), 'utf8'),
) as { read: [string, string][]; refused: [string, string][] };

describe('what Python and numpy write', () => {
  const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

  it.each(written.read)('is read: %s', (_, base64) => {
    const { images, same: labels } = readLfwBin(bytesOf(base64));
    expect(labels).toEqual([true, false]);
    expect(images.map((image) => [...image])).toEqual(
      [0xd8, 0xd9, 0xda, 0xdb].map((byte) => new Array(20).fill(byte)),
    );
  });

  it.each(written.refused)('is refused where labels are no booleans: %s', (_, base64) => {
    expect(() => readLfwBin(bytesOf(base64), 'x.bin')).toThrow(/^x\.bin.*expected a/);
    expect(readOrRefuse(bytesOf(base64))).toBeNull();
  });

  it('is read or refused when any byte of it is changed', () => {
    for (const [, base64] of written.read) {
      const bytes = bytesOf(base64);
      for (let at = 0; at < bytes.length; at++) {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
        readOrRefuse(damaged);
      }
    }
  });
});

const CASES = ['int64.bin', 'tuple.bin'].map(
  (name) => `../shared/cases/17-bin-issame-int64-or-tuple/${name}`,
);
for (const file of CASES) if (!existsSync(file)) console.warn(`${file} is absent: it is skipped`);

describe.each(CASES.filter((file) => existsSync(file)))('%s', (file) => {
  it('has two pictures for each label, of both kinds or one', () => {
    const { images, same: labels } = readLfwBin(readFileSync(file));
    expect(labels.length).toBeGreaterThan(0);
    expect(images).toHaveLength(2 * labels.length);
    expect(images.every((image) => image[0] === 0xff && image[1] === 0xd8)).toBe(true);
  });
});

describe.skipIf(!existsSync(SMALL))("InsightFace's excerpt with numpy arrays", () => {
  it('has twenty JPEGs and ten booleans, all true', () => {
    const { images, same: labels } = readLfwBin(readFileSync(SMALL));
    expect(images.map((image) => image.length).slice(0, 2)).toEqual([4996, expect.any(Number)]);
    expect(images.every((image) => image[0] === 0xff && image[1] === 0xd8)).toBe(true);
    expect(images).toHaveLength(20);
    expect(new Set(images.map((image) => Buffer.from(image).toString('latin1'))).size).toBe(17);
    expect(labels).toEqual(new Array(10).fill(true));
  });

  it('is refused when cut at any byte of its first picture and its end', () => {
    const bytes = readFileSync(SMALL);
    const cuts = [...new Array(200).keys(), ...new Array(200).keys()].map((k, i) =>
      i < 200 ? k : bytes.length - 1 - k,
    );
    for (const end of cuts) expect(readOrRefuse(bytes.subarray(0, end))).toBeNull();
  });
});

describe.skipIf(!existsSync(FOLDS))('five folds of LFW as byte strings', () => {
  it('have 6,000 JPEGs and 300 same pairs, then 300 different ones, per fold', () => {
    const { images, same: labels } = readLfwBin(readFileSync(FOLDS));
    expect(images).toHaveLength(6000);
    expect(images.every((image) => image[0] === 0xff && image[1] === 0xd8)).toBe(true);
    expect(labels).toEqual(Array.from({ length: 3000 }, (_, i) => i % 600 < 300));
  });
});
