/**
 * One process at a time works on a model in a folder: the others wait, and then find it done. The lock is
 * a file beside the model that names its process; one whose process is gone, or that was not touched for a
 * minute, counts no longer.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { lstat, readFile, rename, rm, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ioError } from '../files.ts';
import { removeWhenInterrupted } from '../leftovers.ts';
import { ownFileSize } from './own-file.ts';

const TOUCH_MS = 5_000;
const STALE_MS = 60_000;
const WAIT_MS = 200;
const MAX_BYTES = 1024;

/** Runs `work` while no other process does under the same `path`. `onWait` is told once if that takes. */
export async function withLock<T>(
  path: string,
  onWait: (text: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const { text, release } = await acquire(path, onWait);
  const touch = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, TOUCH_MS);
  touch.unref();
  try {
    return await work();
  } finally {
    clearInterval(touch);
    // Whoever slept for a minute has lost it.
    const isOwn = (await readFile(path, 'utf8').catch(() => undefined)) === text;
    if (isOwn) await rm(path, { force: true });
    release();
  }
}

interface Lock {
  readonly text: string;
  release(): void;
}

async function acquire(path: string, onWait: (text: string) => void): Promise<Lock> {
  const name = randomBytes(6).toString('hex');
  const text = JSON.stringify({ pid: process.pid, host: hostname(), name });
  for (let waits = 0; ; waits++) {
    if (create(path, text)) return { text, release: removeWhenInterrupted(path) };
    const holder = await holderOf(path);
    if (holder !== undefined && isStale(holder)) await takeAway(path, holder.text);
    else if (holder !== undefined) {
      if (waits === 0) onWait(`another process${named(holder)} is at it; waiting until it is done`);
      await sleep(WAIT_MS);
    }
  }
}

function create(path: string, text: string): boolean {
  try {
    const file = openSync(path, 'wx');
    writeSync(file, text);
    closeSync(file);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw ioError(path, 'to write the file', cause);
  }
}

interface Holder {
  readonly text: string;
  readonly pid: number | undefined;
  readonly host: string | undefined;
  readonly touchedMs: number;
}

/** undefined if it is gone meanwhile. */
async function holderOf(path: string): Promise<Holder | undefined> {
  const size = await ownFileSize(path);
  try {
    const { mtimeMs } = await lstat(path);
    const text = size > MAX_BYTES ? '' : await readFile(path, 'utf8');
    return { text, ...processOf(text), touchedMs: mtimeMs };
  } catch {
    return undefined;
  }
}

function processOf(text: string): Pick<Holder, 'pid' | 'host'> {
  try {
    const { pid, host } = JSON.parse(text) as Record<string, unknown>;
    return {
      pid: Number.isSafeInteger(pid) && (pid as number) > 0 ? (pid as number) : undefined,
      host: typeof host === 'string' ? host : undefined,
    };
  } catch {
    return { pid: undefined, host: undefined };
  }
}

function named({ pid, host }: Holder): string {
  if (pid === undefined) return '';
  return host === hostname() ? ` (${pid})` : ` (${pid} on ${host})`;
}

function isStale({ pid, host, touchedMs }: Holder): boolean {
  if (Date.now() - touchedMs > STALE_MS) return true;
  if (pid === undefined || host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Of several that find it stale one takes it: what another has put there meanwhile is put back. */
async function takeAway(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) === text) await rm(aside, { force: true });
    else await rename(aside, path);
  } catch {
    // Somebody else was first.
  }
}
