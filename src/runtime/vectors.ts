/**
 * Whether the engine makes 256-bit instructions of pairs of 128-bit ones (docs/adr/0010). It is asked for where
 * a runtime can be asked, and then measured, since an engine may take the flag and do nothing. Receives what the
 * caller wants and the compiled kernels; returns what is in use, with the reason where that is less.
 */

import { nextTask } from './next-task.ts';
import type { Platform } from './platform.ts';

export type VectorBits = 128 | 256;

export interface ChosenVectors {
  readonly bits: VectorBits;
  /** Why 128 where 256 was asked for, or undefined. */
  readonly reason: string | undefined;
}

/** Before the kernels are compiled: returns why the engine cannot be asked, or undefined. */
export function askForPairs(wanted: VectorBits, platform: Platform): string | undefined {
  return wanted === 256 ? platform.pairVectors?.() : undefined;
}

/** `refused`: what `askForPairs` returned. The engine may pair all the same, if it was started so. */
export async function chooseVectors(
  wanted: VectorBits,
  refused: string | undefined,
  compiling: Promise<{ readonly module: WebAssembly.Module }>,
  shared: boolean,
): Promise<ChosenVectors> {
  if (wanted === 128) return { bits: 128, reason: undefined };
  const { module } = await compiling;
  if (await pairs(module, shared)) return { bits: 256, reason: undefined };
  const why = refused ?? 'the engine does not pair vectors, as was measured';
  return { bits: 128, reason: `128-bit vectors instead of 256: ${why}` };
}

/** Steps and calls of one sample, about 20 microseconds. */
const STEPS = 64;
const CALLS = 100;
const SOURCE = 4096;
const TARGET = 16384;
/** Paired, the probe takes 0.5 to 0.75 of the time of its twin. */
const GAIN = 1.2;
/** Until then the engine has optimised the probe, or never will. */
const PATIENCE_MS = 60;

type Probe = (steps: number, from: number, to: number) => void;

/** The least time of a probe that can be paired against its twin that cannot, while the engine optimises both. */
async function pairs(module: WebAssembly.Module, shared: boolean): Promise<boolean> {
  const memory = new WebAssembly.Memory(
    shared ? { initial: 1, maximum: 1, shared } : { initial: 1 },
  );
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const { probe_paired: paired, probe_single: single } = exports as Record<string, Probe>;
  if (!paired || !single) return false;
  const end = performance.now() + PATIENCE_MS;
  let [best, twin] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  while (performance.now() < end) {
    for (let i = 0; i < 8; i++) {
      best = Math.min(best, sample(paired));
      twin = Math.min(twin, sample(single));
    }
    // Before both are optimised they may be told apart by whichever came first.
    if (twin / best > GAIN && (await isLasting(paired, single))) return true;
    await nextTask();
  }
  return false;
}

/** Whether the gain is there sample by sample, and not of a moment. */
async function isLasting(paired: Probe, single: Probe): Promise<boolean> {
  let wins = 0;
  for (let i = 0; i < 16; i++) {
    const [own, twin] = [sample(paired), sample(single)];
    if (twin > own * GAIN) wins += 1;
    if (i === 7) await nextTask();
  }
  return wins >= 12;
}

function sample(probe: Probe): number {
  const start = performance.now();
  for (let i = 0; i < CALLS; i++) probe(STEPS, SOURCE, TARGET);
  return performance.now() - start;
}
