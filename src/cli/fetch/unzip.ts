/**
 * Zip archives, as far as published models need them: stored and deflated entries, no encryption, no
 * zip64, one disk. The central directory is what counts (PKWARE APPNOTE 4.3); every offset and size is
 * compared with the file, the output with its announced size and CRC.
 */

import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { type Choose, wrongArchive } from './archive-entry.ts';
import { crc32 } from './crc32.ts';
import { diskError } from './disk.ts';

interface Entry {
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

export async function extractZip(path: string, choose: Choose, maxBytes: number): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    let left = maxBytes;
    for (const entry of await readDirectory(file, size, path)) {
      const target = choose(entry.path);
      if (target === null) continue;
      left -= entry.bytes;
      if (left < 0) throw wrongArchive(path, `at most ${maxBytes} bytes unpacked, got more`);
      await extractEntry(file, size, entry, target, path);
    }
  } finally {
    await file.close();
  }
}

async function readDirectory(file: FileHandle, size: number, path: string): Promise<Entry[]> {
  const tail = await read(file, Math.max(0, size - END_BYTES - MAX_COMMENT), size, path);
  const end = tail.lastIndexOf('PK\x05\x06', tail.length - END_BYTES, 'latin1');
  if (end < 0) throw wrongArchive(path, 'a zip archive with its directory at the end, got none');
  const [bytes, start] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  if (bytes > MAX_DIRECTORY_BYTES || start + bytes > size) {
    throw wrongArchive(path, 'a directory inside the file, got one outside; it is damaged');
  }
  const directory = await read(file, start, start + bytes, path);
  const entries: Entry[] = [];
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

async function extractEntry(
  file: FileHandle,
  size: number,
  entry: Entry,
  target: string,
  path: string,
): Promise<void> {
  if ((entry.flags & 1) !== 0 || (entry.method !== 0 && entry.method !== 8)) {
    throw wrongArchive(path, `a stored or deflated ${entry.path}, got another kind`);
  }
  const header = await read(file, entry.headerOffset, entry.headerOffset + 30, path);
  const start = entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  const isHeader = header.readUInt32LE(0) === 0x04034b50;
  if (!isHeader || start + entry.packedBytes > size || entry.packedBytes === 0) {
    throw wrongArchive(path, `${entry.path} inside the file, got a damaged place for it`);
  }
  const source = createReadStream(path, { start, end: start + entry.packedBytes - 1 });
  const sink = createWriteStream(target);
  const check = checker(entry, path);
  const done =
    entry.method === 8
      ? pipeline(source, createInflateRaw(), check, sink)
      : pipeline(source, check, sink);
  await done.catch((cause: NodeJS.ErrnoException) => {
    if (cause.code?.startsWith('Z_')) throw wrongArchive(path, 'sound deflate data', cause);
    if (cause.syscall !== undefined) diskError(target)(cause);
    throw cause;
  });
}

/** Passes bytes on; fails at the first one too many, and at the end if size or CRC do not fit. */
function checker(entry: Entry, path: string): Transform {
  let bytes = 0;
  let crc = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      crc = crc32(chunk, crc);
      if (bytes > entry.bytes) done(wrongArchive(path, `${entry.bytes} bytes, got more`));
      else done(null, chunk);
    },
    flush(done) {
      const fits = bytes === entry.bytes && crc === entry.crc;
      done(fits ? null : wrongArchive(path, `${entry.path} with its size and CRC, got others`));
    },
  });
}

async function read(file: FileHandle, start: number, end: number, path: string): Promise<Buffer> {
  const buffer = Buffer.alloc(end - start);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  if (bytesRead < buffer.length || buffer.length < 4) {
    throw wrongArchive(path, 'a whole zip archive, got a cut one');
  }
  return buffer;
}
