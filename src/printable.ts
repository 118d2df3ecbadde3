/**
 * Text from a file made fit for a terminal: nothing in it moves a cursor, sets a colour, or turns the
 * direction of writing around. Returns text that has no control or format characters.
 */

const LINE_SPACE = /[\t\n\r]/g;
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

export function printable(text: string): string {
  return text.replace(LINE_SPACE, ' ').replace(UNPRINTABLE, '?');
}
