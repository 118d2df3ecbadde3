/**
 * How pairs are divided for cross-validation. Receives which pairs are of one person, in order, returns
 * consecutive blocks that tile them; each block is held out once. Refuses fewer than two pairs: no threshold could be
 * chosen on other pairs than the ones it is tried on.
 *
 * InsightFace takes 10 blocks, the first ones one longer where they are unequal: KFold of scikit-learn
 * without shuffling (fewer blocks below 10 pairs). LFW has 10 sets of 600 pairs, 300 of one person and
 * then 300 of two. A list of 2 to 10 such sets keeps them as blocks; a sample of it, whatever its
 * length, is divided by 10 like any other list.
 */

import { ArcfaceError } from '../errors.ts';

/** Pairs `start` (included) to `end` (excluded) are held out. */
export interface Fold {
  readonly start: number;
  readonly end: number;
}

const SET_PAIRS = 600;
const FOLDS = 10;

export function splitFolds(same: readonly boolean[]): Fold[] {
  const pairs = same.length;
  if (pairs < 2) {
    throw new ArcfaceError(
      'bad_dataset',
      `evaluate: expected at least 2 pairs, got ${pairs}; a threshold is chosen on some and tried on others`,
    );
  }
  const count = isListOfSets(same) ? pairs / SET_PAIRS : Math.min(FOLDS, pairs);
  const size = Math.floor(pairs / count);
  const longer = pairs % count;
  return Array.from({ length: count }, (_, k) => ({
    start: k * size + Math.min(k, longer),
    end: (k + 1) * size + Math.min(k + 1, longer),
  }));
}

function isListOfSets(same: readonly boolean[]): boolean {
  const sets = same.length / SET_PAIRS;
  if (!Number.isInteger(sets) || sets < 2 || sets > FOLDS) return false;
  return same.every((isSame, i) => isSame === i % SET_PAIRS < SET_PAIRS / 2);
}
