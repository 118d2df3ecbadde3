/**
 * Are the crops' red and blue exchanged? Receives the cosines of a sample of pairs, once as the pictures
 * were given and once with R and B exchanged, and says which way separates same from different pairs
 * better, and whether the difference is more than chance.
 *
 * Statistic: d' = (mean cosine of same pairs - mean of different pairs) / sqrt((variance of same +
 * variance of different) / 2), with population variances. A network fed in its own order has the
 * larger d'. The difference of the two d' is judged against its jackknife standard error over the pairs
 * (every pair left out once; both orders see the same pairs, so what they share cancels). An order is
 * named only if it leads by 3 standard errors and by 3 % of the smaller d'; otherwise 'undecided'.
 */

export interface OrderSample {
  readonly same: boolean;
  /** Cosine with the pictures as given. */
  readonly asGiven: number;
  /** Cosine with R and B exchanged. */
  readonly swapped: number;
}

export interface ChannelOrderCheck {
  readonly verdict: 'as-given' | 'swapped' | 'undecided';
  readonly pairs: number;
  /** d' of both ways; null when the sample has fewer than MIN_PAIRS same or different pairs. */
  readonly separation: { readonly asGiven: number; readonly swapped: number } | null;
  /** Jackknife standard error of the difference of the two. */
  readonly standardError: number | null;
  /** One sentence for people; says what to do when the crops look swapped. */
  readonly reason: string;
}

const MIN_PAIRS = 12;
const STANDARD_ERRORS = 3;
const RELATIVE_LEAD = 0.03;

export function checkChannelOrder(sample: readonly OrderSample[]): ChannelOrderCheck {
  const same = sample.filter((pair) => pair.same).length;
  const different = sample.length - same;
  if (Math.min(same, different) < MIN_PAIRS) {
    return {
      verdict: 'undecided',
      pairs: sample.length,
      separation: null,
      standardError: null,
      reason: `needs at least ${MIN_PAIRS} same and ${MIN_PAIRS} different pairs, got ${same} and ${different}`,
    };
  }
  const asGiven = separations(sample, (pair) => pair.asGiven);
  const swapped = separations(sample, (pair) => pair.swapped);
  const lead = swapped.all - asGiven.all;
  const standardError = jackknife(
    swapped.leftOut.map((value, i) => value - (asGiven.leftOut[i] as number)),
  );
  const margin = Math.max(
    STANDARD_ERRORS * standardError,
    RELATIVE_LEAD * Math.max(0, Math.min(asGiven.all, swapped.all)),
  );
  const verdict = lead > margin ? 'swapped' : lead < -margin ? 'as-given' : 'undecided';
  const separation = { asGiven: asGiven.all, swapped: swapped.all };
  return { verdict, pairs: sample.length, separation, standardError, reason: REASONS[verdict] };
}

const REASONS: Readonly<Record<ChannelOrderCheck['verdict'], string>> = {
  'as-given': 'the pictures separate better in the order they are given in',
  swapped:
    'the pictures separate clearly better with R and B exchanged: the crops, or the weights, look BGR where RGB is expected; try --bgr, or convert with the other --input',
  undecided: 'neither order separates clearly better',
};

interface Moments {
  count: number;
  sum: number;
  squares: number;
}

/** d' over all pairs, and with each pair left out. */
function separations(
  sample: readonly OrderSample[],
  cosine: (pair: OrderSample) => number,
): { all: number; leftOut: number[] } {
  const same = moments(sample.filter((pair) => pair.same).map(cosine));
  const different = moments(sample.filter((pair) => !pair.same).map(cosine));
  const leftOut = sample.map((pair) => {
    const value = cosine(pair);
    return pair.same
      ? sensitivity(remove(same, value), different)
      : sensitivity(same, remove(different, value));
  });
  return { all: sensitivity(same, different), leftOut };
}

function sensitivity(same: Moments, different: Moments): number {
  const spread = Math.sqrt((variance(same) + variance(different)) / 2);
  // Without any spread (constant embeddings) nothing is separated.
  return spread > 0 ? (same.sum / same.count - different.sum / different.count) / spread : 0;
}

function moments(values: readonly number[]): Moments {
  return {
    count: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    squares: values.reduce((sum, value) => sum + value * value, 0),
  };
}

const remove = ({ count, sum, squares }: Moments, value: number): Moments => ({
  count: count - 1,
  sum: sum - value,
  squares: squares - value * value,
});

const variance = ({ count, sum, squares }: Moments): number =>
  Math.max(0, squares / count - (sum / count) ** 2);

function jackknife(leftOut: readonly number[]): number {
  const n = leftOut.length;
  const center = leftOut.reduce((sum, value) => sum + value, 0) / n;
  const squares = leftOut.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return Math.sqrt((squares * (n - 1)) / n);
}

/**
 * Pairs for the check: up to `perKind` same and as many different ones, evenly spread over the data
 * set, as ascending pair numbers.
 */
export function sampleForOrder(same: readonly boolean[], perKind: number): number[] {
  const spread = (kind: boolean): number[] => {
    const pairs = same.flatMap((value, i) => (value === kind ? [i] : []));
    const count = Math.min(perKind, pairs.length);
    return Array.from(
      { length: count },
      (_, k) => pairs[Math.floor((k * pairs.length) / count)] as number,
    );
  };
  return [...spread(true), ...spread(false)].sort((a, b) => a - b);
}
