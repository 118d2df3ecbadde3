/**
 * Turns one operator with its chosen kernel into schedule steps. Receives where every tensor lies; refuses
 * nothing (shapes were validated before).
 */

import type { NetworkOp } from '../graph/network.ts';
import { convolutionSteps, fullyConnectedSteps } from './direct-steps.ts';
import { KERNELS } from './kernels.ts';
import type { Step } from './plan.ts';
import { pointwiseSteps } from './pointwise-steps.ts';
import type { Choice } from './select.ts';
import type { OpSteps, Site } from './site.ts';
import { winogradSteps } from './winograd-steps.ts';

export interface Steps {
  readonly steps: readonly Step[];
  /** Scratch that these steps need at once, all threads together. */
  readonly scratchBytes: number;
}

export function stepsOf(op: NetworkOp, choice: Choice, site: Site): Steps {
  const { calls, scratchBytes } = callsOf(op, choice, site);
  const steps = calls.map(({ kernel, args }) => {
    return { name: op.name, op: op.op, kernel, fields: KERNELS[kernel].fields, args };
  });
  return { steps, scratchBytes };
}

function callsOf(op: NetworkOp, { winograd }: Choice, site: Site): OpSteps {
  if (op.op === 'conv')
    return winograd ? winogradSteps(op, winograd, site) : convolutionSteps(op, site);
  return op.op === 'fc' ? fullyConnectedSteps(op, site) : pointwiseSteps(op, site);
}
