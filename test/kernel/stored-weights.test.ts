/**
 * Weights that are not stored as f32: a kernel gives the bits that it gives for the same weights brought into
 * f32 beforehand, whose values are held by the other tests of kernels.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DTYPE_NAMES, type Dtype } from '../../src/graph/dtype.ts';
import {
  type KernelBinary,
  kernelBinaries,
  runTrial,
  type Trial,
} from '../support/kernel-memory.ts';
import { expectExact } from '../support/kernel-oracle.ts';
import { firstDifference } from '../support/kernel-tolerance.ts';
import { convTrial, fcTrial } from '../support/kernel-trials.ts';

const SEED = 20261128;
const SMALL = DTYPE_NAMES.filter((dtype) => dtype !== 'f32');
const upTo = (max: number, min = 1) => fc.integer({ min, max });

/** Scales of one, two and three groups of channels; fewer than 8 outputs in the last panel. */
const CHANNELS = [8, 16, 24, 56, 64, 72, 128, 136];

const anyConv = fc
  .record({
    seed: fc.integer(),
    channels: fc.constantFrom(...CHANNELS),
    outChannels: fc.constantFrom(1, 7, 8, 12, 16, 17, 32),
    height: upTo(28),
    width: upTo(28),
    kernel: fc.constantFrom([1, 1] as const, [3, 3] as const, [3, 3] as const, [2, 5] as const),
    stride: fc.constantFrom([1, 1] as const, [2, 2] as const),
    pads: fc.tuple(upTo(2, 0), upTo(2, 0), upTo(2, 0), upTo(2, 0)),
    padValue: fc.boolean(),
    activation: fc.constantFrom(undefined, 'prelu' as const, 'clip' as const),
    residual: fc.constantFrom(undefined, 'kept' as const, 'last' as const),
    batch: fc.constantFrom(1, 3),
    dtype: fc.constantFrom(...SMALL),
  })
  .filter(
    ({ height, width, kernel, pads }) =>
      height + pads[0] + pads[2] >= kernel[0] && width + pads[1] + pads[3] >= kernel[1],
  );

/** The same bits for any number of threads, and nothing written elsewhere. Returns the kernels. */
function expectSameBits(binary: KernelBinary, trial: Trial, dtype: Dtype): readonly string[] {
  const expanded = expectBits(binary, { ...trial, dtype, expanded: true });
  for (const threads of [1, 2, 3]) {
    const small = expectBits(binary, { ...trial, dtype, threads });
    expect(firstDifference(small.bits, expanded.bits), `${dtype}, ${threads} threads`).toBe('');
  }
  return expanded.kernels;
}

function expectBits(binary: KernelBinary, trial: Trial) {
  const outcome = runTrial(binary, trial);
  expect(outcome.damage, `${trial.dtype}: ${outcome.kernels}`).toBe('');
  return outcome;
}

describe.each(kernelBinaries())('weights stored small, in the $name build', (binary) => {
  it('give the bits of the same weights in f32, for any convolution', () => {
    const seen = new Set<string>();
    const property = fc.property(anyConv, ({ dtype, ...one }) => {
      for (const kernel of expectSameBits(binary, convTrial(one), dtype)) seen.add(kernel);
    });
    fc.assert(property, { seed: SEED, numRuns: binary.name === 'debug' ? 60 : 200 });
    const kernels = ['f32_conv_igemm', 'f32_winograd_multiply s1'];
    expect([...seen]).toEqual(expect.arrayContaining(kernels));
  });

  it.each(SMALL)('%s: the same for one tile, many tiles and panels in pairs', (dtype) => {
    const pads = [1, 1, 1, 1] as const;
    for (const [channels, outChannels, side] of [
      [136, 24, 7],
      [64, 32, 50],
      [128, 16, 14],
    ] as const) {
      const size = {
        channels,
        outChannels,
        height: side,
        width: side,
        kernel: [3, 3],
        pads,
      } as const;
      const trial = convTrial({ seed: SEED, ...size, padValue: true, activation: 'prelu' });
      expect(expectSameBits(binary, trial, dtype)).toContain('f32_winograd_multiply s1');
    }
  });

  it.each(SMALL)('%s: the same by Winograd at stride 2', (dtype) => {
    const size = { channels: 72, outChannels: 40, height: 28, width: 41, kernel: [3, 3] } as const;
    const rest = { pads: [1, 1, 1, 1], padValue: true, stride: [2, 2], batch: 3 } as const;
    const trial = convTrial({ seed: SEED, ...size, ...rest, residual: 'last' });
    expect(expectSameBits(binary, trial, dtype)).toContain('f32_winograd_multiply s2');
  });

  it.each(SMALL)('%s: the same for fully connected layers, one group and many', (dtype) => {
    for (const shape of [
      [8, 1, 1],
      [16, 3, 3],
      [72, 2, 2],
      [64, 7, 7],
    ] as const) {
      for (const batch of [1, 3, 8]) {
        expectSameBits(binary, fcTrial(SEED + batch, shape, 17, batch), dtype);
      }
    }
  });

  it.each(SMALL)('%s: channels that fill no cache line stay f32, bit for bit', (dtype) => {
    const size = { channels: 12, outChannels: 8, height: 5, width: 5, kernel: [3, 3] } as const;
    const trial = convTrial({ seed: SEED, ...size });
    const plain = expectExact(binary, trial);
    const small = runTrial(binary, { ...trial, dtype });
    expect(firstDifference(small.bits, plain.bits)).toBe('');
  });
});
