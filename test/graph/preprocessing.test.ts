import { describe, expect, it } from 'vitest';
import {
  compact,
  formulaOf,
  isNothing,
  NOTHING,
  type PerChannel,
  uniform,
} from '../../src/graph/preprocessing.ts';

describe('the formula of a normalisation', () => {
  it.each<[number | PerChannel, number | PerChannel, string]>([
    [127.5, 128, '(x - 127.5) / 128'],
    [127.5, 1, 'x - 127.5'],
    [0, 255, 'x / 255'],
    [0, 1, 'x'],
    [-1, 2, '(x + 1) / 2'],
    [-1, 1, 'x + 1'],
    [[104, 117, 123], 1, 'x - [104, 117, 123]'],
    [[-1, 0, 1], [1, 2, 1], '(x - [-1, 0, 1]) / [1, 2, 1]'],
  ])('of mean %s and deviation %s', (mean, std, text) => {
    const channels = (values: number | PerChannel): PerChannel =>
      typeof values === 'number' ? uniform(values) : values;
    expect(formulaOf({ mean: channels(mean), std: channels(std) })).toBe(text);
  });
});

it('three equal numbers are written as one', () => {
  expect(compact([2, 2, 2])).toBe(2);
  expect(compact([2, 2, 3])).toEqual([2, 2, 3]);
});

it('nothing is a mean of 0 and a deviation of 1', () => {
  expect(isNothing(NOTHING)).toBe(true);
  expect(isNothing({ mean: [0, 0, 1], std: uniform(1) })).toBe(false);
  expect(isNothing({ mean: uniform(0), std: [1, 1, 2] })).toBe(false);
});
