/**
 * How pairs are divided for cross-validation. Receives which pairs are of one person, in order, returns the
 * order in which they are taken and consecutive blocks that tile it; each block is held out once. Refuses
 * fewer than two pairs: no threshold could be chosen on other pairs than the ones it is tried on.
 *
 * InsightFace takes 10 blocks, the first ones one longer where they are unequal: KFold of scikit-learn
 * without shuffling (fewer blocks below 10 pairs). LFW has 10 sets of 600 pairs, 300 of one person and then
 * 300 of two. A list of 2 to 10 such sets keeps them as blocks; a sample of it, whatever its length, is
 * divided by 10 like any other list.
 *
 * A list that has all pairs of one person first gives blocks of one kind, on which nothing can be measured:
 * it is dealt out instead, so that each block has its share of both kinds. A list whose blocks have both
 * stays as it is.
 */

import { ArcfaceError } from '../errors.ts';

/** Pairs `start` (included) to `end` (excluded) of the order are held out. */
export interface Fold {
  readonly start: number;
  readonly end: number;
}

export interface Division {
  /** Pair numbers of the list, in the order of the folds. */
  readonly order: readonly number[];
  readonly folds: readonly Fold[];
  /** The order is not the list's. */
  readonly isDealt: boolean;
}

const SET_PAIRS = 600;
const FOLDS = 10;

export function dividePairs(same: readonly boolean[]): Division {
  const folds = splitFolds(same);
  const inOrder = { order: [...same.keys()], folds, isDealt: false };
  const kinds = [true, false].map((kind) => [...same.keys()].filter((i) => same[i] === kind));
  const hasEnough = kinds.every((pairs) => pairs.length >= folds.length);
  const hasBoth = ({ start, end }: Fold): boolean => new Set(same.slice(start, end)).size === 2;
  if (!hasEnough || folds.every(hasBoth)) return inOrder;
  const dealt = folds.map((_, k) => kinds.flatMap((pairs) => share(pairs, k, folds.length)));
  const endOf = (k: number): number => dealt.slice(0, k + 1).flat().length;
  return {
    order: dealt.flat(),
    folds: dealt.map((_, k) => ({ start: k === 0 ? 0 : endOf(k - 1), end: endOf(k) })),
    isDealt: true,
  };
}

/** Part `k` of `count` consecutive parts. */
function share(pairs: readonly number[], k: number, count: number): number[] {
  const at = (part: number): number => Math.floor((part * pairs.length) / count);
  return pairs.slice(at(k), at(k + 1));
}

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
