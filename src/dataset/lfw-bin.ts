/**
 * Receives the bytes of an InsightFace `lfw.bin` (a pickle of a list of encoded pictures and a
 * list of booleans; pictures 2i and 2i+1 are pair i), returns both as plain data. Pictures are views of
 * the file. Refuses anything else, in particular counts that do not fit each other.
 *
 * Source: deepinsight/insightface src/data/lfw2pack.py, src/eval/verification.py.
 */

import { ArcfaceError } from '../errors.ts';
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
  const parts = root instanceof PickleTuple ? root.items : Array.isArray(root) ? root : [];
  const [first, second] = parts;
  if (parts.length !== 2 || !Array.isArray(first) || second === undefined) {
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

/** OpenCV's imencode returns a column [n, 1]; more than one long dimension is a decoded picture. */
function byteRow(array: NumpyArray): Uint8Array | null {
  const isRow = array.shape.filter((dim) => dim !== 1).length <= 1;
  return array.kind === 'u1' && isRow ? array.data : null;
}

function booleans(value: PickleValue, where: string): boolean[] {
  if (value instanceof NumpyArray && value.kind === 'b1' && value.shape.length === 1) {
    return Array.from(value.data ?? [], (byte) => byte !== 0);
  }
  if (!Array.isArray(value)) {
    throw new ArcfaceError(
      'bad_dataset',
      `${where}: expected a list of booleans second, got ${describe(value)}`,
    );
  }
  return value.map((item, index) => {
    if (typeof item === 'boolean') return item;
    if (item === 0 || item === 1) return item === 1;
    throw new ArcfaceError(
      'bad_dataset',
      `${where}, pair ${index}: expected a boolean, got ${describe(item)}`,
    );
  });
}

function describe(value: PickleValue): string {
  if (value === null) return 'None';
  if (value instanceof Uint8Array) return `a byte string of ${value.length} bytes`;
  if (value instanceof PickleTuple) return `a tuple of ${value.items.length}`;
  if (value instanceof NumpyArray) return `a numpy array of shape [${value.shape.join(', ')}]`;
  if (value instanceof Map) return 'a dict';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' ? 'a name' : `a ${typeof value}`;
}
