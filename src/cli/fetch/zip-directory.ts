/**
 * The central directory of a zip archive (PKWARE APPNOTE 4.3): what is in it, and where. Refuses one that
 * lies outside the file, and files that end early.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { wrongArchive } from './archive-entry.ts';

export interface ZipEntry {
  readonly path: string;
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly headerOffset: number;
}

const END_BYTES = 22;
const MAX_COMMENT = 65535;
const MAX_DIRECTORY_BYTES = 4 << 20;

export async function readZipDirectory(
  file: FileHandle,
  size: number,
  path: string,
): Promise<ZipEntry[]> {
  const tail = await readPiece(file, Math.max(0, size - END_BYTES - MAX_COMMENT), size, path);
  const end = tail.lastIndexOf('PK\x05\x06', tail.length - END_BYTES, 'latin1');
  if (end < 0) throw wrongArchive(path, 'a zip archive with its directory at the end, got none');
  const [bytes, start] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  if (bytes > MAX_DIRECTORY_BYTES || start + bytes > size) {
    throw wrongArchive(path, 'a directory inside the file, got one outside; it is damaged');
  }
  const directory = await readPiece(file, start, start + bytes, path);
  const entries: ZipEntry[] = [];
  for (let at = 0; at + 46 <= directory.length; ) {
    if (directory.readUInt32LE(at) !== 0x02014b50) break;
    const nameBytes = directory.readUInt16LE(at + 28);
    entries.push({
      path: directory.toString('utf8', at + 46, at + 46 + nameBytes),
      flags: directory.readUInt16LE(at + 8),
      method: directory.readUInt16LE(at + 10),
      crc: directory.readUInt32LE(at + 16),
      packedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      headerOffset: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/** Paths of all entries; none of what cannot be read as a zip. */
export async function zipEntryNames(path: string): Promise<string[]> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    return (await readZipDirectory(file, size, path)).map((entry) => entry.path);
  } catch {
    return [];
  } finally {
    await file.close();
  }
}

export async function readPiece(
  file: FileHandle,
  start: number,
  end: number,
  path: string,
): Promise<Buffer> {
  const buffer = Buffer.alloc(end - start);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  if (bytesRead < buffer.length || buffer.length < 4) {
    throw wrongArchive(path, 'a whole zip archive, got a cut one');
  }
  return buffer;
}
