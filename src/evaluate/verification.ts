/**
 * The LFW protocol. Receives pairs with their distances, returns the accuracy that k-fold
 * cross-validation gives, fold by fold, and VAL at FAR 1e-3.
 *
 * Source: deepinsight/insightface src/eval/verification.py (after facenet). For each fold the threshold
 * with the best accuracy on the other folds is taken (the first one of equals) and tried on the fold;
 * mean and population deviation of the folds' accuracies are reported.
 *
 * VAL@FAR: on the other folds, FAR is the share of different pairs accepted at each threshold of the
 * finer grid. FAR is a staircase, and the interpolation of degree 1 that InsightFace takes from scipy
 * ('slinear') uses the last threshold whose FAR is not above the target and the next one. If FAR never
 * reaches the target, the threshold is 0. VAL and FAR are then measured on the fold.
 */

import type { ScoredPair } from './distances.ts';
import { type Division, dividePairs } from './folds.ts';
import { type Separation, separate } from './separation.ts';
import {
  ACCURACY_GRID,
  type Accepted,
  accuracyAt,
  countAccepted,
  mostAccurate,
  VAL_GRID,
  without,
} from './thresholds.ts';

export interface FoldResult {
  readonly pairs: number;
  /** Chosen on the other folds; squared distance. */
  readonly threshold: number;
  readonly accuracy: number;
  /** Share of same pairs accepted at `valThreshold`; null if the fold has none. */
  readonly val: number | null;
  /** Share of different pairs accepted at `valThreshold`; null if the fold has none. */
  readonly far: number | null;
  readonly valThreshold: number;
}

export interface Verification {
  readonly pairs: number;
  /** Mean of the folds' accuracies, 0..1. */
  readonly accuracy: number;
  /** Population standard deviation of the folds' accuracies. */
  readonly std: number;
  /** Mean VAL over the folds; null if it is not defined for one of them, and `valReason` says why. */
  readonly val: number | null;
  readonly valReason: string | null;
  readonly valStd: number | null;
  /** Mean FAR measured on the folds. */
  readonly far: number | null;
  readonly farTarget: number;
  /**
   * The threshold to recommend: of all the most accurate ones over all pairs, the middle. Null for one kind.
   */
  readonly threshold: Separation | null;
  readonly folds: readonly FoldResult[];
  /** In the order of the list a fold had one kind of pairs alone: they were dealt out. */
  readonly isDealt: boolean;
}

export const FAR_TARGET = 1e-3;

export function verify(
  pairs: readonly ScoredPair[],
  { order, folds, isDealt }: Division = dividePairs(pairs.map((pair) => pair.same)),
  farTarget: number = FAR_TARGET,
): Verification {
  const arranged = order.map((i) => pairs[i] as ScoredPair);
  const coarse = countAccepted(pairs, ACCURACY_GRID);
  const fine = countAccepted(pairs, VAL_GRID);
  const results = folds.map((fold) => {
    const heldOut = arranged.slice(fold.start, fold.end);
    return { ...tryFold(heldOut, coarse), ...valAtFar(heldOut, fine, farTarget) };
  });
  const accuracies = results.map((fold) => fold.accuracy);
  const vals = complete(results.map((fold) => fold.val));
  const fars = complete(results.map((fold) => fold.far));
  return {
    pairs: pairs.length,
    accuracy: mean(accuracies),
    std: populationDeviation(accuracies),
    val: vals && mean(vals),
    valReason: vals ? null : whyNoVal(pairs, results),
    valStd: vals && populationDeviation(vals),
    far: fars && mean(fars),
    farTarget,
    threshold: separate(pairs),
    folds: results,
    isDealt,
  };
}

function whyNoVal(pairs: readonly ScoredPair[], folds: readonly FoldResult[]): string {
  const same = pairs.filter((pair) => pair.same).length;
  if (same === 0 || same === pairs.length) return 'the pairs are all of one kind';
  // A fold's FAR is known wherever it has different pairs, and others have some, too.
  if (folds.some((fold) => fold.val === null && fold.far !== null)) {
    return `a fold has no same pair: there are ${same} for ${folds.length} folds`;
  }
  return `a fold has all ${pairs.length - same} different pairs: none is left to choose its threshold on`;
}

function tryFold(
  heldOut: readonly ScoredPair[],
  all: Accepted,
): Pick<FoldResult, 'pairs' | 'threshold' | 'accuracy'> {
  const own = countAccepted(heldOut, ACCURACY_GRID);
  const best = mostAccurate(without(all, own));
  return {
    pairs: heldOut.length,
    threshold: best * ACCURACY_GRID.step,
    accuracy: accuracyAt(own, best),
  };
}

function valAtFar(
  heldOut: readonly ScoredPair[],
  all: Accepted,
  farTarget: number,
): Pick<FoldResult, 'val' | 'far' | 'valThreshold'> {
  const training = without(all, countAccepted(heldOut, VAL_GRID));
  if (training.differentTotal === 0) return { val: null, far: null, valThreshold: 0 };
  const valThreshold = thresholdAtFar(training, farTarget);
  const same = heldOut.filter((pair) => pair.same);
  const different = heldOut.filter((pair) => !pair.same);
  return {
    val: shareBelow(same, valThreshold),
    far: shareBelow(different, valThreshold),
    valThreshold,
  };
}

function thresholdAtFar({ different, differentTotal }: Accepted, target: number): number {
  const far = (i: number): number => (different[i] as number) / differentTotal;
  const last = different.length - 1;
  if (far(last) < target) return 0;
  let i = last;
  while (i > 0 && far(i) > target) i -= 1;
  if (i === last) return last * VAL_GRID.step;
  const part = (target - far(i)) / (far(i + 1) - far(i));
  return (i + part) * VAL_GRID.step;
}

function shareBelow(pairs: readonly ScoredPair[], threshold: number): number | null {
  if (pairs.length === 0) return null;
  return pairs.filter((pair) => pair.distance < threshold).length / pairs.length;
}

function complete(values: readonly (number | null)[]): number[] | null {
  const known = values.filter((value) => value !== null);
  return known.length === values.length ? known : null;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function populationDeviation(values: readonly number[]): number {
  const center = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - center) ** 2)));
}
