/**
 * What commands print, safe to show and to parse again whatever a file is called: nothing in it moves a
 * cursor, colours the screen, or starts a line or a column of its own.
 */

import { printable } from '../printable.ts';

/** Of weights whose training is 'none'. */
export const UNTRAINED =
  'These weights are seeded random numbers: nothing was learned, so what they say about faces means nothing.';

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** As JSON, whose escapes stand for every character that is not printed. */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent);
  // Line breaks and blanks of the layout stand between the values, where `indent` puts them.
  return text.replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : escaped(character),
  );
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** A file's name as one cell of a row: as it is, or as a JSON string where it could be mistaken. */
export function rowName(path: string): string {
  const isPlain = path === printable(path) && !path.startsWith('"');
  return isPlain ? path : jsonText(path);
}
