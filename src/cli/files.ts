/**
 * Reading files, and words for what the file system refuses. Type and size are looked at before anything
 * is read: folders, devices and files too large are refused, a pipe is read as far as `maxBytes`. Faults
 * that the library finds in a file's content get the path in front. Writing is `cli/output.ts`.
 */

import { close, constants, fstat, open, read, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ArcfaceError, type ErrorCode } from '../errors.ts';

/** What one buffer, and so any model or data set that is read whole, may have. */
export const MAX_FILE_BYTES = 2 ** 31 - 1;
/** Four bytes for each of the 64 megapixels that a picture may have. */
export const MAX_PICTURE_BYTES = 2 ** 28;

export async function readBytes(path: string, maxBytes = MAX_FILE_BYTES): Promise<Uint8Array> {
  return withInput(path, true, async (fd, stats) => {
    if (stats.isFIFO()) return readPipe(fd, path, maxBytes);
    if (stats.size > maxBytes) throw tooLarge(path, maxBytes, stats.size);
    return readUpTo(fd, stats.size);
  });
}

/** The first `count` bytes of a file, fewer if it has fewer, and its size. */
export async function readHead(
  path: string,
  count: number,
): Promise<{ bytes: Uint8Array; size: number }> {
  return withInput(path, false, async (fd, { size }) => {
    return { bytes: await readUpTo(fd, Math.min(count, size)), size };
  });
}

/** Throws 'io' for what is no file: a folder, a device, a pipe. */
export async function requireFile(path: string): Promise<void> {
  requireType(path, await stat(path).catch(unreadable(path)), false);
}

/** Looks before it opens, which alone moves a tape, and after it, when nothing can change any more. */
async function withInput<T>(
  path: string,
  pipes: boolean,
  use: (fd: number, stats: Stats) => Promise<T>,
): Promise<T> {
  requireType(path, await stat(path).catch(unreadable(path)), pipes);
  // Opening a pipe does not wait for someone to write to it.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
  const fd = await promisify(open)(path, flags).catch(unreadable(path));
  try {
    const stats = await promisify(fstat)(fd);
    requireType(path, stats, pipes);
    return await use(fd, stats);
  } catch (cause) {
    if (cause instanceof ArcfaceError) throw cause;
    throw ioError(path, 'a readable file', cause);
  } finally {
    await promisify(close)(fd);
  }
}

/** Only weights are fetched, by the library; a missing file may have been meant as one. */
function unreadable(path: string): (cause: unknown) => never {
  return (cause) => {
    const isAddress = /^https?:\/\//i.test(path);
    const message = `${path}: expected a file, got an address; download it first (only weights may be one)`;
    if (isAddress) throw new ArcfaceError('io', message, { cause });
    throw ioError(path, 'a readable file', cause);
  };
}

function requireType(path: string, stats: Stats, pipes: boolean): void {
  if (stats.isFile() || (pipes && stats.isFIFO())) return;
  throw new ArcfaceError('io', `${path}: expected a readable file, but it is ${kindOf(stats)}`);
}

/** In words, for anything but a regular file. */
export function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a pipe; write it to a file first';
  return stats.isSocket() ? 'a socket' : 'a device';
}

async function readUpTo(fd: number, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  let length = 0;
  while (length < count) {
    const { bytesRead } = await promisify(read)(fd, bytes, length, count - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

/** To its end. A pipe that nobody writes to has ended already. */
async function readPipe(fd: number, path: string, maxBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const piece = new Uint8Array(1 << 16);
    const bytesRead = await readWaiting(fd, piece);
    if (bytesRead === 0) break;
    pieces.push(piece.subarray(0, bytesRead));
    length += bytesRead;
    if (length > maxBytes) throw tooLarge(path, maxBytes, length);
  }
  if (length > 0) return new Uint8Array(Buffer.concat(pieces));
  throw new ArcfaceError('io', `${path}: expected a pipe that somebody writes to, got none`);
}

const WAIT_MS = 10;

async function readWaiting(fd: number, into: Uint8Array): Promise<number> {
  for (;;) {
    try {
      return (await promisify(read)(fd, into, 0, into.length, null)).bytesRead;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await sleep(WAIT_MS);
    }
  }
}

function tooLarge(path: string, maxBytes: number, bytes: number): ArcfaceError {
  const [limit, got] = [maxBytes, bytes].map((count) => `${(count / 1e6).toFixed(1)} MB`);
  return new ArcfaceError('io', `${path}: expected at most ${limit}, got ${got} or more`);
}

/** A file is at fault; 'io' errors name theirs themselves. */
const FAULTS: ReadonlySet<ErrorCode> = new Set([
  'bad_argument',
  'bad_model',
  'bad_picture',
  'bad_weights',
  'unsupported_operator',
]);

/** `work` on the file `path`: the library knows bytes only, so its messages do not name the file. */
export async function naming<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isFault = error instanceof ArcfaceError && FAULTS.has(error.code);
    if (!isFault || isNamed(error.message, path)) throw error;
    throw new ArcfaceError(error.code, `${path}: ${error.message}`, { cause: error });
  }
}

/** Does the message start with the file, or with one in that folder? */
function isNamed(message: string, path: string): boolean {
  return message.startsWith(path) && /^[:,/\\]/.test(message.slice(path.length));
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is a file',
  EACCES: 'permission was denied',
  EPERM: 'the system does not allow it',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EFBIG: 'the file would be larger than the system allows',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
  EPIPE: 'whoever read it has gone',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
};

export function ioError(path: string, expected: string, cause: unknown): ArcfaceError {
  const code = (cause as { code?: unknown } | null)?.code;
  const reason = REASONS[String(code)] ?? (cause instanceof Error ? cause.message : String(cause));
  return new ArcfaceError('io', `${path}: expected ${expected}, but ${reason}`, { cause });
}
