/**
 * tar.gz archives, streamed: 512-byte headers, each followed by its content in whole blocks (POSIX
 * ustar). Only plain files are taken; extension headers are skipped, because the entries wanted here
 * have short names. Refuses broken checksums, sizes beyond the bound, and a cut archive.
 */

import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { type Choose, wrongArchive } from './archive-entry.ts';
import { diskError } from './disk.ts';

const BLOCK = 512;
/** Skipped content counts as well, so that a small file cannot unpack without end. */
const SKIP_FACTOR = 2;

interface State {
  readonly choose: Choose;
  /** What is left of the content of the present entry, and of its padding. */
  content: number;
  padding: number;
  output: FileHandle | null;
  target: string;
  ended: boolean;
}

export async function extractTarGz(path: string, choose: Choose, maxBytes: number): Promise<void> {
  const state: State = { choose, content: 0, padding: 0, output: null, target: '', ended: false };
  const source = createReadStream(path);
  const unzipped = source.pipe(createGunzip());
  source.on('error', (error) => unzipped.destroy(error));
  let pending: Buffer = Buffer.alloc(0);
  let total = 0;
  try {
    for await (const chunk of unzipped as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > maxBytes * SKIP_FACTOR + BLOCK) {
        throw wrongArchive(path, `at most ${maxBytes} bytes unpacked, got more`);
      }
      pending = await consume(state, Buffer.concat([pending, chunk]), path, maxBytes);
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code?.startsWith('Z_')) throw wrongArchive(path, 'sound gzip data', cause);
    throw cause;
  } finally {
    source.destroy();
    await state.output?.close();
  }
  if (!state.ended) throw wrongArchive(path, 'a whole tar archive, got a cut one');
}

/** Works through `data`, returns what is too short to go on with. */
async function consume(
  state: State,
  data: Buffer,
  path: string,
  maxBytes: number,
): Promise<Buffer> {
  let at = 0;
  while (at < data.length && !state.ended) {
    if (state.content > 0) {
      const piece = data.subarray(at, at + state.content);
      await state.output?.writeFile(piece).catch(diskError(state.target));
      state.content -= piece.length;
      at += piece.length;
      if (state.content === 0) await closeOutput(state);
    } else if (state.padding > 0) {
      const skipped = Math.min(state.padding, data.length - at);
      state.padding -= skipped;
      at += skipped;
    } else {
      if (data.length - at < BLOCK) break;
      await startEntry(state, data.subarray(at, at + BLOCK), path, maxBytes);
      at += BLOCK;
    }
  }
  return state.ended ? Buffer.alloc(0) : Buffer.from(data.subarray(at));
}

async function startEntry(
  state: State,
  header: Buffer,
  path: string,
  maxBytes: number,
): Promise<void> {
  if (header.every((byte) => byte === 0)) {
    state.ended = true;
    return;
  }
  if (octal(header, 148, 8) !== checksum(header)) {
    throw wrongArchive(path, 'a tar header with its checksum, got a damaged one');
  }
  const bytes = octal(header, 124, 12);
  if (!(bytes <= maxBytes * SKIP_FACTOR)) {
    throw wrongArchive(path, `entries of at most ${maxBytes} bytes, got ${bytes}`);
  }
  state.content = bytes;
  state.padding = (BLOCK - (bytes % BLOCK)) % BLOCK;
  const type = header[156];
  const isFile = type === 0x30 || type === 0;
  const target = isFile ? state.choose(text(header, 0, 100)) : null;
  if (target === null) return;
  if (bytes > maxBytes) throw wrongArchive(path, `at most ${maxBytes} bytes, got ${bytes}`);
  state.target = target;
  state.output = (await open(target, 'w').catch(diskError(target))) as FileHandle;
  if (bytes === 0) await closeOutput(state);
}

async function closeOutput(state: State): Promise<void> {
  await state.output?.close();
  state.output = null;
}

const text = (header: Buffer, start: number, length: number): string =>
  header.toString('utf8', start, start + length).split('\0')[0] ?? '';

/** NaN for anything but octal digits, so that comparisons with it fail. */
function octal(header: Buffer, start: number, length: number): number {
  const digits = text(header, start, length).trim();
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

/** Sum of all bytes with the checksum field read as blanks. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : (header[i] as number);
  return sum;
}
