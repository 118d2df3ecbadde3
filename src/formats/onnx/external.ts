/**
 * Weights that an ONNX file keeps in other files beside it. A location is a relative path that stays in
 * the model's folder; absolute paths, `..`, backslashes and drive letters are refused. Nothing is opened
 * here: callers learn the locations, read the files and hand over their bytes.
 */

import { ArcfaceError } from '../../errors.ts';
import { describe, expect } from '../../graph/limits.ts';
import type { WireReader } from '../protobuf.ts';

/** Where the values of one tensor lie. */
export interface ExternalRange {
  readonly location: string;
  readonly offset: number;
  /** Bytes; absent means as many as the tensor needs. */
  readonly length?: number | undefined;
}

/** Bytes of the files by location. */
export type ExternalFiles = ReadonlyMap<string, Uint8Array>;

/** StringStringEntryProto; later ones of a key replace earlier ones. */
export function readExternalEntry(reader: WireReader, into: Map<string, string>): void {
  let key = '';
  let value = '';
  while (reader.next()) {
    if (reader.field === 1) key = reader.text();
    else if (reader.field === 2) value = reader.text();
    else reader.skip();
  }
  // `checksum` and `basepath` are of no use: contents are checked by the importer, folders by the caller.
  if (['location', 'offset', 'length'].includes(key)) into.set(key, value);
}

export function externalRange(entries: ReadonlyMap<string, string>, where: string): ExternalRange {
  const bytes = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    expect(!Number.isNaN(value), 'bad_model', where, `${key} in bytes of external data`, text);
    return value;
  };
  const location = safeLocation(entries.get('location') ?? '', where);
  return { location, offset: bytes('offset') ?? 0, length: bytes('length') };
}

function safeLocation(stated: string, where: string): string {
  const parts = stated.split('/').filter((part) => part !== '.');
  const inside = parts.every((part) => part !== '' && part !== '..') && !/[\\:]/.test(stated);
  if (inside && parts.length > 0) return parts.join('/');
  const message = `external data in a file inside the model's folder, got ${describe(stated)}`;
  throw new ArcfaceError('bad_model', `${where}: expected ${message}`);
}

/** The bytes of `range`, of which `needed` are wanted where the file does not say. */
export function externalBytes(
  { location, offset, length }: ExternalRange,
  files: ExternalFiles,
  needed: number,
  where: string,
): Uint8Array {
  const file = files.get(location);
  if (!file) {
    const message = `${where}: expected its values in ${describe(location)}, got no such file; put it beside the model`;
    throw new ArcfaceError('bad_model', message);
  }
  const end = offset + (length ?? needed);
  const expected = `bytes ${offset}..${end} of ${describe(location)}`;
  expect(end <= file.length, 'bad_model', where, expected, `${file.length} bytes; is it whole?`);
  return file.subarray(offset, end);
}
