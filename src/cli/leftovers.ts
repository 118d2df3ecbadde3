/**
 * Files that are only there while something is written. They are removed when a signal ends the process,
 * which then ends by that signal, as it would have without this; and when it exits in some other way.
 * While there are none, no signal is listened to.
 */

import { rmSync } from 'node:fs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const present = new Set<string>();

/** `path` goes with the process from now on, until the returned function is called. */
export function removeWhenInterrupted(path: string): () => void {
  if (present.size === 0) listen();
  present.add(path);
  return () => {
    if (present.delete(path) && present.size === 0) unlisten();
  };
}

function listen(): void {
  for (const signal of SIGNALS) process.on(signal, end);
  process.on('exit', removeAll);
}

function unlisten(): void {
  for (const signal of SIGNALS) process.off(signal, end);
  process.off('exit', removeAll);
}

function end(signal: NodeJS.Signals): void {
  removeAll();
  unlisten();
  process.kill(process.pid, signal);
}

function removeAll(): void {
  for (const path of present) rmSync(path, { force: true });
}
