/**
 * AbortSignals of the caller's as rejections with code 'aborted', at the moment they fire: also of work that
 * has no way to stop, or that waits for something that never comes. A signal may be anything that has
 * `addEventListener`, and may lie: it is refused with 'bad_argument' where it throws, heard once, and
 * never able to throw into the event loop. However many calls share one, it has one listener.
 */

import { ArcfaceError } from '../errors.ts';
import { guarded } from '../guard.ts';

type Listener = () => void;

/** Who wants to hear of each signal that somebody listens to. */
const listening = new WeakMap<
  AbortSignal,
  { readonly all: Set<Listener>; readonly hear: Listener }
>();

/**
 * Calls `listener` when `signal` fires, at once if it has; never twice. Returns what ends that. `what` is
 * the call, for messages.
 */
export function onAbort(
  signal: AbortSignal | undefined,
  what: string,
  listener: Listener,
): Listener {
  if (!signal) return () => undefined;
  if (hasFired(signal, what)) {
    listener();
    return () => undefined;
  }
  const others = listening.get(signal)?.all;
  const all = others?.add(listener) ?? listen(signal, what, listener);
  return () => {
    if (all.delete(listener) && all.size === 0) stopListening(signal);
  };
}

/** Throws ArcfaceError 'bad_argument' where the signal does when it is asked. */
export function hasFired(signal: AbortSignal, what: string): boolean {
  return guarded('bad_argument', nameOf(what), () => Boolean(signal.aborted));
}

/** What `start` resolves to, unless `signal` fires first. */
export function untilAborted<T>(
  signal: AbortSignal | undefined,
  what: string,
  start: () => Promise<T>,
): Promise<T> {
  if (!signal) return start();
  return new Promise((resolve, reject) => {
    let isOver = false;
    const release = onAbort(signal, what, () => {
      isOver = true;
      reject(abortedError(what, signal));
    });
    // A signal that has fired: nothing is started.
    if (isOver) return;
    const started = new Promise<T>((settle) => settle(start()));
    started.then(resolve, reject).finally(release);
  });
}

export function abortedError(what: string, signal: AbortSignal): ArcfaceError {
  return new ArcfaceError('aborted', `${what}: aborted`, { cause: reasonIn(signal) });
}

function reasonIn(signal: AbortSignal): unknown {
  try {
    return signal.reason;
  } catch {
    return undefined;
  }
}

function nameOf(what: string): string {
  return `${what}: options.signal`;
}

/** Those who will be told, `first` among them: the signal may fire while it is being listened to. */
function listen(signal: AbortSignal, what: string, first: Listener): Set<Listener> {
  const all = new Set([first]);
  const hear = (): void => {
    const told = [...all];
    all.clear();
    stopListening(signal);
    for (const listener of told) listener();
  };
  listening.set(signal, { all, hear });
  try {
    guarded('bad_argument', nameOf(what), () => ignore(signal.addEventListener('abort', hear)));
  } catch (error) {
    listening.delete(signal);
    throw error;
  }
  return all;
}

function stopListening(signal: AbortSignal): void {
  const hear = listening.get(signal)?.hear;
  listening.delete(signal);
  try {
    if (hear) ignore(signal.removeEventListener('abort', hear));
  } catch {
    // It goes on telling somebody who no longer listens.
  }
}

/** A promise that nobody expects may reject. */
function ignore(returned: unknown): void {
  if (Object(returned) !== returned) return;
  new Promise((resolve) => resolve(returned)).catch(() => undefined);
}
