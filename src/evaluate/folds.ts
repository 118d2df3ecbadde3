/**
 * How pairs are divided for cross-validation. Receives the number of pairs, returns consecutive blocks
 * that tile them; each block is held out once. Refuses fewer than two pairs: no threshold could be
 * chosen on other pairs than the ones it is tried on.
 *
 * LFW has 10 sets of 600 pairs; scikit-learn's KFold without shuffling gives the same blocks. A part of
 * LFW keeps its sets: a multiple of 600 up to 6,000 has blocks of 600. Every other number is divided as
 * InsightFace does it, into 10 blocks whose first ones are one longer (fewer blocks below 10 pairs).
 */

import { ArcfaceError } from '../errors.ts';

/** Pairs `start` (included) to `end` (excluded) are held out. */
export interface Fold {
  readonly start: number;
  readonly end: number;
}

const SET_PAIRS = 600;
const FOLDS = 10;

export function splitFolds(pairs: number): Fold[] {
  if (!Number.isInteger(pairs) || pairs < 2) {
    throw new ArcfaceError(
      'bad_dataset',
      `evaluate: expected at least 2 pairs, got ${pairs}; a threshold is chosen on some and tried on others`,
    );
  }
  const sets = pairs / SET_PAIRS;
  const isPartOfLfw = Number.isInteger(sets) && sets >= 2 && sets <= FOLDS;
  const count = isPartOfLfw ? sets : Math.min(FOLDS, pairs);
  const size = Math.floor(pairs / count);
  const longer = pairs % count;
  return Array.from({ length: count }, (_, k) => ({
    start: k * size + Math.min(k, longer),
    end: (k + 1) * size + Math.min(k + 1, longer),
  }));
}
