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
    const text = '1\t1\nAbel_Pacheco\t1\t4\nAbdel_Madi_Shabneh\t1\tDean_Barker\t12\n';
    const { pairs, announced } = parsePairs(text);
    expect(announced).toBe(2);
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
    expect(parsePairs('1\r\nA 1 2\r\nA 1 B 1\r\n').pairs).toHaveLength(2);
    expect(parsePairs('A\t1\t2')).toMatchObject({ pairs: [{ same: true }], announced: null });
    expect(parsePairs('\uFEFF1\t1\nA 1 2\nA\t1\tB\t1').pairs).toHaveLength(2);
  });

  it('keeps blanks inside a name when fields are separated by tabs', () => {
    expect(parsePairs('A B\t1\t2').pairs[0]?.first.name).toBe('A B');
  });

  // Beginnings of the files of LFW on Kaggle (jessicali9530/lfw-dataset) as public readers of them describe them.
  it.each([
    ['pairs.csv', 'name,imagenum1,imagenum2,\nAnn,1,4,\nAnn,1,Bob,12\n', [true, false]],
    ['matchpairsDevTest.csv', 'name,imagenum1,imagenum2\nAnn,1,2\nBob,1,3\n', [true, true]],
    ['mismatchpairsDevTest.csv', 'name,imagenum1,name,imagenum2\nAnn,1,Bob,1\n', [false]],
    ['names in quotes', 'name1,imagenum1,name2,imagenum2\r\n"Ann",1,"Bob",1\r\n', [false]],
    ['no names of columns', 'Ann,1,4\nAnn,1,Bob,1\n', [true, false]],
  ])('reads %s of Kaggle', (_, text, same) => {
    const { pairs, announced } = parsePairs(text);
    expect(announced).toBeNull();
    expect(pairs.map((pair) => pair.same)).toEqual(same);
    expect(pairs[0]?.first).toEqual({ name: 'Ann', index: 1 });
  });

  it.each([
    ['10 300', 6000],
    ['10\t300', 6000],
    ['500', 1000],
  ])('reads a list headed %s whatever its length, and says what was announced', (first, count) => {
    const { pairs, announced } = parsePairs(`${first}\nAnn 1 2\nAnn 1 Bob 1\n`);
    expect(pairs).toHaveLength(2);
    expect(announced).toBe(count);
  });

  it.each([
    ['people.csv', 'name,images\nAaron_Eckhart,1\nAaron_Guiel,1\n'],
    ['peopleDevTrain.csv', 'name,images\nAaron_Eckhart,1\n'],
    ['people.txt', '10\n601\nAaron_Eckhart\t1\n'.replace('10\n', '')],
    ['lfw-names.txt', 'Aaron_Eckhart\t1\nAaron_Guiel\t1\n'],
  ])('refuses %s by name', (_, text) => {
    expect(refusal(text)).toMatch(/a list of people with the number of their pictures; give pairs/);
  });

  it.each(['Ann\t1\tx', 'Ann,1,2,3,4', '10,300x', '/etc\t1\t2', 'Ann\n'])(
    'shows a line as it should be when it refuses %j',
    (text) => {
      expect(refusal(text)).toContain('"Abel_Pacheco 1 4"');
    },
  );

  it.each([
    ['nothing', '', 'line 1'],
    ['zero pairs', '0\t0', 'line 1'],
    ['a path as name', '1\n../../etc\t1\t2\nA\t1\tB\t2', 'line 2'],
    ['dots as name', '1\nA\t1\t2\nA\t1\t..\t2', 'line 3'],
    ['a picture number 0', '1\nA\t0\t2\nA\t1\tB\t2', 'picture number'],
    ['a picture number that is none', '1\nA\t1e3\t2\nA\t1\tB\t2', 'picture number'],
    ['five fields', '1\nA\t1\tB\t2\t3', '5 fields'],
    ['a first line and no pairs', '10 300\n', 'at least one pair'],
    ['a web page', '<html>\n', 'line 1'],
  ])('refuses %s and says where', (_, text, words) => {
    expect(refusal(text)).toContain(words);
  });
});
