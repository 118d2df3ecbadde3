/** Who executes a schedule: the calling thread, or a pool of workers. */

import type { BoundPlan } from './bind.ts';
import { ALONE, type KernelExports, profileSchedule, runSchedule } from './run.ts';

export interface Executor {
  readonly threads: number;
  /** Resolves when every step is done; with `profile`, to the milliseconds of each step. */
  run(plan: BoundPlan, profile: boolean): Promise<number[] | undefined>;
  dispose(): void;
}

/** Runs on the calling thread, which is busy until the run ends. */
export function createInlineExecutor(exports: KernelExports): Executor {
  return {
    threads: 1,
    run: async (plan, profile) => {
      if (profile) return profileSchedule(exports, plan, ALONE);
      runSchedule(exports, plan, ALONE);
      return undefined;
    },
    dispose: () => {},
  };
}
