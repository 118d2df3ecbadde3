/**
 * Lists of numbers that hold five points and something else: a detector's row with its box and its score, or
 * three numbers per point. Receives numbers of any count; returns words for the refusal, or nothing where
 * no five points of a face are in it.
 */

import { faceLikeness } from './landmark-order.ts';

/** Rows of YuNet (x, y, w, h, ten, score) and RetinaFace (x1, y1, x2, y2, score, ten) have 15 numbers. */
const LONGEST_ROW = 20;
/** Layouts that are published with a depth or a visibility beside x and y. */
const TRIPLES = [68, 98, 106, 468, 478];

export function describeRow(flat: ArrayLike<number>, length: number): string | undefined {
  const triples = TRIPLES.find((count) => length === 3 * count);
  if (triples !== undefined) {
    return `${length} numbers, which are three for each of ${triples} points; pass x and y alone`;
  }
  if (length <= 10 || length > LONGEST_ROW) return undefined;
  const numbers = Float64Array.from({ length }, (_, i) => Number(flat[i]));
  if (!numbers.every(Number.isFinite)) return undefined;
  const readings = readingsOf(numbers).sort((a, b) => b.likeness - a.likeness);
  return readings[0] && readings[0].likeness > 0 ? readings[0].words : undefined;
}

/** Ten numbers in a row, wherever they start, and five times three. */
function readingsOf(numbers: Float64Array): { words: string; likeness: number }[] {
  const readings = Array.from({ length: numbers.length - 9 }, (_, from) => ({
    words:
      `${numbers.length} numbers, which look like a detector's row with box or score; ` +
      `pass its five points alone: numbers ${from + 1} to ${from + 10}`,
    likeness: faceLikeness(numbers.slice(from, from + 10)),
  }));
  if (numbers.length !== 15) return readings;
  const pairs = numbers.filter((_, i) => i % 3 !== 2);
  const words = '15 numbers, which look like x, y and a score or depth for each of five points';
  return [...readings, { words: `${words}; pass x and y alone`, likeness: faceLikeness(pairs) }];
}
