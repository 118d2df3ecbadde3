/** Node (also Deno and Bun, which provide the same built-in modules). */

import { type BigIntStats, constants, readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { quoted, reasonOf } from '../describe.ts';
import { ArcfaceError } from '../errors.ts';
import { cpuQuota } from './cpu-quota.ts';
import { embeddedKernels } from './embedded.ts';
import type { ByteSource, Platform, WorkerHandle } from './platform.ts';

export const nodePlatform: Platform = {
  kernels: embeddedKernels,
  cores: () => Math.max(1, Math.floor(Math.min(availableParallelism(), cpuQuota(readText)))),
  threadsRefused: () =>
    typeof SharedArrayBuffer === 'undefined' ? 'SharedArrayBuffer is not available' : undefined,
  openFile,
  createHasher: async () => {
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256');
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('base64') };
  },
  spawnWorker,
  pairVectors,
};

/** The first V8 whose official builds pair vectors: Node 24. Older ones know the flag at most by name. */
const PAIRING_V8 = 13;

function pairVectors(): string | undefined {
  const { versions, arch } = process;
  if (!(Number.parseInt(versions.v8 ?? '', 10) >= PAIRING_V8)) {
    return `Node ${versions.node} cannot pair vectors; expected Node 24 or newer`;
  }
  if (arch !== 'x64') return `no pairs of vectors on ${arch}; expected x64`;
  setFlagsFromString('--experimental-wasm-revectorize');
  return undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Opening a named pipe would wait for whoever writes into it, perhaps for ever. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

async function openFile(path: string | URL): Promise<ByteSource> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, OPEN_FLAGS);
    const opened = await file.stat({ bigint: true });
    if (!opened.isFile()) throw new Error('not a file; give a stream of what it holds');
    return fileSource(file, opened);
  } catch (cause) {
    await file?.close();
    const message = `loadModel: ${quoted(String(path))} cannot be read (${reasonOf(cause)})`;
    throw new ArcfaceError('io', message, { cause });
  }
}

/**
 * Most of a read from the page cache is page faults of the memory that it fills, which the threads
 * of Node's pool take side by side: 260 MB in 65 ms with three reads in flight, 110 ms with one.
 */
const FILE_LANES = 3;

function fileSource(file: FileHandle, opened: BigIntStats): ByteSource {
  const size = Number(opened.size);
  return {
    size,
    total: size,
    kind: 'file',
    lanes: FILE_LANES,
    turn: () => setImmediate(),
    read: async (into, position) => (await file.read(into, 0, into.length, position)).bytesRead,
    close: () => file.close(),
    // A file that was renamed into this one's place is another: the one that is open stays as it was.
    hasChanged: async () => {
      const now = await file.stat({ bigint: true });
      return now.ino !== opened.ino || now.size !== opened.size || now.mtimeNs !== opened.mtimeNs;
    },
  };
}

/** The worker's program is a file beside this one, so that bundlers and policies can see it. */
async function spawnWorker(): Promise<WorkerHandle> {
  const { Worker } = await import('node:worker_threads');
  // The process's own flags (--input-type, loaders) are not for this file, and some would refuse it.
  const worker = new Worker(new URL('./worker.js', import.meta.url), { execArgv: [] });
  worker.unref();
  let failure: Error | undefined;
  worker.on('error', (error) => {
    failure = error;
  });
  let isEnding = false;
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (listener) => void worker.on('message', listener),
    // An error is always followed by the exit.
    onEnd: (listener) => void worker.once('exit', () => listener(failure)),
    ref: (alive) => {
      if (isEnding) return;
      if (alive) worker.ref();
      else worker.unref();
    },
    terminate: async () => {
      // Whoever waits for the end must not find the process gone first.
      isEnding = true;
      worker.ref();
      await worker.terminate();
    },
  };
}
