/**
 * What the report draws: the ROC curve over every threshold that matters, the area under it, the equal
 * error rate, and histograms of the cosines. Receives scored pairs; a curve needs pairs of both kinds
 * and is null without them.
 */

import { cosineOf, type ScoredPair } from './distances.ts';

export interface RocPoint {
  /** False accept rate: share of different pairs accepted. */
  readonly far: number;
  /** True accept rate: share of same pairs accepted. */
  readonly tar: number;
  /** The cosine from which on pairs are accepted here; 1 or more at the origin. */
  readonly cosine: number;
}

export interface Roc {
  /** From (0, 0) to (1, 1), one per distinct distance. */
  readonly points: readonly RocPoint[];
  /** Chance that a same pair scores above a different one, ties counted half. */
  readonly auc: number;
  /** Rate at which false accepts and false rejects are equal, on the piecewise linear curve. */
  readonly eer: number;
}

export interface Histogram {
  /** Cosine at the left edge of bin 0 and the width of a bin. */
  readonly from: number;
  readonly width: number;
  readonly same: readonly number[];
  readonly different: readonly number[];
}

export function rocCurve(pairs: readonly ScoredPair[]): Roc | null {
  const sameTotal = pairs.filter((pair) => pair.same).length;
  const differentTotal = pairs.length - sameTotal;
  if (sameTotal === 0 || differentTotal === 0) return null;
  const sorted = [...pairs].sort((a, b) => a.distance - b.distance);
  const points: RocPoint[] = [{ far: 0, tar: 0, cosine: 1 }];
  let same = 0;
  for (let i = 0; i < sorted.length; i++) {
    const pair = sorted[i] as ScoredPair;
    if (pair.same) same += 1;
    if (sorted[i + 1]?.distance === pair.distance) continue;
    points.push({
      far: (i + 1 - same) / differentTotal,
      tar: same / sameTotal,
      cosine: cosineOf(pair.distance),
    });
  }
  return { points, auc: areaUnder(points), eer: equalErrorRate(points) };
}

function areaUnder(points: readonly RocPoint[]): number {
  let area = 0;
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1] as RocPoint, points[i] as RocPoint];
    area += ((b.far - a.far) * (a.tar + b.tar)) / 2;
  }
  return area;
}

/** Where the curve meets tar = 1 - far: far + tar grows from 0 to 2 along it. */
function equalErrorRate(points: readonly RocPoint[]): number {
  const index = points.findIndex((point) => point.far + point.tar >= 1);
  const [a, b] = [points[index - 1] as RocPoint, points[index] as RocPoint];
  const part = (1 - a.far - a.tar) / (b.far + b.tar - a.far - a.tar);
  return a.far + part * (b.far - a.far);
}

/** Counts of cosines from -1 to 1. */
export function scoreHistogram(pairs: readonly ScoredPair[], bins = 80): Histogram {
  const width = 2 / bins;
  const same = new Array<number>(bins).fill(0);
  const different = new Array<number>(bins).fill(0);
  for (const pair of pairs) {
    const bin = Math.floor((cosineOf(pair.distance) + 1) / width);
    const counts = pair.same ? same : different;
    const at = Math.min(bins - 1, Math.max(0, bin));
    counts[at] = (counts[at] as number) + 1;
  }
  return { from: -1, width, same, different };
}
