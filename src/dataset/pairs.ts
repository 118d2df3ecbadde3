/**
 * Receives the text of a list of pairs, returns the pairs it lists. Two forms:
 *
 *   LFW's pairs.txt, fields separated by tabs or blanks     the CSV files of LFW on Kaggle
 *   10  300                                                 name,imagenum1,imagenum2,
 *   Abel_Pacheco  1  4                                      Abel_Pacheco,1,4,
 *   Abdel_Madi_Shabneh  1  Dean_Barker  1                   Abdel_Madi_Shabneh,1,Dean_Barker,1
 *
 * "name i j" are two pictures of one person, "name1 i name2 j" are of two. The first line may say sets and
 * pairs per class, or a single number for one set, as in pairsDevTest.txt; readers of LFW skip it, and lists
 * that were cut or made keep it, so a number that does not fit is told and not refused. Refuses names that
 * would leave the folder of pictures, numbers that are none, and lists of people.
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

export interface PairList {
  readonly pairs: readonly Pair[];
  /** How many pairs the first line announces; null where it says nothing. */
  readonly announced: number | null;
}

/** What a list looks like, for messages and help. */
export const PAIR_EXAMPLE =
  '"Abel_Pacheco 1 4" (one person) or "Akhmed_Zakayev 1 Andre_Agassi 3" (two)';

const MAX_PAIRS = 1_000_000;

/** Parses a list of pairs; `where` names the file in messages. Throws ArcfaceError 'bad_dataset'. */
export function parsePairs(text: string, where = 'pairs.txt'): PairList {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n|\r/);
  const first = fieldsOf(lines[0] ?? '');
  refusePeople(first, lines, where);
  const isHeading = isColumnNames(first);
  const announced = isHeading ? null : announcedCount(first, lines[0] ?? '', where);
  const pairs: Pair[] = [];
  for (let i = isHeading || announced !== null ? 1 : 0; i < lines.length; i++) {
    const fields = fieldsOf(lines[i] ?? '');
    if (fields.length === 0) continue;
    pairs.push(parsePair(fields, `${where}, line ${i + 1}`));
    if (pairs.length > MAX_PAIRS)
      throw bad(`${where}: expected at most ${MAX_PAIRS} pairs, got more`);
  }
  if (pairs.length === 0) {
    throw bad(`${where}: expected at least one pair, such as ${PAIR_EXAMPLE}, got none`);
  }
  return { pairs, announced };
}

/** Path of a picture below the folder, without its ending: `Name/Name_0001`. */
export function picturePath({ name, index }: PairPicture): string {
  return `${name}/${name}_${String(index).padStart(4, '0')}`;
}

/** By tabs, else by commas, else by blanks; a CSV row may end with empty cells and quote its names. */
function fieldsOf(line: string): string[] {
  const separator = line.includes('\t') ? '\t' : line.includes(',') ? ',' : /\s+/;
  const fields = line
    .trim()
    .split(separator)
    .map((field) => field.trim().replace(/^"(.*)"$/, '$1'));
  while (fields.at(-1) === '') fields.pop();
  return fields;
}

const isNumber = (field: string | undefined): boolean => /^\d+$/.test(field ?? '');

/** `name,imagenum1,imagenum2`, `name,imagenum1,name,imagenum2`. */
function isColumnNames(fields: readonly string[]): boolean {
  return fields.length >= 3 && /^name/i.test(fields[0] ?? '') && !fields.some(isNumber);
}

/** people.csv, peopleDevTrain.txt, lfw_allnames.csv: a name and how many pictures there are of it. */
function refusePeople(first: readonly string[], lines: readonly string[], where: string): void {
  const next = fieldsOf(lines[1] ?? '');
  const isHeaded = first.length === 2 && /^name$/i.test(first[0] ?? '');
  const isCounted =
    first.length <= 1 && next.length === 2 && !isNumber(next[0]) && isNumber(next[1]);
  const isBare = first.length === 2 && !isNumber(first[0]) && isNumber(first[1]);
  if (!isHeaded && !isCounted && !isBare) return;
  throw bad(
    `${where}: expected pairs, such as ${PAIR_EXAMPLE}, got a list of people with the number of their pictures; ` +
      'give pairs.txt, pairs.csv, or matchpairs and mismatchpairs together',
  );
}

/** Number of pairs the first line announces, or null if it is a pair itself. */
function announcedCount(fields: readonly string[], line: string, where: string): number | null {
  if (fields.length > 2) return null;
  const [first, second] = fields.map((field) => (/^\d{1,7}$/.test(field) ? Number(field) : -1));
  if (first === undefined || first < 1 || (second !== undefined && second < 1)) {
    throw bad(
      `${where}, line 1: expected "sets<TAB>pairs per class" such as "10<TAB>300", or a pair such as ` +
        `${PAIR_EXAMPLE}, got "${printable(line)}"`,
    );
  }
  return second === undefined ? 2 * first : 2 * first * second;
}

function parsePair(fields: readonly string[], where: string): Pair {
  const [name = '', i = '', third = '', j = ''] = fields;
  if (fields.length === 3) {
    return { first: picture(name, i, where), second: picture(name, third, where), same: true };
  }
  if (fields.length === 4) {
    return { first: picture(name, i, where), second: picture(third, j, where), same: false };
  }
  throw bad(
    `${where}: expected "name i j" or "name1 i name2 j", such as ${PAIR_EXAMPLE}, got ${fields.length} fields`,
  );
}

function picture(name: string, index: string, where: string): PairPicture {
  if (name === '' || /[/\\\0]/.test(name) || /^\.+$/.test(name)) {
    throw bad(
      `${where}: expected a person's name, got "${printable(name)}"; a name is one folder, as in ${PAIR_EXAMPLE}`,
    );
  }
  if (!/^\d{1,6}$/.test(index) || Number(index) < 1) {
    throw bad(
      `${where}: expected a picture number from 1, got "${printable(index)}"; a line is ${PAIR_EXAMPLE}`,
    );
  }
  return { name, index: Number(index) };
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 60);
}

function bad(message: string): ArcfaceError {
  return new ArcfaceError('bad_dataset', message);
}
