/** Views against arrays: every change of a view against the same change of the array it stands for. */

import { describe, expect, it } from 'vitest';
import {
  channelsFirst,
  dimsOf,
  flatOrder,
  inputsReversed,
  isChannelsFirst,
  isRow,
  pairing,
  permuted,
  redimensioned,
  type View,
  variesAlong,
  viewOf,
  withRank,
} from '../../src/formats/axes.ts';

const PICTURE = viewOf([4, 2, 3]);
const LAST = viewOf([4, 2, 3], ['h', 'w', 'c']);
const PIXEL = viewOf([4, 1, 1]);
const VECTOR = viewOf([4]);

describe('views', () => {
  it('have the dimensions of the file', () => {
    expect([PICTURE, LAST, PIXEL, VECTOR].map(dimsOf)).toEqual([
      [1, 4, 2, 3],
      [1, 2, 3, 4],
      [1, 4, 1, 1],
      [1, 4],
    ]);
    expect([PICTURE, LAST, PIXEL, VECTOR].map(isChannelsFirst)).toEqual([true, false, true, false]);
    expect([PICTURE, VECTOR].map(isRow)).toEqual([false, true]);
  });

  it('are turned there and back', () => {
    const turned = permuted(PICTURE, [0, 2, 3, 1]) as View;
    expect(turned).toEqual(LAST);
    expect(permuted(turned, [0, 3, 1, 2])).toEqual(PICTURE);
    expect(permuted(PICTURE, [0, 1, 2])).toBeUndefined();
    expect(permuted(PICTURE, [0, 1, 2, 2])).toBeUndefined();
  });

  it('take other dimensions where values keep their order', () => {
    expect(redimensioned(PIXEL, [1, 4])).toMatchObject({ axes: ['1', 'c'] });
    expect(redimensioned(VECTOR, [1, 1, 1, 4])).toMatchObject({ axes: ['1', '1', '1', 'c'] });
    expect(redimensioned(PICTURE, [4, 2, 3])).toMatchObject({ axes: ['c', 'h', 'w'] });
    expect(redimensioned(PICTURE, [1, 24])).toBe('flat');
    expect(redimensioned(PICTURE, [1, 8, 3])).toBeUndefined();
    expect(redimensioned(PICTURE, [1, 2, 4, 3])).toBeUndefined();
  });

  it('know in which order flattening puts their values', () => {
    expect(flatOrder(PICTURE)).toBe('channels first');
    expect(flatOrder(LAST)).toBe('channels last');
    expect(flatOrder(permuted(PICTURE, [0, 1, 3, 2]) as View)).toBeUndefined();
    expect(flatOrder(viewOf([4, 1, 3], ['w', 'c']))).toBe('channels last');
  });

  it.each<[View, number[], ReturnType<typeof variesAlong>]>([
    [PICTURE, [], 'nothing'],
    [PICTURE, [1, 1, 1], 'nothing'],
    [PICTURE, [1, 4, 1, 1], 'channels'],
    [PICTURE, [4, 1, 1], 'channels'],
    [PICTURE, [4], undefined],
    [PICTURE, [1, 4, 2, 3], undefined],
    [PICTURE, [4, 1, 1, 1], undefined],
    [LAST, [4], 'channels'],
    [LAST, [1, 4, 1, 1], undefined],
    [VECTOR, [1, 1, 4], 'channels'],
    [VECTOR, [4, 1], undefined],
  ])('%# a constant varies along channels, or nothing, or is refused', (view, dims, along) => {
    expect(variesAlong(view, dims)).toBe(along);
  });

  it('pair element by element or as a gate, and never as an outer product', () => {
    expect(pairing(PICTURE, PICTURE)).toBe('elements');
    expect(pairing(PICTURE, PIXEL)).toBe('gate');
    expect(pairing(PIXEL, PICTURE)).toBeUndefined();
    expect(pairing(PICTURE, LAST)).toBeUndefined();
    expect(pairing(PICTURE, VECTOR)).toBeUndefined();
    expect(pairing(PIXEL, VECTOR)).toBeUndefined();
    expect(pairing(LAST, VECTOR)).toBe('gate');
    expect(pairing(VECTOR, withRank(VECTOR, 3))).toBe('elements');
    expect(pairing(PICTURE, viewOf([1, 2, 3]))).toBeUndefined();
    expect(pairing(VECTOR, { ...VECTOR, channelsLast: [2, 1, 2] })).toBeUndefined();
    expect(pairing(PICTURE, { ...PICTURE, reversed: true })).toBeUndefined();
  });
});

it('features with channels last are put into the order of the graph, row by row', () => {
  // Two rows of [h=1, w=3, c=2]: the value says channel and pixel.
  const row = [0, 10, 1, 11, 2, 12];
  const sorted = channelsFirst(Float64Array.from([...row, ...row.map((v) => v + 100)]), [2, 1, 3]);
  expect([...sorted]).toEqual([0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112]);
});

it('weights of exchanged channels are put back, filter by filter', () => {
  const weights = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  expect([...inputsReversed(weights, 3, 2)]).toEqual([5, 6, 3, 4, 1, 2, 11, 12, 9, 10, 7, 8]);
});
