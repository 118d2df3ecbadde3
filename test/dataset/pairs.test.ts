import { describe, expect, it } from 'vitest';
import { parsePairs, picturePath } from '../../src/dataset/pairs.ts';
import { ArcfaceError } from '../../src/errors.ts';

const refusal = (text: string): string => {
  try {
    parsePairs(text, 'p.txt');
  } catch (error) {
    if (error instanceof ArcfaceError && error.code === 'bad_dataset') return error.message;
    throw error;
  }
  throw new Error('expected a refusal');
};

describe('parsePairs', () => {
  it('reads the official form with its first line', () => {
    const pairs = parsePairs('1\t1\nAbel_Pacheco\t1\t4\nAbdel_Madi_Shabneh\t1\tDean_Barker\t12\n');
    expect(pairs).toEqual([
      {
        first: { name: 'Abel_Pacheco', index: 1 },
        second: { name: 'Abel_Pacheco', index: 4 },
        same: true,
      },
      {
        first: { name: 'Abdel_Madi_Shabneh', index: 1 },
        second: { name: 'Dean_Barker', index: 12 },
        same: false,
      },
    ]);
    expect(picturePath(pairs[1]?.second ?? { name: '', index: 0 })).toBe(
      'Dean_Barker/Dean_Barker_0012',
    );
  });

  it('reads carriage returns, spaces, a development list and a list without first line', () => {
    expect(parsePairs('1\r\nA 1 2\r\nA 1 B 1\r\n')).toHaveLength(2);
    expect(parsePairs('A\t1\t2')).toHaveLength(1);
    expect(parsePairs('\uFEFF1\t1\nA 1 2\nA\t1\tB\t1')).toHaveLength(2);
  });

  it('keeps blanks inside a name when fields are separated by tabs', () => {
    expect(parsePairs('A B\t1\t2')[0]?.first.name).toBe('A B');
  });

  it.each([
    ['a wrong count', '10\t300\nA\t1\t2', 'expected 6000 pairs'],
    ['nothing', '', 'line 1'],
    ['zero pairs', '0\t0', 'line 1'],
    ['a path as name', '1\n../../etc\t1\t2\nA\t1\tB\t2', 'line 2'],
    ['dots as name', '1\nA\t1\t2\nA\t1\t..\t2', 'line 3'],
    ['a picture number 0', '1\nA\t0\t2\nA\t1\tB\t2', 'picture number'],
    ['a picture number that is none', '1\nA\t1e3\t2\nA\t1\tB\t2', 'picture number'],
    ['five fields', '1\nA\t1\tB\t2\t3', '5 fields'],
    ['a web page', '<html>\n', 'line 1'],
  ])('refuses %s and says where', (_, text, words) => {
    expect(refusal(text)).toContain(words);
  });
});
