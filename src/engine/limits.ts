/**
 * What a network may ask for before anybody says that it is trusted: a file of a few kilobytes can state one
 * that runs for minutes or fills memory. Receives a network or its plan; refuses with 'bad_weights' and names
 * the option that lifts the limit.
 */

import type { Plan } from '../compile/plan.ts';
import { workOf } from '../compile/work.ts';
import { ArcfaceError } from '../errors.ts';
import type { Shape } from '../graph/graph.ts';
import type { Network } from '../graph/network.ts';

export interface WorkLimits {
  /** Multiply-adds for one face; what is none counts as so many as take its time. */
  readonly macs: number;
  /** Bytes of activations and scratch memory for one face, all threads together. */
  readonly bytes: number;
}

/** iresnet200, the largest network that is published, asks for 26e9, and for 11 MB on one thread. */
export const DEFAULT_LIMITS: WorkLimits = { macs: 150e9, bytes: 256 * 2 ** 20 };

export const NO_LIMITS: WorkLimits = {
  macs: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
};

export function refuseLongWork(
  network: Network,
  shapes: ReadonlyMap<string, Shape>,
  { macs }: WorkLimits,
): void {
  const got = workOf(network, shapes);
  // Not `got > macs`, which nothing would be if a sum were no number.
  if (got <= macs) return;
  throw tooMuch('macs', `${thousands(macs / 1e9)} GMAC of work`, `${thousands(got / 1e9)} GMAC`);
}

export function refuseMuchMemory(plan: Plan, { bytes }: WorkLimits): void {
  const got = plan.arenaBytes + plan.scratchBytes;
  if (got <= bytes) return;
  throw tooMuch('bytes', `${thousands(bytes / 1e6)} MB of memory`, `${thousands(got / 1e6)} MB`);
}

function tooMuch(option: keyof WorkLimits, expected: string, got: string): ArcfaceError {
  return new ArcfaceError(
    'bad_weights',
    `network: expected at most ${expected} for a face, got ${got}; ` +
      `whoever trusts the file gives limits: { ${option}: Infinity } (command line: --no-limits)`,
  );
}

function thousands(value: number): string {
  return Math.ceil(value).toLocaleString('en-US');
}
