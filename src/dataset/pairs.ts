/**
 * Receives the text of LFW's pairs.txt, returns the pairs it lists. First line: sets and pairs per
 * class ("10<TAB>300"; a single number means one set, as in pairsDevTest.txt; some copies have none).
 * Then "name i j" for one person, "name1 i name2 j" for two. Refuses names that would leave the folder
 * of pictures, numbers that are none, and a count that contradicts the first line.
 */

import { ArcfaceError } from '../errors.ts';

export interface PairPicture {
  readonly name: string;
  /** 1-based, as in the file name `<name>_0001`. */
  readonly index: number;
}

export interface Pair {
  readonly first: PairPicture;
  readonly second: PairPicture;
  readonly same: boolean;
}

const MAX_PAIRS = 1_000_000;

/** Parses pairs.txt; `where` names the file in messages. Throws ArcfaceError 'bad_dataset'. */
export function parsePairs(text: string, where = 'pairs.txt'): Pair[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n|\r/);
  const expected = expectedCount(lines[0] ?? '', where);
  const pairs: Pair[] = [];
  for (let i = expected === null ? 0 : 1; i < lines.length; i++) {
    const line = (lines[i] ?? '').trim();
    if (line === '') continue;
    pairs.push(parsePair(line, `${where}, line ${i + 1}`));
    if (pairs.length > MAX_PAIRS) {
      throw new ArcfaceError(
        'bad_dataset',
        `${where}: expected at most ${MAX_PAIRS} pairs, got more`,
      );
    }
  }
  const count = expected ?? pairs.length;
  if (pairs.length === 0 || pairs.length !== count) {
    throw new ArcfaceError(
      'bad_dataset',
      `${where}: expected ${count === 0 ? 'at least one pair' : `${count} pairs as its first line says`}, got ${pairs.length}`,
    );
  }
  return pairs;
}

/** Path of a picture below the folder, without its ending: `Name/Name_0001`. */
export function picturePath({ name, index }: PairPicture): string {
  return `${name}/${name}_${String(index).padStart(4, '0')}`;
}

/** Number of pairs the first line announces, or null if it is a pair itself. */
function expectedCount(line: string, where: string): number | null {
  const fields = line.trim().split(/\s+/);
  if (fields.length > 2) return null;
  const [first, second] = fields.map((field) => (/^\d{1,7}$/.test(field) ? Number(field) : -1));
  if (first === undefined || first < 1 || (second !== undefined && second < 1)) {
    throw new ArcfaceError(
      'bad_dataset',
      `${where}, line 1: expected "sets<TAB>pairs per class" such as "10<TAB>300", got "${printable(line)}"`,
    );
  }
  return second === undefined ? 2 * first : 2 * first * second;
}

function parsePair(line: string, where: string): Pair {
  const fields = line.includes('\t') ? line.split('\t').map((f) => f.trim()) : line.split(/\s+/);
  const [name = '', i = '', third = '', j = ''] = fields;
  if (fields.length === 3) {
    return { first: picture(name, i, where), second: picture(name, third, where), same: true };
  }
  if (fields.length === 4) {
    return { first: picture(name, i, where), second: picture(third, j, where), same: false };
  }
  throw new ArcfaceError(
    'bad_dataset',
    `${where}: expected "name i j" or "name1 i name2 j", got ${fields.length} fields`,
  );
}

function picture(name: string, index: string, where: string): PairPicture {
  if (name === '' || /[/\\\0]/.test(name) || /^\.+$/.test(name)) {
    throw new ArcfaceError(
      'bad_dataset',
      `${where}: expected a person's name, got "${printable(name)}"; a name is one folder`,
    );
  }
  if (!/^\d{1,6}$/.test(index) || Number(index) < 1) {
    throw new ArcfaceError(
      'bad_dataset',
      `${where}: expected a picture number from 1, got "${printable(index)}"`,
    );
  }
  return { name, index: Number(index) };
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 60);
}
