/** How a direct convolution is blocked: for L1 where there is one tap, for L2 where there are more. */

import { describe, expect, it } from 'vitest';
import { conv, stepsOfConv } from '../support/one-conv.ts';

/** Pixels per block of a dense convolution of `inC` to `outC` channels at `side` x `side`. */
function blockOf(inC: number, outC: number, side: number, kernel: number): number {
  const steps = stepsOfConv(conv(outC, kernel), [inC, side, side]);
  expect(steps.map((step) => step.kernel)).toEqual(['f32_conv_igemm']);
  return steps[0]?.args.block as number;
}

describe('the pixels of a block of a direct convolution', () => {
  it.each([
    ['64 + 128 channels', 64, 128, 28, 36],
    ['few channels, which leave room for many pixels', 16, 16, 28, 252],
    ['a small picture, which is one block', 16, 16, 7, 49],
    ['many channels, which must not fetch weights for a tile or two', 512, 512, 14, 24],
  ])('of 1x1 and their outputs fit L1: %s', (_, inC, outC, side, pixels) => {
    expect(blockOf(inC, outC, side, 1)).toBe(pixels);
  });

  it('of more taps fit L2, whatever they give', () => {
    expect(blockOf(64, 64, 56, 7)).toBe(504);
    expect(blockOf(64, 512, 56, 7)).toBe(504);
  });
});
