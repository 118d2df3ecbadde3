import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WireReader } from '../../src/formats/protobuf.ts';
import { MessageWriter } from '../../src/formats/protobuf-writer.ts';
import { joined } from '../support/onnx-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

function reader(...bytes: number[]): WireReader {
  return new WireReader(Uint8Array.from(bytes));
}

/** Walks a message, trying each length-delimited field as a message first. */
function walk(message: WireReader, depth = 0): void {
  while (message.next()) {
    if (message.wire === 2 && depth < 3 && message.field === 7) walk(message.message(), depth + 1);
    else message.skip();
  }
}

describe('protobuf reader', () => {
  it('reads what the writer writes, negative integers and nested messages included', () => {
    const inner = new MessageWriter().text(1, 'naïve').ints(2, [0, 127, 128, -1, 2 ** 40]);
    const outer = new MessageWriter()
      .int(3, -5)
      .float(4, 0.25)
      .message(5, inner)
      .int(6, 2 ** 52);
    const message = new WireReader(joined(outer.stream()));
    expect(message.next() && message.int()).toBe(-5);
    expect(message.next() && message.float()).toBe(0.25);
    expect(message.next() && message.field).toBe(5);
    const nested = message.message();
    expect(nested.next() && nested.text()).toBe('naïve');
    const values: number[] = [];
    nested.next();
    nested.ints(values, 10);
    expect(values).toEqual([0, 127, 128, -1, 2 ** 40]);
    expect(nested.next()).toBe(false);
    expect(message.next() && message.int()).toBe(2 ** 52);
    expect(message.next()).toBe(false);
  });

  it('gives views of the bytes, not copies', () => {
    const bytes = Uint8Array.of(0x0a, 2, 8, 9);
    const message = new WireReader(bytes);
    message.next();
    const view = message.bytes();
    bytes[2] = 42;
    expect([...view]).toEqual([42, 9]);
  });

  it('streams large fields lazily and in order', () => {
    let reads = 0;
    const lazy = {
      length: 3,
      read: () => {
        reads += 1;
        return Uint8Array.of(1, 2, 3);
      },
    };
    const message = new MessageWriter().bytes(1, lazy).int(2, 1);
    expect(reads).toBe(0);
    expect([...joined(message.stream())]).toEqual([0x0a, 3, 1, 2, 3, 0x10, 1]);
    expect(message.length).toBe(7);
  });

  it.each([
    ['a length beyond the end', [0x0a, 5, 1], /expected 5 more bytes/],
    ['a length of 2^63', [0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1], /length/],
    ['a length of -1', [0x0a, ...Array<number>(9).fill(0xff), 1], /length/],
    ['a varint of eleven bytes', [0x08, ...Array<number>(10).fill(0x80), 1], /10 bytes/],
    ['a varint without its end', [0x08, 0x80], /more bytes/],
    ['field number 0', [0x00, 1], /field number/],
    ['a group', [0x0b, 0x0c], /wire type/],
    ['wire type 7', [0x0f], /wire type/],
    ['a short fixed32', [0x0d, 1, 2], /more bytes/],
    ['a short fixed64', [0x09, 1, 2], /more bytes/],
  ])('refuses %s', (_, bytes, message) => {
    expect(messageOf(() => walk(reader(...bytes)))).toMatch(message);
    expect(codeOf(() => walk(reader(...bytes)))).toBe('bad_model');
  });

  it('refuses text that is not UTF-8 or longer than names are', () => {
    const bad = reader(0x0a, 2, 0xc3, 0x28);
    bad.next();
    expect(messageOf(() => bad.text())).toMatch(/UTF-8/);
    const long = new WireReader(joined(new MessageWriter().text(1, 'x'.repeat(5000)).stream()));
    long.next();
    expect(messageOf(() => long.text())).toMatch(/4096/);
  });

  it('refuses a field of another wire type than asked for', () => {
    const message = reader(0x08, 1);
    message.next();
    expect(messageOf(() => message.bytes())).toMatch(/wire type 2 for field 1/);
  });

  it('keeps a nested message inside its bounds', () => {
    // The inner message claims 3 bytes for its text; 1 is left in it, more in the outer one.
    const outer = reader(0x0a, 3, 0x0a, 3, 65, 66, 67);
    outer.next();
    const inner = outer.message();
    inner.next();
    expect(codeOf(() => inner.text())).toBe('bad_model');
  });

  it('bounds repeated integers before they fill memory', () => {
    const many = new WireReader(joined(new MessageWriter().ints(1, Array(100).fill(1)).stream()));
    many.next();
    expect(messageOf(() => many.ints([], 10))).toMatch(/at most 10 integers/);
  });

  it('passes over 1,000 levels of nesting without descending', () => {
    let bytes = Uint8Array.of(0x08, 1);
    for (let i = 0; i < 1000; i++) {
      bytes = joined(new MessageWriter().bytes(6, bytes).stream()) as Uint8Array<ArrayBuffer>;
    }
    expect(codeOf(() => walk(new WireReader(bytes)))).toBe('read');
  });

  it('never hangs or throws anything else on random bytes', () => {
    const seed = 20240817;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(['read', 'bad_model']).toContain(codeOf(() => walk(new WireReader(bytes))));
      }),
      { seed, numRuns: 5000 },
    );
  });
});
