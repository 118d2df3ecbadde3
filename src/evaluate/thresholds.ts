/**
 * Counts of accepted pairs for a whole grid of thresholds at once. A pair is accepted when its distance
 * is below the threshold, strictly; threshold i is `i * step`, as numpy's arange(0, 4, step) makes it.
 */

import type { ScoredPair } from './distances.ts';

export interface Grid {
  readonly step: number;
  readonly count: number;
}

/** 0, 0.01 ... 3.99. */
export const ACCURACY_GRID: Grid = { step: 0.01, count: 400 };
/** 0, 0.001 ... 3.999. */
export const VAL_GRID: Grid = { step: 0.001, count: 4000 };

/** Entry i: pairs accepted at threshold i. */
export interface Accepted {
  readonly same: Int32Array;
  readonly different: Int32Array;
  readonly sameTotal: number;
  readonly differentTotal: number;
}

export function countAccepted(pairs: readonly ScoredPair[], grid: Grid): Accepted {
  const same = new Int32Array(grid.count);
  const different = new Int32Array(grid.count);
  let sameTotal = 0;
  for (const pair of pairs) {
    if (pair.same) sameTotal += 1;
    const first = firstAccepting(pair.distance, grid);
    const counts = pair.same ? same : different;
    if (first < grid.count) counts[first] = (counts[first] as number) + 1;
  }
  accumulate(same);
  accumulate(different);
  return { same, different, sameTotal, differentTotal: pairs.length - sameTotal };
}

/** What is left of `all` without `part`: the training folds. */
export function without(all: Accepted, part: Accepted): Accepted {
  return {
    same: all.same.map((count, i) => count - (part.same[i] as number)),
    different: all.different.map((count, i) => count - (part.different[i] as number)),
    sameTotal: all.sameTotal - part.sameTotal,
    differentTotal: all.differentTotal - part.differentTotal,
  };
}

/** Index of the first threshold with most correct decisions. */
export function mostAccurate(accepted: Accepted): number {
  let best = 0;
  for (let i = 1; i < accepted.same.length; i++) {
    if (correctAt(accepted, i) > correctAt(accepted, best)) best = i;
  }
  return best;
}

/** Share of correct decisions at threshold i. */
export function accuracyAt(accepted: Accepted, i: number): number {
  return correctAt(accepted, i) / (accepted.sameTotal + accepted.differentTotal);
}

function correctAt(accepted: Accepted, i: number): number {
  const rejected = accepted.differentTotal - (accepted.different[i] as number);
  return (accepted.same[i] as number) + rejected;
}

/** Smallest i with distance < i * step. The quotient may be off by one, the comparison decides. */
function firstAccepting(distance: number, { step }: Grid): number {
  let i = Math.max(0, Math.floor(distance / step) - 1);
  while (!(distance < i * step)) i += 1;
  return i;
}

function accumulate(counts: Int32Array): void {
  for (let i = 1; i < counts.length; i++) {
    counts[i] = (counts[i] as number) + (counts[i - 1] as number);
  }
}
