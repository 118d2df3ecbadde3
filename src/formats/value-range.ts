/**
 * Which range of pixel values a normalisation (x - mean) / std is made for: 0..255, 0..1 or -1..1.
 * Receives the numbers of all channels, returns undefined where they fit none or not the same one.
 * The tables hold every spelling that is known; a range is named only by numbers that no other has.
 */

import { NOTHING, type Normalization, type PerChannel, uniform } from '../graph/preprocessing.ts';

/** Pixels as they are, divided by 255, or moved to both sides of 0. */
export type ValueRange = 'bytes' | 'unit' | 'symmetric';

/** What makes such values of raw ones. */
export const TO_RANGE: Readonly<Record<ValueRange, Normalization>> = {
  bytes: NOTHING,
  unit: { mean: uniform(0), std: uniform(255) },
  symmetric: { mean: uniform(127.5), std: uniform(127.5) },
};

export const RANGE_NAMES: Readonly<Record<ValueRange, string>> = {
  bytes: '0..255',
  unit: '0..1',
  symmetric: '-1..1',
};

interface Rule {
  readonly range: ValueRange;
  /** Bounds of mean and of deviation, both included. */
  readonly mean: readonly [number, number];
  readonly std: readonly [number, number];
}

const ANY = [0, Number.POSITIVE_INFINITY] as const;
const ZERO = [-1e-6, 1e-6] as const;
const around = (value: number, tolerance = 0.01): readonly [number, number] => [
  value - Math.abs(value) * tolerance,
  value + Math.abs(value) * tolerance,
];

/** Constants that a graph starts with, or a file states; the first rule that all channels keep. */
const CONSTANTS: readonly Rule[] = [
  // x / 255, x / 128, (x - 127.5) / 128, (x - 123.675) / 58.395: nothing else is divided by so much.
  { range: 'bytes', mean: [-1, 255], std: [32, 1024] },
  // x - 127.5, x - 103.94.
  { range: 'bytes', mean: [10, 255], std: ANY },
  // (x - 0.5) / 0.5, (x - 0.485) / 0.229, x - 0.5, (255 x - 127.5) / 128.
  { range: 'unit', mean: [0.25, 0.9], std: ANY },
  // 255 x: what follows wants bytes.
  { range: 'unit', mean: ZERO, std: around(1 / 255) },
  // (x + 1) / 2 and 127.5 x + 127.5: what follows wants 0..1 or bytes.
  { range: 'symmetric', mean: around(-1), std: ANY },
  // ((x + 1) / 2 - 0.485) / 0.229 = (x + 0.03) / 0.458; a batch norm of -1..1 that was folded to these numbers.
  { range: 'symmetric', mean: [-0.6, 0.24], std: [0.3, 0.9] },
];

/** What a first batch norm remembers of its input, which were faces: mean and deviation of their pixels. */
const STATISTICS: readonly Rule[] = [
  { range: 'bytes', mean: [60, 180], std: [30, 100] },
  { range: 'unit', mean: [0.25, 0.75], std: [0.1, 0.35] },
  { range: 'symmetric', mean: [-0.5, 0.4], std: [0.36, 0.8] },
];

/** Of constants: what they are made for. */
export function rangeOfConstants(values: Normalization): ValueRange | undefined {
  return firstRule(CONSTANTS, values);
}

/** Of what a batch norm remembers. */
export function rangeOfStatistics(values: Normalization): ValueRange | undefined {
  return firstRule(STATISTICS, values);
}

function firstRule(rules: readonly Rule[], { mean, std }: Normalization): ValueRange | undefined {
  const within = (values: PerChannel, [low, high]: readonly [number, number]): boolean =>
    values.every((value) => value >= low && value <= high);
  return rules.find(
    (rule) =>
      within(mean, rule.mean) && within(std.map(Math.abs) as unknown as PerChannel, rule.std),
  )?.range;
}
