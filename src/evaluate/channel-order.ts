/**
 * Are the crops' red and blue exchanged? Receives the cosines of a sample of pairs, once as the pictures
 * were given and once with R and B exchanged, and says which way separates same from different pairs
 * better, and whether the difference is more than chance.
 *
 * Statistic: the contrast, mean cosine of same pairs minus mean cosine of different pairs. A network
 * fed in its own order has the larger one: exchanged colours lower the cosines of same pairs, or lift
 * those of all pairs. Both ways see the same pairs, so each pair's change (swapped minus given) is taken
 * first and what the pictures have in common cancels; the change of the contrast then has the standard
 * error sqrt(var(changes of same) / n + var(changes of different) / m). An order is named only if it
 * leads by 4 standard errors and by 2 % of the smaller contrast; otherwise the check is 'undecided'.
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
  /** Contrast of both ways; null when the sample has fewer than MIN_PAIRS same or different pairs. */
  readonly contrast: { readonly asGiven: number; readonly swapped: number } | null;
  /** Standard error of the difference of the two. */
  readonly standardError: number | null;
  /** One sentence for people; says what to do when the crops look swapped. */
  readonly reason: string;
}

const MIN_PAIRS = 16;
const STANDARD_ERRORS = 4;
const RELATIVE_LEAD = 0.02;

export function checkChannelOrder(sample: readonly OrderSample[]): ChannelOrderCheck {
  const same = sample.filter((pair) => pair.same);
  const different = sample.filter((pair) => !pair.same);
  if (Math.min(same.length, different.length) < MIN_PAIRS) {
    return {
      verdict: 'undecided',
      pairs: sample.length,
      contrast: null,
      standardError: null,
      reason: `needs at least ${MIN_PAIRS} same and ${MIN_PAIRS} different pairs, got ${same.length} and ${different.length}`,
    };
  }
  const contrastOf = (cosine: (pair: OrderSample) => number): number =>
    mean(same.map(cosine)) - mean(different.map(cosine));
  const contrast = {
    asGiven: contrastOf((pair) => pair.asGiven),
    swapped: contrastOf((pair) => pair.swapped),
  };
  const change = (pair: OrderSample): number => pair.swapped - pair.asGiven;
  const standardError = Math.hypot(
    errorOfMean(same.map(change)),
    errorOfMean(different.map(change)),
  );
  const verdict = judge(contrast.swapped - contrast.asGiven, standardError, contrast);
  return { verdict, pairs: sample.length, contrast, standardError, reason: REASONS[verdict] };
}

function judge(
  lead: number,
  standardError: number,
  contrast: { readonly asGiven: number; readonly swapped: number },
): ChannelOrderCheck['verdict'] {
  const smaller = Math.max(0, Math.min(contrast.asGiven, contrast.swapped));
  const margin = Math.max(STANDARD_ERRORS * standardError, RELATIVE_LEAD * smaller);
  if (Math.abs(lead) <= margin) return 'undecided';
  return lead > 0 ? 'swapped' : 'as-given';
}

const REASONS: Readonly<Record<ChannelOrderCheck['verdict'], string>> = {
  'as-given': 'the pictures separate better in the order they are given in',
  swapped:
    'the pictures separate clearly better with R and B exchanged: the crops, or the weights, look BGR where RGB is expected; try --bgr, or convert with the other --trained-on',
  undecided: 'neither order separates clearly better',
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Standard error of the mean, from the sample variance. */
function errorOfMean(values: readonly number[]): number {
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
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
