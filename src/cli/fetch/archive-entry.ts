/** What the readers of both archive forms share. */

import { ArcfaceError } from '../../errors.ts';

/** Chooses where an entry goes: a path to write to, or null to skip it. May throw. */
export type Choose = (entryPath: string) => string | null;

/** The archive at `path` is not what was `expected` (which ends in what was got). */
export function wrongArchive(path: string, expected: string, cause?: unknown): ArcfaceError {
  return new ArcfaceError('integrity', `${path}: expected ${expected}`, { cause });
}
