/**
 * The threads of a step, one after the other in a random order. In plain memory each does its part. In shared
 * memory whoever comes first would do everything: so parts are locked but for some, and who comes does those,
 * its own or others', or none. What threads that run at the same time can come to is a mix of this.
 */

import type { BoundPlan } from '../../../src/engine/bind.ts';
import type { Random } from '../../support/graphs.ts';
import type { KernelBinary } from '../../support/kernel-memory.ts';
import { below } from '../mutate/choose.ts';

/** `TAKEN` of assembly/thread/share.ts. */
const TAKEN_WORD = 384 / 4;
/** More than any step has items. */
const ALL_TAKEN = 2 ** 30;

export function runSteps(
  binary: KernelBinary,
  bound: BoundPlan,
  name: string,
  threads: number,
  random: Random,
): void {
  for (const [i, step] of bound.plan.steps.entries()) {
    if (step.name !== name) continue;
    const kernel = binary.exports[step.kernel] as (...args: number[]) => void;
    const args = bound.argsAddresses[i] as number;
    const isShared = binary.memory.buffer instanceof SharedArrayBuffer;
    if (isShared) runInPhases(binary, (thread) => kernel(args, thread, threads), threads, random);
    else for (const thread of shuffled(threads, random)) kernel(args, thread, threads);
  }
}

/** Every thread comes once; before it, some parts are opened that no thread before it had. */
function runInPhases(
  { memory }: KernelBinary,
  run: (thread: number) => void,
  threads: number,
  random: Random,
): void {
  const taken = new Int32Array(memory.buffer, TAKEN_WORD * 4, threads);
  const parts = shuffled(threads, random);
  for (const [i, thread] of shuffled(threads, random).entries()) {
    const isLast = i === threads - 1;
    const opened = parts.splice(0, isLast ? parts.length : below(random, parts.length + 1));
    taken.fill(ALL_TAKEN);
    for (const part of opened) taken[part] = 0;
    run(thread);
  }
  taken.fill(0);
}

function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = below(random, i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
