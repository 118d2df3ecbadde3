/**
 * Files that `fetch` keeps in the user's folder: a `.part`, its validator, a lock, what it downloaded.
 * Nothing of another kind is read, written or replaced: a link, a folder, a pipe, a second name of a file
 * that is elsewhere. Each is refused with what to do.
 */

import { constants } from 'node:fs';
import { link, lstat, rename, rm, stat } from 'node:fs/promises';
import { ArcfaceError } from '../../errors.ts';
import { ioError, kindOf } from '../files.ts';

/** No file that a link leads to is opened, even if the link appears after it was looked for. */
export const NO_LINK = constants.O_NOFOLLOW ?? 0;

/** Size of a file that this program may go on with, 0 if there is none. Throws 'io' for anything else. */
export async function ownFileSize(path: string): Promise<number> {
  const stats = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw ioError(path, 'a file of its own or none', cause);
  });
  if (stats === undefined) return 0;
  if (stats.isFile() && stats.nlink === 1) return stats.size;
  const got = stats.isFile()
    ? 'a file that has another name too'
    : stats.isSymbolicLink()
      ? 'a link'
      : kindOf(stats).replace(/;.*/, '');
  throw new ArcfaceError(
    'io',
    `${path}: expected a file of its own or none, got ${got}; move it away`,
  );
}

/** Is there a file, perhaps behind a link? Throws 'io' for a folder, a pipe, a link that leads nowhere. */
export async function isFileThere(path: string): Promise<boolean> {
  const missing = (cause: NodeJS.ErrnoException): undefined => {
    if (cause.code === 'ENOENT') return undefined;
    throw ioError(path, 'a file or none', cause);
  };
  if ((await lstat(path).catch(missing)) === undefined) return false;
  const stats = await stat(path).catch(missing);
  if (stats?.isFile()) return true;
  const got = stats === undefined ? 'a link that leads nowhere' : kindOf(stats).replace(/;.*/, '');
  throw new ArcfaceError('io', `${path}: expected a file or none, got ${got}; move it away`);
}

/** Gives `from` the name `to`, which nothing has. Throws 'io' if something has it by now. */
export async function giveName(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
    await rm(from);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new ArcfaceError(
        'io',
        `${to}: expected no such file, got one meanwhile; move it away`,
        {
          cause,
        },
      );
    }
    // Not every file system has hard links.
    await rename(from, to).catch((reason: unknown) => {
      throw ioError(to, 'to write the file', reason);
    });
  }
}
