/**
 * The run: one loop over the schedule. The same loop serves the only thread (`thread` 0 of 1) and
 * each of N workers, which meet at a barrier after every step.
 */

import type { KernelName } from '../compile/plan.ts';

export type StepKernel = (args: number, thread: number, threads: number) => void;

export interface KernelExports extends Record<KernelName, StepKernel> {
  barrier(threads: number, spins: number): void;
  f32_count_nonfinite(address: number, count: number): number;
}

export interface Schedule {
  readonly kernels: readonly KernelName[];
  readonly argsAddresses: readonly number[];
}

/** Looks at the generation word before a thread goes to sleep: about 20 us, a short layer. */
const SPINS = 4000;

/** Instantiates the kernels on a memory. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as KernelExports;
}

export function runSchedule(
  exports: KernelExports,
  schedule: Schedule,
  thread: number,
  threads: number,
): void {
  const { kernels, argsAddresses } = schedule;
  for (let i = 0; i < kernels.length; i++) {
    exports[kernels[i] as KernelName](argsAddresses[i] as number, thread, threads);
    if (threads > 1) exports.barrier(threads, SPINS);
  }
}

/** As `runSchedule`; returns the milliseconds of each step. */
export function profileSchedule(
  exports: KernelExports,
  schedule: Schedule,
  thread: number,
  threads: number,
): number[] {
  return schedule.kernels.map((kernel, i) => {
    const start = performance.now();
    const step = { kernels: [kernel], argsAddresses: [schedule.argsAddresses[i] as number] };
    runSchedule(exports, step, thread, threads);
    return performance.now() - start;
  });
}
