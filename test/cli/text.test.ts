import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonText, rowName } from '../../src/cli/text.ts';
import { printable } from '../../src/printable.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 40 });

describe('rowName', () => {
  it.each([
    ['face.png', 'face.png'],
    ['my face é.png', 'my face é.png'],
    ['C:\\faces\\a.png', 'C:\\faces\\a.png'],
    ['a.png\t0.1 0.2\nb.png', '"a.png\\t0.1 0.2\\nb.png"'],
    ['\x1b[2Jgone.png', '"\\u001b[2Jgone.png"'],
    ['\u202egnp.png', '"\\u202egnp.png"'],
    ['\x9b31m.png', '"\\u009b31m.png"'],
    ['"quoted".png', '"\\"quoted\\".png"'],
  ])('prints %j as %j', (path, row) => {
    expect(rowName(path)).toBe(row);
  });

  it('is one printable cell, and tells every two names apart', () => {
    fc.assert(
      fc.property(anyText, (path) => {
        const row = rowName(path);
        expect(row).toBe(printable(row));
        expect(row.startsWith('"') ? JSON.parse(row) : row).toBe(path);
      }),
    );
  });
});

describe('jsonText', () => {
  it('is JSON of the same value without a character that is not printed', () => {
    fc.assert(
      fc.property(anyText, fc.option(fc.constant(2), { nil: undefined }), (text, indent) => {
        const value = { [text]: [text], n: 1 };
        const json = jsonText(value, indent);
        expect(JSON.parse(json)).toEqual(value);
        expect(json.split('\n').every((line) => line === printable(line))).toBe(true);
      }),
    );
  });
});
