/** Dense convolution: whatever kernel the selection names, against the reference in float64. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kernelBinaries, runTrial, type Trial } from '../support/kernel-memory.ts';
import { expectExact } from '../support/kernel-oracle.ts';
import { firstDifference } from '../support/kernel-tolerance.ts';
import { convTrial } from '../support/kernel-trials.ts';

const SEED = 20260301;
const upTo = (max: number, min = 1) => fc.integer({ min, max });

/** 1..10, then multiples of 4, 8 and 16 and their neighbours. */
const CHANNELS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 31, 32, 33];

/** Any kernel 1..7, stride 1..3, asymmetric padding; the padded picture holds the kernel. */
const anyConv = fc
  .record({
    seed: fc.integer(),
    channels: fc.constantFrom(...CHANNELS),
    outChannels: fc.constantFrom(...CHANNELS),
    height: upTo(10),
    width: upTo(10),
    kernel: fc.tuple(upTo(7), upTo(7)),
    stride: fc.tuple(upTo(3), upTo(3)),
    pads: fc.tuple(upTo(3, 0), upTo(3, 0), upTo(3, 0), upTo(3, 0)),
    bias: fc.boolean(),
    padValue: fc.boolean(),
    activation: fc.constantFrom(undefined, 'prelu' as const, 'clip' as const),
    residual: fc.constantFrom(undefined, 'kept' as const, 'last' as const),
    batch: fc.constantFrom(1, 3),
  })
  .filter(
    ({ height, width, kernel, pads }) =>
      height + pads[0] + pads[2] >= kernel[0] && width + pads[1] + pads[3] >= kernel[1],
  );

describe.each(kernelBinaries())('convolution in the $name build', (binary) => {
  it.each([
    [1, 1],
    [3, 3],
  ] as const)('%ix%i is exact for every pair of channel counts', (...kernel) => {
    for (const channels of CHANNELS) {
      for (const outChannels of CHANNELS) {
        const seed = SEED + channels * 100 + outChannels;
        const pads = [1, 1, 1, 1] as const;
        const size = { channels, outChannels, height: 4, width: 5, kernel, pads };
        expectExact(binary, convTrial({ seed, ...size, activation: 'prelu' }));
      }
    }
  });

  it.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [2, 1],
  ] as const)('3x3 with stride %ix%i is exact for every picture of 1..10', (...stride) => {
    for (let height = 1; height <= 10; height++) {
      for (let width = 1; width <= 10; width++) {
        const seed = SEED + height * 10 + width;
        const size = { channels: 5, outChannels: 9, height, width };
        const rest = { kernel: [3, 3], stride, pads: [1, 1, 1, 1], padValue: true } as const;
        expectExact(binary, convTrial({ seed, ...size, ...rest, batch: 3 }));
      }
    }
  });

  it('is exact for any kernel, stride, padding, epilogue and residual', () => {
    const property = fc.property(anyConv, (one) => {
      expectExact(binary, convTrial(one));
    });
    fc.assert(property, { seed: SEED, numRuns: 400 });
  });

  it.each([15, 16, 17, 31, 32, 33, 47, 48, 49])('is exact for pictures of %i squared', (side) => {
    const size = { channels: 8, outChannels: 16, height: side, width: side };
    for (const stride of [1, 2]) {
      const pads = [1, 1, 1, 1] as const;
      const rest = { kernel: [3, 3], stride: [stride, stride], pads } as const;
      expectExact(binary, convTrial({ seed: SEED + side, ...size, ...rest, activation: 'prelu' }));
    }
  });

  it('overwrites a residual that nobody needs later, and keeps one that somebody does', () => {
    const size = { channels: 12, outChannels: 12, height: 7, width: 6, kernel: [3, 3] } as const;
    const one = { seed: SEED, ...size, pads: [1, 1, 1, 1], batch: 3 } as const;
    const last = expectExact(binary, convTrial({ ...one, residual: 'last' }));
    const kept = expectExact(binary, convTrial({ ...one, residual: 'kept' }));
    expect([last.overwritten, kept.overwritten]).toEqual([['r'], []]);
    expect(firstDifference(last.bits, kept.bits)).toBe('');
  });

  it('gives every picture of a batch the bits it has alone', () => {
    const property = fc.property(anyConv, (one) => {
      const trial = convTrial({ ...one, batch: 3 });
      const together = runTrial(binary, trial).pictures;
      together.forEach((picture, n) => {
        expect(runTrial(binary, onlyPicture(trial, n)).pictures[0]).toEqual(picture);
      });
    });
    fc.assert(property, { seed: SEED + 1, numRuns: 60 });
  });
});

function onlyPicture(trial: Trial, n: number): Trial {
  const given = [...trial.given].map(
    ([name, pictures]) => [name, pictures.slice(n, n + 1)] as const,
  );
  return { ...trial, given: new Map(given) };
}
