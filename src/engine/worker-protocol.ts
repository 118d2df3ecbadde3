/** Messages between the pool and its workers. One plan in every worker (SPMD), no work queue. */

import type { KernelName } from '../compile/plan.ts';
import { instantiate, profileSchedule, runSchedule } from './run.ts';

export type ToWorker =
  | {
      readonly type: 'start';
      readonly module: WebAssembly.Module;
      readonly memory: WebAssembly.Memory;
      readonly thread: number;
      readonly threads: number;
    }
  | {
      readonly type: 'run';
      readonly id: number;
      readonly profile: boolean;
      readonly kernels: readonly KernelName[];
      readonly argsAddresses: readonly number[];
    };

export type FromWorker =
  | { readonly type: 'ready' }
  /** Sent by thread 0 after the last barrier, so every thread is done. */
  | { readonly type: 'done'; readonly id: number; readonly times: number[] | undefined };

/** The worker's program: returns the listener for messages from the pool. */
export function createWorkerProgram(post: (message: FromWorker) => void): (m: ToWorker) => void {
  let started: { exports: ReturnType<typeof instantiate>; thread: number; threads: number };
  return (message) => {
    if (message.type === 'start') {
      const { module, memory, thread, threads } = message;
      started = { exports: instantiate(module, memory), thread, threads };
      post({ type: 'ready' });
      return;
    }
    const { exports, thread, threads } = started;
    const execute = message.profile ? profileSchedule : runSchedule;
    const times = execute(exports, message, thread, threads) ?? undefined;
    if (thread === 0) post({ type: 'done', id: message.id, times });
  };
}
