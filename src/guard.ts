/**
 * Runs what may be code of the caller's: getters, proxies, iterators, signals. Whatever it throws arrives as an
 * ArcfaceError that says where; what is one already passes.
 */

import { reasonOf } from './describe.ts';
import { ArcfaceError, type ErrorCode, isArcfaceError } from './errors.ts';

/** What `read` returns. `where` names what is read, for the message. */
export function guarded<T>(code: ErrorCode, where: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw asArcfaceError(code, where, cause);
  }
}

/** The same for what comes later. */
export async function guardedAsync<T>(
  code: ErrorCode,
  where: string,
  read: () => T | Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw asArcfaceError(code, where, cause);
  }
}

function asArcfaceError(code: ErrorCode, where: string, cause: unknown): ArcfaceError {
  if (isArcfaceError(cause)) return cause;
  return new ArcfaceError(code, `${where}: failed (${reasonOf(cause)})`, { cause });
}
