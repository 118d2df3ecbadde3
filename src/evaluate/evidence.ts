/**
 * How much an accuracy rests on. Receives which pictures form each pair, and who is on them where that is
 * known; counts what is distinct, and gives the interval in which the true accuracy lies.
 *
 * The interval is Wilson's (1927) for a share, at 95 %: unlike mean and deviation of folds it does not
 * shrink to nothing when all pairs of a small list are decided rightly. It counts distinct pairs: the same
 * pair again says nothing new. Pairs that share a picture or a person are not independent, so the truth is
 * wider still.
 */

export interface Evidence {
  readonly pairs: number;
  /** Unordered; the same two pictures count once. */
  readonly distinctPairs: number;
  readonly distinctPictures: number;
  /** Pairs of a picture with itself, whose distance is 0 whatever the network. */
  readonly selfPairs: number;
  /** Null where the data set does not name them. */
  readonly people: number | null;
}

export interface Interval {
  readonly from: number;
  readonly to: number;
  /** 0.95. */
  readonly level: number;
}

/**
 * `keys`: pictures 2i and 2i + 1 form pair i, equal keys mean the same picture; `people`: one per picture,
 * or null.
 */
export function countEvidence(keys: readonly string[], people: readonly string[] | null): Evidence {
  const ids = new Map<string, number>();
  for (const key of keys) if (!ids.has(key)) ids.set(key, ids.size);
  const pairs = keys.length / 2;
  const idsOf = (i: number): [number, number] => [
    ids.get(keys[2 * i] as string) as number,
    ids.get(keys[2 * i + 1] as string) as number,
  ];
  const distinct = new Set<string>();
  let selfPairs = 0;
  for (let i = 0; i < pairs; i++) {
    const [a, b] = idsOf(i);
    if (a === b) selfPairs += 1;
    distinct.add(`${Math.min(a, b)} ${Math.max(a, b)}`);
  }
  return {
    pairs,
    distinctPairs: distinct.size,
    distinctPictures: ids.size,
    selfPairs,
    people: people && new Set(people).size,
  };
}

/** Normal quantile of 97.5 %. */
const Z = 1.959963984540054;

/** Wilson's score interval of a share that was seen on `count` cases. */
export function wilsonInterval(share: number, count: number): Interval {
  const z2 = (Z * Z) / count;
  const middle = (share + z2 / 2) / (1 + z2);
  const half = (Z / (1 + z2)) * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count));
  return { from: Math.max(0, middle - half), to: Math.min(1, middle + half), level: 0.95 };
}

/** Wider than this to one side, the number is called small. */
const WIDE = 0.02;

/** Sentences for people; none where there is much evidence and nothing is repeated. */
export function evidenceNotes(evidence: Evidence, accuracy: number, interval: Interval): string[] {
  const { pairs, distinctPairs, distinctPictures, selfPairs, people } = evidence;
  const notes: string[] = [];
  if (distinctPairs < pairs) {
    notes.push(
      `${counted(pairs, 'pair')}, of which ${distinctPairs} distinct: a repeated pair says nothing new`,
    );
  }
  if (selfPairs > 0) {
    notes.push(
      `${counted(selfPairs, 'pair')} of a picture with itself, which any network decides rightly`,
    );
  }
  if (Math.max(accuracy - interval.from, interval.to - accuracy) > WIDE) {
    const of = people === null ? '' : ` of ${people === 1 ? '1 person' : `${people} people`}`;
    notes.push(
      `no more than ${counted(distinctPairs, 'distinct pair')} of ${counted(distinctPictures, 'picture')}${of}: ` +
        `the true accuracy lies between ${percent(interval.from)} and ${percent(interval.to)} (95 %), ` +
        'or wider, since pairs share pictures',
    );
  }
  return notes;
}

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
