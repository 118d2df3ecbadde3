import { describe, expect, it } from 'vitest';
import { ArcfaceError } from '../../src/errors.ts';
import { readPickle } from '../../src/formats/pickle.ts';
import { NumpyArray, PickleTuple } from '../../src/formats/pickle-values.ts';
import * as w from '../support/pickle-writer.ts';

const refusal = (bytes: Uint8Array): string => {
  try {
    readPickle(bytes, 'a.bin');
  } catch (error) {
    expect(error).toBeInstanceOf(ArcfaceError);
    expect((error as ArcfaceError).code).toBe('bad_dataset');
    return (error as ArcfaceError).message;
  }
  throw new Error('expected a refusal');
};

const protocols = [2, 3, 4, 5] as const;

describe('readPickle', () => {
  it.each(protocols)('reads plain values of protocol %i', (protocol) => {
    const value = readPickle(
      w.pickle(
        protocol,
        w.list(
          w.none,
          w.bool(true),
          w.bool(false),
          w.int(7),
          w.int(300),
          w.int(-5),
          w.text('Zoë'),
          w.raw(0x8a, 2, 0xff, 0xfe),
          w.raw(0x47, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0),
          w.concat(w.raw(0x7d, 0x28), w.text('k'), w.int(1), w.raw(0x75)),
        ),
      ),
    );
    expect(value).toEqual([null, true, false, 7, 300, -5, 'Zoë', -257, 0.5, new Map([['k', 1]])]);
  });

  it('reads byte strings of every form as views of the file', () => {
    const long = new Uint8Array(300).fill(9);
    const bytes = w.pickle(
      5,
      w.list(
        w.py2String(w.ascii('ab')),
        w.py2String(long),
        w.bytes3(w.ascii('cd')),
        w.bytes3(long),
        w.bytes8(w.ascii('ef')),
        w.bytearray8(w.ascii('gh')),
      ),
    );
    const value = readPickle(bytes) as Uint8Array[];
    expect(value.map((item) => item.length)).toEqual([2, 300, 2, 300, 2, 2]);
    expect(value.every((item) => item.buffer === bytes.buffer)).toBe(true);
    expect(value[5]).toEqual(w.ascii('gh'));
  });

  it('reads bytes that Python 3 wrote with protocol 2', () => {
    const picture = w.raw(0xff, 0xd8, 0, 0x80, 0x0a);
    const empty = w.reduce(w.global('__builtin__', 'bytes'), w.tuple());
    expect(readPickle(w.pickle(2, w.list(w.latin1Encoded(picture), empty)))).toEqual([
      picture,
      w.raw(),
    ]);
  });

  it.each([
    ['numpy.core.multiarray', w.global],
    ['numpy._core.multiarray', w.global],
    ['numpy._core.multiarray', w.stackGlobal],
  ])('reads numpy uint8 arrays made by %s', (module, named) => {
    const data = w.raw(1, 2, 3, 4, 5, 6);
    const value = readPickle(w.pickle(4, w.ndarray(data, { module, named, shape: [2, 3] })));
    expect(value).toBeInstanceOf(NumpyArray);
    expect(value).toMatchObject({ dtype: { kind: 'u1' }, shape: [2, 3], data });
  });

  it('reads numpy arrays of protocol 5, whose data is a buffer', () => {
    const bytes = w.pickle(
      5,
      w.reduce(
        w.stackGlobal('numpy._core.numeric', '_frombuffer'),
        w.concat(
          w.raw(0x28),
          w.bytearray8(w.raw(4, 5)),
          w.dtype('u1'),
          w.tuple(w.int(2)),
          w.text('C'),
          w.raw(0x74),
        ),
      ),
    );
    expect(readPickle(bytes)).toMatchObject({ shape: [2], data: w.raw(4, 5) });
  });

  it('gives the same object for a memo entry, whichever opcodes store and fetch it', () => {
    const put = w.concat(w.raw(0x5d, 0x28), w.bytes3(w.ascii('x')), w.raw(0x71, 9, 0x68, 9, 0x65));
    const long = w.concat(
      w.raw(0x5d, 0x28),
      w.bytes3(w.ascii('x')),
      w.raw(0x72, 1, 2, 3, 4, 0x6a, 1, 2, 3, 4, 0x65),
    );
    const memoize = w.concat(
      w.raw(0x5d, 0x94, 0x28),
      w.bytes3(w.ascii('x')),
      w.raw(0x94, 0x68, 1, 0x65),
    );
    for (const body of [put, long, memoize]) {
      const [first, second] = readPickle(w.pickle(4, body)) as Uint8Array[];
      expect(first).toEqual(w.ascii('x'));
      expect(second).toBe(first);
    }
  });

  it('reads a list that contains itself without following it', () => {
    const value = readPickle(w.pickle(2, w.raw(0x5d, 0x71, 0, 0x68, 0, 0x61))) as unknown[];
    expect(value[0]).toBe(value);
  });

  it('reads numpy bool scalars', () => {
    const scalar = w.reduce(
      w.global('numpy.core.multiarray', 'scalar'),
      w.tuple(w.dtype('b1'), w.bytes3(w.raw(1))),
    );
    expect(readPickle(w.pickle(3, w.tuple(scalar)))).toEqual(new PickleTuple([true]));
  });

  it.each([
    ['posix.system', w.global('posix', 'system')],
    ['builtins.eval', w.global('__builtin__', 'eval')],
    ['os.popen', w.stackGlobal('os', 'popen')],
    ['numpy.frombuffer', w.global('numpy', 'frombuffer')],
    ['toString', w.global('', 'toString')],
  ])('refuses the name %s and says which', (name, chunk) => {
    const message = refusal(w.pickle(4, w.reduce(chunk, w.tuple(w.text('touch /tmp/never')))));
    expect(message).toContain(name.split('.').pop());
    expect(message).toContain('nothing was executed');
  });

  it.each([
    [0x49, 'INT (protocol 0)'],
    [0x81, 'NEWOBJ'],
    [0x51, 'BINPERSID'],
    [0x97, 'NEXT_BUFFER'],
    [0x8f, 'EMPTY_SET'],
    [0xfe, '0xfe'],
  ])('refuses opcode 0x%s by its name', (opcode, name) => {
    expect(refusal(w.pickle(4, w.none, w.raw(opcode)))).toContain(name);
  });

  it.each(['M8', 'c16', 'U3', 'V4', 'f2'])('refuses numpy arrays of dtype %s', (type) => {
    expect(refusal(w.pickle(3, w.ndarray(w.raw(1), { type })))).toContain(type);
  });

  it.each([
    ['a length beyond the end', w.concat(w.raw(0x42), w.uint(0xffffffff, 4))],
    ['an 8-byte length', w.concat(w.raw(0x8e), w.uint(2n ** 64n - 1n, 8))],
    ['a text length', w.concat(w.raw(0x58), w.uint(0x7fffffff, 4))],
    ['a long integer', w.concat(w.raw(0x8b), w.uint(0xffffffff, 4))],
    ['a frame', w.concat(w.raw(0x95), w.uint(2n ** 60n, 8))],
    ['an unknown memo entry', w.raw(0x68, 3)],
    ['a tuple of nothing', w.raw(0x86)],
    ['APPENDS without MARK', w.raw(0x5d, 0x65)],
    ['a name without end', w.concat(w.raw(0x63), w.ascii('a'.repeat(300)))],
    ['broken UTF-8', w.raw(0x58, 1, 0, 0, 0, 0xff)],
    ['an odd dict', w.raw(0x7d, 0x28, 0x4e, 0x75)],
    ['two values', w.raw(0x4e, 0x4e)],
    ['an open MARK', w.raw(0x4e, 0x28)],
    ['state for a list', w.raw(0x5d, 0x29, 0x62)],
  ])('refuses %s', (_, chunk) => {
    expect(refusal(w.pickle(3, chunk))).toContain('a.bin');
  });

  it('refuses numpy shapes that do not fit the data, however large', () => {
    for (const shape of [[3], [65535, 65535, 65535], [-1, -2]]) {
      refusal(w.pickle(3, w.ndarray(w.raw(1, 2), { shape })));
    }
  });

  it('refuses nesting, values and repeated encoding out of proportion to the file', () => {
    expect(refusal(w.pickle(3, new Uint8Array(1000).fill(0x28)))).toContain('nested');
    expect(refusal(w.pickle(3, new Uint8Array(1 << 20).fill(0x7d)))).toContain('small values');
    const call = w.raw(0x68, 1, 0x68, 0, 0x68, 2, 0x86, 0x52);
    const bomb = w.concat(
      ...[w.text('x'.repeat(5000)), w.raw(0x71, 0), w.global('_codecs', 'encode'), w.raw(0x71, 1)],
      ...[w.text('latin1'), w.raw(0x71, 2)],
      ...new Array<Uint8Array>(100).fill(call),
    );
    expect(refusal(w.pickle(3, bomb))).toContain('encoded again');
  });

  it('says what the file is when it is no pickle', () => {
    expect(refusal(w.ascii('<!DOCTYPE html>'))).toContain('HTML');
    expect(refusal(w.ascii('version https://git-lfs.github.com/spec/v1'))).toContain('LFS');
    expect(refusal(w.ascii('(lp0\n.'))).toContain('0x28');
    expect(refusal(w.raw())).toContain('0 bytes');
    expect(refusal(w.raw(0x80, 6, 0x4e, 0x2e))).toContain('got 6');
  });
});
