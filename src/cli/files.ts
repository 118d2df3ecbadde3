/**
 * Files of the command line. Missing files and failing writes become 'io' errors with the path; faults
 * that the library finds in a file's content get the path in front.
 */

import { randomBytes } from 'node:crypto';
import { open, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { ArcfaceError, type ErrorCode } from '../errors.ts';
import { usage } from './args.ts';

export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw ioError(path, 'a readable file', cause);
  }
}

/**
 * Writes beside `path`, then renames: what was there stays intact when writing fails. Pieces are
 * written as they are made.
 */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array | string | Iterable<Uint8Array>,
): Promise<void> {
  const beside = `${path}.${randomBytes(6).toString('hex')}.part`;
  try {
    await writeDurably(beside, bytes);
    await rename(beside, path);
  } catch (cause) {
    // What cannot be removed was never made; the first failure is the one to tell.
    await rm(beside, { force: true }).catch(() => undefined);
    // The pieces themselves may fail; those errors say what happened.
    if (cause instanceof ArcfaceError) throw cause;
    throw ioError(path, 'a place to write to', cause);
  }
}

/** Returns when the bytes are on the disk: a rename must not get there before them. */
async function writeDurably(
  path: string,
  bytes: Uint8Array | string | Iterable<Uint8Array>,
): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await writeFile(file, bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Throws 'usage' if writing `output` would replace one of the files read. */
export async function refuseOverwrite(output: string, inputs: readonly string[]): Promise<void> {
  // What cannot be resolved does not exist, so nothing is lost there.
  const resolved = (path: string): Promise<string | undefined> =>
    realpath(path).catch(() => undefined);
  const place = await resolved(output);
  if (place === undefined) return;
  for (const input of inputs) {
    if ((await resolved(input)) !== place) continue;
    throw usage(`--output: expected a file that is not read, got ${output}; give another name`);
  }
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
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
};

export function ioError(path: string, expected: string, cause: unknown): ArcfaceError {
  const code = (cause as { code?: unknown } | null)?.code;
  const reason = REASONS[String(code)] ?? (cause instanceof Error ? cause.message : String(cause));
  return new ArcfaceError('io', `${path}: expected ${expected}, but ${reason}`, { cause });
}
