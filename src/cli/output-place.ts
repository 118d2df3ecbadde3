/**
 * Where the bytes of an output go. Receives the name that the user gave; follows links as a shell's `>` does,
 * and knows the standard streams under every name that they have. Refuses folders, sockets, and links that
 * lead in a circle.
 */

import type { Stats } from 'node:fs';
import { lstat, readlink, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ArcfaceError } from '../errors.ts';
import { ioError, kindOf } from './files.ts';

export interface Place {
  readonly kind: 'file' | 'stdout' | 'stderr' | 'stream';
  /** Behind all links. */
  readonly path: string;
}

/** The same in every form in which a system knows it; a plain `-` is what other tools call it. */
const DESCRIPTOR = /^(?:\/dev\/fd|\/proc\/(?:self|thread-self)\/fd)\/(\d+)$/;
const STANDARD: ReadonlyMap<string, Place['kind']> = new Map([
  ['-', 'stdout'],
  ['/dev/stdout', 'stdout'],
  ['/dev/stderr', 'stderr'],
]);
const MAX_LINKS = 40;

/** Follows links to where the bytes go, as a shell's `>` does; the last one may lead to a new file. */
export async function placeOf(given: string): Promise<Place> {
  let path = given;
  for (let links = 0; links < MAX_LINKS; links++) {
    const kind = STANDARD.get(path) ?? descriptorKind(path);
    if (kind !== undefined) return { kind, path };
    const stats = await lstatIfAny(path, given);
    if (stats === undefined || stats.isFile()) return { kind: 'file', path };
    if (!stats.isSymbolicLink()) {
      if (!stats.isDirectory() && !stats.isSocket()) return { kind: 'stream', path };
      throw new ArcfaceError(
        'io',
        `${given}: expected a place to write to, but it is ${kindOf(stats)}`,
      );
    }
    // From where the link really lies: its folder may be reached by a link itself.
    path = resolve(await realpath(dirname(path)), await readlink(path));
  }
  throw ioError(given, 'a place to write to', { code: 'ELOOP' });
}

function descriptorKind(path: string): Place['kind'] | undefined {
  const number = DESCRIPTOR.exec(path)?.[1];
  if (number === undefined) return undefined;
  if (number === '1') return 'stdout';
  return number === '2' ? 'stderr' : 'stream';
}

export async function lstatIfAny(path: string, given: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw ioError(given, 'a place to write to', cause);
  }
}
