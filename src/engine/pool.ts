/**
 * N workers over one shared memory. They start on first use, sleep in their event loop when idle,
 * and end with `dispose`. When a worker dies, the run in progress fails with 'worker_died'; the pool
 * ends the others, which may wait at a barrier, and starts anew with the next run.
 */

import { ArcfaceError } from '../errors.ts';
import type { Platform, WorkerHandle } from '../runtime/platform.ts';
import type { BoundPlan } from './bind.ts';
import type { Executor } from './executor.ts';
import { spinsFor } from './run.ts';
import type { FromWorker, ToWorker } from './worker-protocol.ts';

/** Bytes from and up to, without, of the words that `assembly/thread` uses. */
export const THREAD_WORDS = [256, 640] as const;

interface PendingRun {
  readonly id: number;
  resolve(times: number[] | undefined): void;
  reject(error: Error): void;
}

export function createPool(
  platform: Platform,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  threads: number,
): Executor {
  let workers: Promise<WorkerHandle[]> | undefined;
  let alive: WorkerHandle[] = [];
  let ending: Promise<unknown> = Promise.resolve();
  let pending: PendingRun | undefined;
  let closed = false;
  let lastId = 0;

  const fail = (error: ArcfaceError): void => {
    ending = Promise.allSettled([ending, ...alive.map((worker) => worker.terminate())]);
    alive = [];
    workers = undefined;
    pending?.reject(error);
    pending = undefined;
  };

  const onEnd = (worker: WorkerHandle, cause: Error | undefined): void => {
    if (!alive.includes(worker)) return;
    const why = cause ? `: ${cause.message}` : '';
    fail(
      new ArcfaceError(
        'worker_died',
        `threads: a worker ended${why}; the next call starts new workers`,
        { cause },
      ),
    );
  };

  const onDone = (id: number, times: number[] | undefined): void => {
    if (id !== pending?.id) return;
    pending.resolve(times);
    pending = undefined;
  };

  const startOne = async (thread: number, spins: number): Promise<WorkerHandle> => {
    if (!platform.spawnWorker) throw new Error('no workers here');
    const worker = await platform.spawnWorker();
    alive.push(worker);
    if (closed) throw closedError();
    const team = { thread, threads, spins };
    const message: ToWorker = { type: 'start', module, memory, team };
    return new Promise((resolve, reject) => {
      worker.onMessage((received) => {
        const answer = received as FromWorker;
        if (answer.type === 'done') onDone(answer.id, answer.times);
        else {
          worker.ref(false);
          resolve(worker);
        }
      });
      worker.onEnd((cause) => {
        reject(startError(cause));
        onEnd(worker, cause);
      });
      worker.ref(true);
      worker.post(message);
    });
  };

  const start = async (): Promise<WorkerHandle[]> => {
    // Workers that were told to end may still be writing: nothing starts before they are gone.
    await ending;
    new Uint8Array(memory.buffer).fill(0, ...THREAD_WORDS);
    const spins = spinsFor(threads, platform.cores());
    const starting = Array.from({ length: threads }, (_, thread) => startOne(thread, spins));
    const results = await Promise.allSettled(starting);
    const failed = results.find((result) => result.status === 'rejected');
    if (closed || failed || alive.length < threads) {
      const error = closed ? closedError() : startError(failed?.reason);
      fail(error);
      throw error;
    }
    return results.map((result) => (result as PromiseFulfilledResult<WorkerHandle>).value);
  };

  return {
    threads,
    // The calling thread is free during a run: its end is a task of the event loop already.
    ready: async () => {},
    run: async (plan, profile) => {
      workers ??= start();
      const running = await workers;
      if (closed) throw closedError();
      const id = ++lastId;
      const message = runMessage(plan, id, profile);
      return new Promise((resolve, reject) => {
        const settle = (): void => running[0]?.ref(false);
        pending = {
          id,
          resolve: (times) => {
            settle();
            resolve(times);
          },
          reject: (error) => {
            settle();
            reject(error);
          },
        };
        running[0]?.ref(true);
        for (const worker of running) worker.post(message);
      });
    },
    dispose: async () => {
      const starting = workers;
      closed = true;
      fail(closedError());
      // Those that start meanwhile are ended as soon as they are there.
      await Promise.allSettled([starting]);
      await ending;
    },
  };
}

function closedError(): ArcfaceError {
  return new ArcfaceError('closed', 'model: disposed; load it again to go on');
}

function startError(cause: unknown): ArcfaceError {
  if (cause instanceof ArcfaceError) return cause;
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new ArcfaceError(
    'worker_died',
    `threads: a worker could not start${why}; the next call tries again`,
    { cause },
  );
}

function runMessage(plan: BoundPlan, id: number, profile: boolean): ToWorker {
  return {
    type: 'run',
    id,
    profile,
    kernels: plan.kernels,
    argsAddresses: plan.argsAddresses,
  };
}
