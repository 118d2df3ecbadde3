import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ArcfaceError } from '../../src/errors.ts';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';

/** A file as numpy writes it, from its parts. */
function npy(dict: string, data: Uint8Array, major = 1): Uint8Array {
  const prefix = major === 1 ? 10 : 12;
  const length = Math.ceil((prefix + dict.length + 1) / 64) * 64 - prefix;
  const head = Buffer.alloc(prefix);
  head.write('\x93NUMPY', 'latin1');
  head[6] = major;
  if (major === 1) head.writeUInt16LE(length, 8);
  else head.writeUInt32LE(length, 8);
  return Buffer.concat([head, Buffer.from(`${dict.padEnd(length - 1)}\n`, 'latin1'), data]);
}

const dict = (descr: string, shape: string, order = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;

const floats = Float32Array.of(1.5, -2, 0, 3e-40, 5, 6);
const floatBytes = new Uint8Array(floats.buffer);

describe('a comment behind the dict', () => {
  it('comes back as it was, and moves nothing else', () => {
    for (const comment of [
      '',
      'plain',
      "{'shape': (9,), 'descr': '<f8'} # again",
      'x'.repeat(500),
    ]) {
      const file = writeNpy(floats, [2, 3], comment);
      expect(readNpy(file)).toEqual({ dtype: 'float32', shape: [2, 3], data: floats, comment });
      expect((file.length - floatBytes.length) % 64).toBe(0);
    }
    expect(readNpy(writeNpy(floats, [6])).comment).toBeUndefined();
  });

  it.each(['two\nlines', 'é', 'x'.repeat(5000)])('is one line of ASCII, not %j', (comment) => {
    expect(() => writeNpy(floats, [6], comment)).toThrow(/expected a comment of one line of ASCII/);
  });
});

describe('readNpy', () => {
  it.each([1, 2, 3])('reads float32 of format %i.0', (major) => {
    const array = readNpy(npy(dict('<f4', '(1, 2, 3)'), floatBytes, major));
    expect(array).toEqual({ dtype: 'float32', shape: [1, 2, 3], data: floats });
  });

  it('reads uint8, a single dimension and a scalar', () => {
    expect(readNpy(npy(dict('|u1', '(3,)'), Uint8Array.of(7, 8, 9)))).toEqual({
      dtype: 'uint8',
      shape: [3],
      data: Uint8Array.of(7, 8, 9),
    });
    expect(readNpy(npy(dict('|u1', '()'), Uint8Array.of(7)))).toMatchObject({ shape: [] });
  });

  it('reads from the middle of a buffer, aligned or not', () => {
    for (const offset of [1, 2, 3, 4]) {
      const file = npy(dict('<f4', '(6,)'), floatBytes);
      const larger = new Uint8Array(file.length + 8);
      larger.set(file, offset);
      expect(readNpy(larger.subarray(offset, offset + file.length)).data).toEqual(floats);
    }
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['another file', Buffer.from('PK\x03\x04 this is an npz'), /magic bytes/],
    ['float64', npy(dict('<f8', '(1,)'), new Uint8Array(8)), /uint8 .* or float32 .*, got '<f8'/],
    ['int32', npy(dict('<i4', '(1,)'), new Uint8Array(4)), /got '<i4'/],
    ['float16', npy(dict('<f2', '(1,)'), new Uint8Array(2)), /got '<f2'/],
    ['pickled objects', npy(dict('|O', '(1,)'), new Uint8Array(8)), /got '\|O'/],
    [
      'structured types',
      npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", new Uint8Array(4)),
      /structured/,
    ],
    ['big endian', npy(dict('>f4', '(1,)'), new Uint8Array(4)), /little endian, got '>f4'/],
    ['Fortran order', npy(dict('<f4', '(1, 1)', 'True'), new Uint8Array(4)), /C order/],
    ['too little data', npy(dict('<f4', '(2,)'), new Uint8Array(7)), /expected 8 bytes .* got 7/],
    ['too much data', npy(dict('<f4', '(2,)'), new Uint8Array(9)), /expected 8 bytes .* got 9/],
    ['a huge shape', npy(dict('<f4', '(99999999, 99999999)'), new Uint8Array(4)), /whole numbers/],
    ['a negative shape', npy(dict('<f4', '(-1, -1)'), new Uint8Array(4)), /whole numbers/],
    ['a header without keys', npy('{}', new Uint8Array(4)), /descr, fortran_order and shape/],
    ['format 4.0', npy(dict('<f4', '(1,)'), new Uint8Array(4), 4), /got 4\.0/],
  ])('refuses %s', (_, file, message) => {
    expect(() => readNpy(file, 'a.npy')).toThrow(message);
    expect(() => readNpy(file, 'a.npy')).toThrow(/^a\.npy: /);
  });

  it('refuses a file that was cut off at any byte', () => {
    const file = npy(dict('<f4', '(6,)'), floatBytes);
    for (let end = 0; end < file.length; end++) {
      expect(() => readNpy(file.subarray(0, end)), `${end} bytes`).toThrow(ArcfaceError);
    }
  });

  const fixture = new URL('../../../shared/fixtures/ir-tiny/', import.meta.url);
  describe.skipIf(!existsSync(fixture))('files of numpy itself', () => {
    it('are read', () => {
      const input = readNpy(readFileSync(new URL('input.npy', fixture)));
      const output = readNpy(readFileSync(new URL('fc1.npy', fixture)));
      expect(input.shape.slice(-3)).toEqual([3, 112, 112]);
      expect([input.dtype, output.dtype]).toEqual(['float32', 'float32']);
    });
  });
  if (!existsSync(fixture))
    console.warn('skipped: the ir-tiny fixture is not beside the repository');
});

describe('writeNpy', () => {
  it('writes what is read back, with the data aligned to 64 bytes', () => {
    for (const shape of [[6], [2, 3], [1, 6]]) {
      const file = writeNpy(floats, shape);
      expect((file.length - floatBytes.length) % 64).toBe(0);
      expect(readNpy(file)).toEqual({ dtype: 'float32', shape, data: floats });
    }
  });

  it('writes the very bytes of numpy.save', () => {
    expect(Buffer.from(writeNpy(Float32Array.of(1, 2), [1, 2])).toString('latin1')).toBe(
      "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }" +
        `${' '.repeat(58)}\n\0\0\x80\x3f\0\0\0\x40`,
    );
  });

  it('refuses a shape that does not fit', () => {
    expect(() => writeNpy(floats, [2, 2])).toThrow(/expected 2 x 2 values, got 6/);
  });
});
