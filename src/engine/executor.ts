/** Who executes a schedule: the calling thread, or a pool of workers. */

import type { Arrival } from './arrival.ts';
import type { BoundPlan } from './bind.ts';
import { ALONE, type KernelExports, profileSchedule, runSchedule } from './run.ts';
import { takeTurn } from './turns.ts';

/** Weights that are not all there yet. */
export interface Arriving {
  readonly arrival: Arrival;
  /** By operator, how many of their bytes it needs. */
  readonly needed: ReadonlyMap<string, number>;
}

export interface Executor {
  readonly threads: number;
  /** Resolves when a run may start; who waited for it starts one at once. */
  ready(): Promise<void>;
  /** Resolves when every step is done; with `profile`, to the milliseconds of each step. */
  run(plan: BoundPlan, profile: boolean): Promise<number[] | undefined>;
  /** The same while weights still arrive; absent where all must be there. */
  runArriving?(plan: BoundPlan, weights: Arriving): Promise<void>;
  /** Resolves when nobody but the caller holds the memory any more. */
  dispose(): Promise<void>;
}

/** Runs on the calling thread, which is busy until the run ends. */
export function createInlineExecutor(exports: KernelExports): Executor {
  return {
    threads: 1,
    ready: takeTurn,
    run: async (plan, profile) => {
      if (profile) return profileSchedule(exports, plan, ALONE);
      runSchedule(exports, plan, ALONE);
      return undefined;
    },
    runArriving: async (plan, { arrival, needed }) => {
      for (const [i, kernel] of plan.kernels.entries()) {
        const bytes = needed.get(plan.plan.steps[i]?.name as string) ?? 0;
        await arrival.turn();
        await arrival.upTo(bytes);
        const address = plan.argsAddresses[i] as number;
        runSchedule(exports, { kernels: [kernel], argsAddresses: [address] }, ALONE);
      }
      await arrival.all();
    },
    dispose: async () => {},
  };
}
