/**
 * The threshold to recommend. Receives scored pairs, returns the middle of the range of distances that
 * decides most of them rightly, and the range; null when all pairs are of one kind, which any threshold
 * beyond them decides.
 *
 * Accuracy changes only at the distances of pairs, so all thresholds between two of them are equally good.
 * The protocol's grid takes the first of these, which hugs the last same pair: right for comparing with
 * published accuracies, and the worst of them for faces to come. Where several ranges are equally good, the
 * widest counts.
 */

import { cosineOf, type ScoredPair } from './distances.ts';

/** A threshold as squared distance and as cosine, in the middle of `from` to `to` (cosines, ascending). */
export interface Separation {
  readonly distance: number;
  readonly cosine: number;
  readonly range: { readonly from: number; readonly to: number };
  /** Share of the pairs that it decides rightly. */
  readonly accuracy: number;
}

const LARGEST_DISTANCE = 4;

export function separate(pairs: readonly ScoredPair[]): Separation | null {
  const differentTotal = pairs.filter((pair) => !pair.same).length;
  if (differentTotal === 0 || differentTotal === pairs.length) return null;
  const sorted = [...pairs].sort((a, b) => a.distance - b.distance);
  let best = { correct: -1, from: 0, to: 0 };
  // Thresholds above `from` and up to `to` accept the first `accepted` pairs.
  let correct = differentTotal;
  for (let accepted = 0; accepted <= sorted.length; accepted++) {
    if (accepted > 0) correct += (sorted[accepted - 1] as ScoredPair).same ? 1 : -1;
    const from = sorted[accepted - 1]?.distance ?? 0;
    const to = sorted[accepted]?.distance ?? LARGEST_DISTANCE;
    const isWider = to - from > best.to - best.from;
    if (to > from && (correct > best.correct || (correct === best.correct && isWider))) {
      best = { correct, from, to };
    }
  }
  const distance = (best.from + best.to) / 2;
  return {
    distance,
    cosine: cosineOf(distance),
    range: { from: cosineOf(best.to), to: cosineOf(best.from) },
    accuracy: best.correct / pairs.length,
  };
}
