/** Sizes, hashes and free space of files; disk failures become coded errors with words. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ArcfaceError } from '../../errors.ts';
import { ioError } from '../files.ts';

/** Lower-case hex. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Uint8Array);
    }
  } catch (cause) {
    throw ioError(path, 'a readable file', cause);
  }
  return hash.digest('hex');
}

/** Throws 'io' unless `bytes` more fit on the disk that holds `path`. */
export async function checkFreeSpace(path: string, bytes: number): Promise<void> {
  const folder = dirname(path);
  let free: number;
  try {
    const { bavail, bsize } = await statfs(folder);
    free = bavail * bsize;
  } catch {
    // Some file systems do not say; a full disk then shows while writing.
    return;
  }
  if (free < bytes) {
    throw new ArcfaceError(
      'io',
      `${folder}: expected ${megabytes(bytes)} of free space, got ${megabytes(free)}; free some, or use --dir`,
    );
  }
}

/** A handler for `.catch`: throws the failure of writing `path` as an 'io' error with words. */
export function diskError(path: string): (cause: unknown) => never {
  return (cause) => {
    const code = (cause as { code?: unknown } | null)?.code;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw ioError(path, 'to write the file', cause);
    throw new ArcfaceError(
      'io',
      `${path}: expected space to write to, but the disk is full; free some and run the same command again, it goes on from here`,
      { cause },
    );
  };
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
