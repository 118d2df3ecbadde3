/**
 * An AbortSignal as a rejection with code 'aborted', at the moment it fires: also of work that has
 * no way to stop, or that waits for something that never comes.
 */

import { ArcfaceError } from '../errors.ts';

/** What `start` resolves to, unless `signal` fires first. `what` is the call, for the message. */
export function untilAborted<T>(
  signal: AbortSignal | undefined,
  what: string,
  start: () => Promise<T>,
): Promise<T> {
  if (!signal) return start();
  if (signal.aborted) return Promise.reject(abortedError(what, signal));
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortedError(what, signal));
    signal.addEventListener('abort', onAbort, { once: true });
    start()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}

export function abortedError(what: string, signal: AbortSignal): ArcfaceError {
  return new ArcfaceError('aborted', `${what}: aborted`, { cause: signal.reason });
}
