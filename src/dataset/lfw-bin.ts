/**
 * Receives the bytes of an InsightFace `lfw.bin` (a pickle of a list of encoded pictures and a list of
 * booleans; pictures 2i and 2i+1 are pair i), returns both as plain data. Pictures are views of the file.
 * InsightFace's loader only indexes the two and asks Python whether a label is true, so packers write them
 * as lists, tuples or numpy arrays, and labels as bools, 0 and 1 of any number type, or numpy scalars: all
 * of these are read. Refuses anything else, in particular counts that do not fit each other.
 *
 * Source: deepinsight/insightface src/data/lfw2pack.py, src/eval/verification.py.
 */

import { ArcfaceError } from '../errors.ts';
import { numpyNumbers } from '../formats/numpy-numbers.ts';
import { readPickle } from '../formats/pickle.ts';
import { NumpyArray, PickleTuple, type PickleValue } from '../formats/pickle-values.ts';

export interface LfwBin {
  /** Encoded pictures (JPEG or PNG), two per pair. */
  readonly images: readonly Uint8Array[];
  /** One per pair: do both pictures show the same person? */
  readonly same: readonly boolean[];
}

/** Reads an `lfw.bin`; `where` names the file in messages. Throws ArcfaceError 'bad_dataset'. */
export function readLfwBin(bytes: Uint8Array, where = 'lfw.bin'): LfwBin {
  const root = readPickle(bytes, where);
  const parts = sequence(root) ?? [];
  const [first, second] = [sequence(parts[0]), parts[1]];
  if (parts.length !== 2 || first === null || second === undefined) {
    throw new ArcfaceError(
      'bad_dataset',
      `${where}: expected a pair (list of pictures, list of booleans), got ${describe(root)}`,
    );
  }
  const images = first.map((item, index) => encodedPicture(item, index, where));
  const same = booleans(second, where);
  if (same.length === 0 || images.length !== 2 * same.length) {
    throw new ArcfaceError(
      'bad_dataset',
      `${where}: expected two pictures for each of at least one boolean, got ${images.length} pictures and ${same.length} booleans`,
    );
  }
  return { images, same };
}

function encodedPicture(item: PickleValue, index: number, where: string): Uint8Array {
  const bytes = item instanceof NumpyArray ? byteRow(item) : item;
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) {
    throw new ArcfaceError(
      'bad_dataset',
      `${where}, picture ${index}: expected an encoded picture (byte string or numpy uint8 array of one row or column), got ${describe(item)}`,
    );
  }
  return bytes;
}

/** More than one long dimension is a decoded picture. */
function byteRow(array: NumpyArray): Uint8Array | null {
  return array.dtype.kind === 'u1' && isRow(array) ? array.data : null;
}

function booleans(value: PickleValue, where: string): boolean[] {
  const labels = sequence(value) ?? numbers(value);
  if (labels === null) {
    throw new ArcfaceError(
      'bad_dataset',
      `${where}: expected a list, tuple or numpy array of booleans second, got ${describe(value)}`,
    );
  }
  return labels.map((label, index) => {
    if (typeof label === 'boolean') return label;
    if (label === 0 || label === 1) return label === 1;
    throw new ArcfaceError(
      'bad_dataset',
      `${where}, pair ${index}: expected a boolean, or 0 or 1, got ${describe(label)}`,
    );
  });
}

/** The items of a list, a tuple, or a numpy array of objects in one row or column. */
function sequence(value: PickleValue | undefined): readonly PickleValue[] | null {
  if (Array.isArray(value)) return value;
  if (value instanceof PickleTuple) return value.items;
  return value instanceof NumpyArray && isRow(value) ? value.objects : null;
}

function numbers(value: PickleValue): number[] | null {
  return value instanceof NumpyArray && isRow(value) ? numpyNumbers(value) : null;
}

/** One long dimension at most; OpenCV's imencode returns a column [n, 1]. */
function isRow(array: NumpyArray): boolean {
  return array.shape.length > 0 && array.shape.filter((dim) => dim !== 1).length <= 1;
}

function describe(value: PickleValue): string {
  if (value === null) return 'None';
  if (value instanceof Uint8Array) return `a byte string of ${value.length} bytes`;
  if (value instanceof PickleTuple) return `a tuple of ${value.items.length}`;
  if (value instanceof NumpyArray) {
    return `a numpy array of ${value.dtype.kind}, shape [${value.shape.join(', ')}]`;
  }
  if (value instanceof Map) return 'a dict';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'number') return String(value);
  return typeof value === 'object' ? 'a name' : `a ${typeof value}`;
}
