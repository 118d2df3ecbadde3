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
import { readPiece, readZipDirectory, type ZipEntry } from './zip-directory.ts';

export async function extractZip(path: string, choose: Choose, maxBytes: number): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    let left = maxBytes;
    for (const entry of await readZipDirectory(file, size, path)) {
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

async function extractEntry(
  file: FileHandle,
  size: number,
  entry: ZipEntry,
  target: string,
  path: string,
): Promise<void> {
  if ((entry.flags & 1) !== 0 || (entry.method !== 0 && entry.method !== 8)) {
    throw wrongArchive(path, `a stored or deflated ${entry.path}, got another kind`);
  }
  const header = await readPiece(file, entry.headerOffset, entry.headerOffset + 30, path);
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
function checker(entry: ZipEntry, path: string): Transform {
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
