/** Messages between the pool and its workers. One plan in every worker (SPMD), no work queue. */

import type { KernelName } from '../compile/kernels.ts';
import { instantiate, type KernelExports, profileSchedule, runSchedule, type Team } from './run.ts';

export type ToWorker =
  | {
      readonly type: 'start';
      readonly module: WebAssembly.Module;
      readonly memory: WebAssembly.Memory;
      readonly team: Team;
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
  let started: { exports: KernelExports; team: Team };
  return (message) => {
    if (message.type === 'start') {
      const { module, memory, team } = message;
      started = { exports: instantiate(module, memory), team };
      post({ type: 'ready' });
      return;
    }
    const { exports, team } = started;
    const execute = message.profile ? profileSchedule : runSchedule;
    const times = execute(exports, message, team) ?? undefined;
    if (team.thread === 0) post({ type: 'done', id: message.id, times });
  };
}
