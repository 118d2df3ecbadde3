/**
 * The cursor under the pickle reader. Every length is compared with the bytes that are left before
 * anything is taken; what is taken is a view. Refuses text that is not UTF-8 and endless lines.
 */

import { ArcfaceError } from '../errors.ts';

export interface PickleBytes {
  readonly where: string;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  offset: number;
}

/** Module and class names are short; a longer line is damage. */
const MAX_LINE_BYTES = 256;

/** Little-endian unsigned integer of 1, 2, 4 or 8 bytes; 8-byte values must be below 2^53. */
export function readUnsigned(cursor: PickleBytes, size: number): number {
  const at = advance(cursor, size);
  const { view } = cursor;
  if (size === 1) return view.getUint8(at);
  if (size === 2) return view.getUint16(at, true);
  if (size === 4) return view.getUint32(at, true);
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

/** The next `length` bytes, as a view. */
export function takeBytes(cursor: PickleBytes, length: number): Uint8Array {
  const at = advance(cursor, length);
  return cursor.bytes.subarray(at, at + length);
}

/** The next `length` bytes as UTF-8 text (lone surrogates, which Python allows, are refused). */
export function takeText(cursor: PickleBytes, length: number): string {
  const raw = takeBytes(cursor, length);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
  } catch (cause) {
    throw new ArcfaceError(
      'bad_dataset',
      `${cursor.where}, before offset ${cursor.offset}: expected UTF-8 text, got other bytes; the pickle is damaged`,
      { cause },
    );
  }
}

/** Text up to the next newline, which is consumed. */
export function takeLine(cursor: PickleBytes): string {
  const start = cursor.offset;
  const end = cursor.bytes.subarray(start, start + MAX_LINE_BYTES).indexOf(0x0a);
  if (end < 0) {
    throw new ArcfaceError(
      'bad_dataset',
      `${cursor.where}, offset ${start}: expected a name ending in a newline within ${MAX_LINE_BYTES} bytes, got none; the pickle is damaged`,
    );
  }
  const line = takeText(cursor, end);
  cursor.offset += 1;
  return line;
}

function advance(cursor: PickleBytes, length: number): number {
  const at = cursor.offset;
  const left = cursor.bytes.length - at;
  if (length > left) {
    throw new ArcfaceError(
      'bad_dataset',
      `${cursor.where}, offset ${at}: expected ${length} more bytes, got ${left}; the file is cut or damaged`,
    );
  }
  cursor.offset = at + length;
  return at;
}
