/**
 * Gives a plan its addresses: argument blocks, scratch and arena follow each other from `workBase`.
 * Receives a plan, returns the words to write and the calls to make; touches no memory.
 */

import { type ArgValue, FLOAT_FIELDS } from '../compile/args.ts';
import type { KernelName } from '../compile/kernels.ts';
import type { Plan } from '../compile/plan.ts';
import { alignUp, WEIGHTS_BASE } from './memory.ts';

export interface BoundPlan {
  readonly plan: Plan;
  /** One kernel and one argument block per step, in order. */
  readonly kernels: readonly KernelName[];
  readonly argsAddresses: readonly number[];
  /** Content of all argument blocks, to be written at `argsBase`. */
  readonly argWords: Int32Array;
  readonly argsBase: number;
  readonly inputAddress: number;
  readonly outputAddress: number;
  /** Memory must be at least this long. */
  readonly endAddress: number;
}

export function bindPlan(plan: Plan, workBase: number): BoundPlan {
  const wordCount = plan.steps.reduce((sum, step) => sum + step.fields.length, 0);
  const scratch = alignUp(workBase + wordCount * 4);
  const arena = alignUp(scratch + plan.scratchBytes);
  const bases = { weights: WEIGHTS_BASE, scratch, arena };
  const words = new Int32Array(wordCount);
  const floats = new Float32Array(words.buffer);
  const argsAddresses: number[] = [];
  let at = 0;
  for (const step of plan.steps) {
    argsAddresses.push(workBase + at * 4);
    for (const field of step.fields) {
      const value = step.args[field] as ArgValue;
      if (typeof value !== 'number') words[at] = bases[value.region] + value.offset;
      else if (FLOAT_FIELDS.has(field)) floats[at] = value;
      else words[at] = value;
      at++;
    }
  }
  return {
    plan,
    kernels: plan.steps.map((step) => step.kernel),
    argsAddresses,
    argWords: words,
    argsBase: workBase,
    inputAddress: arena + plan.inputOffset,
    outputAddress: arena + plan.outputOffset,
    endAddress: arena + plan.arenaBytes,
  };
}
