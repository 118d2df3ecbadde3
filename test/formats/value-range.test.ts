/** Which pixel values known normalisations are made for. */

import { describe, expect, it } from 'vitest';
import { rangeOfConstants, rangeOfStatistics } from '../../src/formats/value-range.ts';
import { type PerChannel, uniform } from '../../src/graph/preprocessing.ts';

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const times = (values: PerChannel, factor: number): PerChannel =>
  values.map((value) => value * factor) as unknown as PerChannel;
const backwards = ([a, b, c]: PerChannel): PerChannel => [c, b, a];

type Values = number | PerChannel;
const channels = (values: Values): PerChannel =>
  typeof values === 'number' ? uniform(values) : values;
const constants = (mean: Values, std: Values): string | undefined =>
  rangeOfConstants({ mean: channels(mean), std: channels(std) });
const statistics = (mean: Values, std: Values): string | undefined =>
  rangeOfStatistics({ mean: channels(mean), std: channels(std) });

describe('constants', () => {
  it.each<[Values, Values]>([
    [127.5, 127.5],
    [127.5, 128],
    [127, 128],
    [128, 128],
    [127.5, 1],
    [0, 255],
    [0, 256],
    [0, 128],
    [0, 127.5],
    [times(IMAGENET.mean, 255), times(IMAGENET.std, 255)],
    [backwards(times(IMAGENET.mean, 255)), backwards(times(IMAGENET.std, 255))],
    [times(IMAGENET.mean, 255), 1],
    [0, times(IMAGENET.std, 255)],
    [[103.94, 116.78, 123.68], 58.8],
    // VGGFace2, and a deviation that turns the sign.
    [[91.4953, 103.8827, 131.0912], 1],
    [127.5, -127.5],
  ])('(x - %s) / %s wants 0..255', (mean, std) => {
    expect(constants(mean, std)).toBe('bytes');
  });

  it.each<[Values, Values]>([
    [0.5, 0.5],
    [0.5, 1],
    [IMAGENET.mean, IMAGENET.std],
    [backwards(IMAGENET.mean), backwards(IMAGENET.std)],
    [IMAGENET.mean, 1],
    [0.5, 128 / 255],
    [0, 1 / 255],
  ])('(x - %s) / %s wants 0..1', (mean, std) => {
    expect(constants(mean, std)).toBe('unit');
  });

  it.each<[Values, Values]>([
    [-1, 2],
    [-1, 1 / 127.5],
    [-1, 1],
    [
      [0.03, -0.15, -0.25],
      [0.55, 0.52, 0.53],
    ],
    [IMAGENET.mean.map((m) => 2 * m - 1) as unknown as PerChannel, times(IMAGENET.std, 2)],
  ])('(x - %s) / %s wants -1..1', (mean, std) => {
    expect(constants(mean, std)).toBe('symmetric');
  });

  it.each<[Values, Values]>([
    [0, 1],
    [0, 2],
    [0, 1 / 128],
    [300, 1],
    [Number.NaN, Number.POSITIVE_INFINITY],
    // One channel that says otherwise.
    [
      [127.5, 127.5, 0.5],
      [127.5, 127.5, 0.5],
    ],
  ])('(x - %s) / %s says nothing', (mean, std) => {
    expect(constants(mean, std)).toBeUndefined();
  });
});

describe('what a batch norm has seen', () => {
  it.each<[string | undefined, Values, Values]>([
    ['bytes', [131, 108, 96], [70, 66, 67]],
    ['unit', [0.52, 0.42, 0.37], [0.27, 0.26, 0.26]],
    ['symmetric', [0.03, -0.15, -0.25], [0.55, 0.52, 0.53]],
    ['symmetric', [0.35, 0.3, 0.2], [0.5, 0.5, 0.5]],
    // Normalised by ImageNet's values, or by a mean alone: no faces of these three ranges.
    [undefined, [0.2, -0.1, -0.2], [1.2, 1.1, 1.1]],
    [undefined, [-20, -25, -30], [65, 66, 64]],
    [undefined, 0, 1],
  ])('is %s for means %s and deviations %s', (range, mean, std) => {
    expect(statistics(mean, std)).toBe(range);
  });
});
