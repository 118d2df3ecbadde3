/** The forms of input that face networks are trained on, in both channel orders. */

import { formulaOf, type Normalization, reversed, uniform } from '../../graph/preprocessing.ts';
import type { InputForm } from './predict.ts';

export interface Candidate extends InputForm {
  /** What people call it, without the channel order. */
  readonly name: string;
}

/** ImageNet's as torchvision states them, times 255. */
const IMAGENET: Normalization = {
  mean: [123.675, 116.28, 103.53],
  std: [58.395, 57.12, 57.375],
};

/** In the order RGB. */
const FORMS: readonly (readonly [name: string, form: Normalization])[] = [
  ['0..255', { mean: uniform(0), std: uniform(1) }],
  ['0..1', { mean: uniform(0), std: uniform(255) }],
  ['-1..1', { mean: uniform(127.5), std: uniform(127.5) }],
  ['-127.5..127.5', { mean: uniform(127.5), std: uniform(1) }],
  ["ImageNet's mean and deviation", IMAGENET],
  ['-1..1 normalised twice', { mean: uniform(127.5 * 128.5), std: uniform(127.5 ** 2) }],
];

/** The known forms, and `assumed` under its formula where it is none of them. */
export function candidatesWith(assumed: InputForm): Candidate[] {
  const known = FORMS.flatMap(([name, { mean, std }]): Candidate[] => [
    { name, mean, std, order: 'rgb' },
    { name, mean: reversed(mean), std: reversed(std), order: 'bgr' },
  ]);
  if (known.some((one) => isSameForm(one, assumed))) return known;
  return [...known, { ...assumed, name: formulaOf(assumed) }];
}

/** Of a channel of faces, in 0..255. */
const DEVIATION = 60;
const SAME = 0.02;

/** 127 and 127.5, 127.5 and 128, 255 and 256: faces do not tell them apart, and need not. */
export function isSameForm(a: InputForm, b: InputForm): boolean {
  return a.order === b.order && hasSameValues(a, b);
}

/** As `isSameForm`, whatever the channel order. */
export function hasSameValues(a: InputForm, b: InputForm): boolean {
  const turned = a.order !== b.order;
  const [mean, std] = turned ? [reversed(b.mean), reversed(b.std)] : [b.mean, b.std];
  return [0, 1, 2].every((c) => {
    const shift = ((a.mean[c] as number) - (mean[c] as number)) / DEVIATION;
    const ratio = (a.std[c] as number) / (std[c] as number);
    return Math.abs(shift) <= SAME && Math.abs(ratio - 1) <= SAME;
  });
}
