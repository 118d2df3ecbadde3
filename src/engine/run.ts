/**
 * The run: one loop over the schedule. The same loop serves the only thread (`ALONE`) and
 * each of N workers, which meet at a barrier after every step.
 */

import type { KernelName } from '../compile/kernels.ts';

export type StepKernel = (args: number, thread: number, threads: number) => void;

export interface KernelExports extends Record<KernelName, StepKernel> {
  barrier(threads: number, spins: number): void;
  f32_count_nonfinite(address: number, count: number): number;
  f16_count_nonfinite(address: number, count: number): number;
  f32_count_unscalable(address: number, count: number): number;
}

export interface Schedule {
  readonly kernels: readonly KernelName[];
  readonly argsAddresses: readonly number[];
}

/** One thread of a run, as every kernel and the barrier see it. */
export interface Team {
  readonly thread: number;
  readonly threads: number;
  /** Looks at the barrier before a thread goes to sleep. */
  readonly spins: number;
}

export const ALONE: Team = { thread: 0, threads: 1, spins: 0 };

/**
 * Threads of one core each wait awake, up to about a millisecond: a layer takes less, and waking a
 * sleeper costs more than the layers' imbalance (measured: 2 threads gain 1.9x awake, 1.4x asleep).
 * Where threads outnumber cores the waiting one must give its core away.
 */
export function spinsFor(threads: number, cores: number): number {
  return threads <= cores ? 400_000 : 1000;
}

/** Instantiates the kernels on a memory. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as KernelExports;
}

export function runSchedule(
  exports: KernelExports,
  schedule: Schedule,
  { thread, threads, spins }: Team,
): void {
  const { kernels, argsAddresses } = schedule;
  for (let i = 0; i < kernels.length; i++) {
    exports[kernels[i] as KernelName](argsAddresses[i] as number, thread, threads);
    if (threads > 1) exports.barrier(threads, spins);
  }
}

/** As `runSchedule`; returns the milliseconds of each step. */
export function profileSchedule(exports: KernelExports, schedule: Schedule, team: Team): number[] {
  return schedule.kernels.map((kernel, i) => {
    const start = performance.now();
    const step = { kernels: [kernel], argsAddresses: [schedule.argsAddresses[i] as number] };
    runSchedule(exports, step, team);
    return performance.now() - start;
  });
}
