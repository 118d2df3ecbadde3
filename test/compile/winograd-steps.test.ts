/** How a Winograd convolution is blocked: for the caches, and only where every thread has its share. */

import { describe, expect, it } from 'vitest';
import { conv, stepsOfConv } from '../support/one-conv.ts';

/** Arguments of the multiply steps of one 3x3 convolution of `channels` at `side` x `side`. */
function multiplySteps(channels: number, side: number, batch: number, threads: number) {
  const steps = stepsOfConv(conv(channels, 3), [channels, side, side], batch, threads);
  return steps.filter((step) => step.kernel === 'f32_winograd_multiply').map(({ args }) => args);
}

describe('a Winograd convolution', () => {
  it.each([
    ['single panels where V fits L2', 256, 14, 1, 1, 1],
    ['single panels for a single tile, however wide', 4096, 7, 1, 1, 1],
    ['pairs where a batch makes it larger', 256, 14, 8, 1, 2],
    ['pairs where a picture does', 64, 56, 1, 1, 2],
    ['pairs that 2 threads share evenly', 64, 56, 1, 2, 2],
    ['no pairs that 3 threads cannot share evenly', 64, 56, 1, 3, 1],
    ['no pairs that leave threads idle', 64, 56, 1, 8, 1],
  ])('passes over its input in %s', (_, channels, side, batch, threads, together) => {
    const steps = multiplySteps(channels, side, batch, threads);
    expect(steps.map((args) => args.together)).toEqual([together]);
  });

  it('passes over a last group of a single tile panel by panel', () => {
    const steps = multiplySteps(2048, 7, 5, 1);
    expect(steps.map(({ tiles, together }) => [tiles, together])).toEqual([
      [4, 2],
      [1, 1],
    ]);
  });

  it('goes in even groups of whole register tiles where V does not fit the caches', () => {
    const steps = multiplySteps(64, 112, 1, 1);
    expect(steps.map(({ firstTile, tiles }) => [firstTile, tiles])).toEqual([
      [0, 128],
      [128, 128],
    ]);
  });
});
