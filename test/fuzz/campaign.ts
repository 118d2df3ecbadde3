/** Cases of one subject, one after the other, and what came of them. */

import type { Finding, Subject } from './subject.ts';

export interface Tally {
  inputs: number;
  /** How many ended 'valid' or with which code. */
  readonly outcomes: Record<string, number>;
  slowestMs: number;
  /** Bytes of the largest single allocation. */
  largest: number;
  /** One of each kind and place, and how many more there were. */
  readonly findings: Finding[];
  repeated: number;
}

export interface Cases {
  readonly seed: number;
  readonly from: number;
  /** Distance of the cases; workers share the numbers. Default 1. */
  readonly step?: number;
  /** Whichever comes first. */
  readonly count?: number;
  readonly ms?: number;
}

export function newTally(): Tally {
  return { inputs: 0, outcomes: {}, slowestMs: 0, largest: 0, findings: [], repeated: 0 };
}

/** `onStart` hears of each case before it runs. Returns the tally; the next case is `from + inputs * step`. */
export async function runCases(
  subject: Subject,
  { seed, from, step = 1, count = Number.POSITIVE_INFINITY, ms = Number.POSITIVE_INFINITY }: Cases,
  onStart: (index: number) => void = () => {},
): Promise<Tally> {
  const tally = newTally();
  const known = new Set<string>();
  const end = performance.now() + ms;
  for (let index = from; tally.inputs < count && performance.now() < end; index += step) {
    onStart(index);
    const verdict = await subject.run(seed, index);
    addTo(tally, {
      ...newTally(),
      ...verdict,
      inputs: 1,
      outcomes: { [verdict.outcome]: 1 },
      slowestMs: verdict.ms,
    });
    if (verdict.fault === undefined) continue;
    const kind = kindOf(verdict);
    if (known.has(kind)) tally.repeated++;
    else tally.findings.push(await subject.explain(seed, index, verdict));
    known.add(kind);
  }
  return tally;
}

export function addTo(sum: Tally, more: Tally): void {
  sum.inputs += more.inputs;
  for (const [outcome, count] of Object.entries(more.outcomes)) {
    sum.outcomes[outcome] = (sum.outcomes[outcome] ?? 0) + count;
  }
  sum.slowestMs = Math.max(sum.slowestMs, more.slowestMs);
  sum.largest = Math.max(sum.largest, more.largest);
  sum.repeated += more.repeated;
  const known = new Set(sum.findings.map(kindOf));
  for (const finding of more.findings) {
    if (known.has(kindOf(finding))) sum.repeated++;
    else sum.findings.push(finding);
  }
}

/** Fault and words without their numbers. */
function kindOf({ fault, detail = '' }: { fault?: string; detail?: string }): string {
  return `${fault} ${detail.replace(/-?\d[\d.e+-]*|NaN/g, '#')}`;
}
