/** Winograd convolution at the sizes that select it: every tile, every border, grouped batches. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kernelBinaries, runTrial } from '../support/kernel-memory.ts';
import { expectExact } from '../support/kernel-oracle.ts';
import { type ConvCase, convTrial } from '../support/kernel-trials.ts';

const SEED = 20260307;
const CHANNELS = [16, 17, 20, 23, 24, 31, 32, 33];
const KERNELS = ['f32_winograd_multiply s1', 'f32_winograd_multiply s2'];

const upTo = (max: number, min: number) => fc.integer({ min, max });
const anyWinograd = fc.record({
  seed: fc.integer(),
  channels: fc.constantFrom(...CHANNELS),
  outChannels: fc.constantFrom(...CHANNELS),
  height: upTo(27, 3),
  width: upTo(27, 3),
  kernel: fc.constant([3, 3] as const),
  stride: fc.constantFrom([1, 1] as const, [2, 2] as const),
  pads: fc.tuple(upTo(3, 0), upTo(3, 0), upTo(3, 0), upTo(3, 0)),
  padValue: fc.boolean(),
  activation: fc.constantFrom(undefined, 'prelu' as const, 'clip' as const),
  residual: fc.constantFrom(undefined, 'kept' as const, 'last' as const),
  batch: fc.constantFrom(1, 3),
});

describe.each(kernelBinaries())('3x3 convolution in the $name build', (binary) => {
  it('is exact with every padding, epilogue and residual', () => {
    const seen = new Set<string>();
    const property = fc.property(anyWinograd, (one) => {
      for (const kernel of expectExact(binary, convTrial(one)).kernels) seen.add(kernel);
    });
    fc.assert(property, { seed: SEED, numRuns: binary.name === 'debug' ? 60 : 200 });
    expect([...seen]).toEqual(expect.arrayContaining(KERNELS));
  });

  it('is exact at both strides, and direct where that is asked for', () => {
    const size = { channels: 33, outChannels: 40, height: 28, width: 41, kernel: [3, 3] } as const;
    for (const stride of [1, 2]) {
      const rest = { pads: [1, 1, 1, 1], padValue: true, stride: [stride, stride] } as const;
      const trial = convTrial({ seed: SEED, ...size, ...rest });
      expect(expectExact(binary, trial).kernels).toContain(`f32_winograd_multiply s${stride}`);
      const direct = expectExact(binary, { ...trial, winogradFrom: Number.POSITIVE_INFINITY });
      expect(direct.kernels).toEqual(['f32_conv_igemm']);
    }
  });

  it.each([
    [1, 6],
    [1, 7],
    [2, 14],
  ])(
    'is exact for a column of tiles at stride %i and %i rows, and the same in a batch',
    (step, rows) => {
      const size = {
        channels: 136,
        outChannels: 24,
        height: rows * step,
        width: 7 * step,
      } as const;
      const rest = { pads: [1, 1, 1, 1], padValue: true, residual: 'last' } as const;
      const stride = [step, step] as const;
      const shape = { ...size, ...rest, kernel: [3, 3], stride, activation: 'prelu' } as const;
      const trial = convTrial({ seed: SEED, ...shape, batch: 3 });
      const batch = expectExact(binary, trial);
      expect(batch.kernels).toContain(`f32_winograd_multiply s${step}`);
      batch.pictures.forEach((picture, n) => {
        const given = new Map([...trial.given].map(([name, all]) => [name, all.slice(n, n + 1)]));
        expect(expectExact(binary, { ...trial, given }).pictures[0]).toEqual(picture);
      });
    },
  );

  it.each([1, 2])(
    'is exact for every remainder of a picture over the tiles, stride %i',
    (stride) => {
      for (let side = 9; side <= 21; side++) {
        const size = {
          channels: 16,
          outChannels: 24,
          height: side * stride,
          width: (30 - side) * stride,
        };
        const rest = { kernel: [3, 3], pads: [1, 1, 1, 1], padValue: true } as const;
        const one = {
          ...size,
          ...rest,
          stride: [stride, stride] as const,
          activation: 'prelu' as const,
        };
        expectExact(binary, convTrial({ seed: SEED + side, ...one }));
      }
    },
  );

  it.each([
    ['panel by panel', 20],
    ['in pairs of panels, the last half full', 28],
  ])(
    'gives every picture of a large batch, in groups, the bits it has alone: %s',
    (_, outChannels) => {
      const size = { channels: 64, outChannels, height: 50, width: 46, kernel: [3, 3] } as const;
      const rest = { pads: [1, 1, 1, 1], residual: 'last', activation: 'prelu' } as const;
      const one: ConvCase = { seed: SEED, ...size, ...rest, batch: 5 };
      const trial = convTrial(one);
      const { kernels, pictures } = expectExact(binary, trial);
      expect(kernels.length).toBeGreaterThan(2);
      pictures.forEach((picture, n) => {
        const given = new Map([...trial.given].map(([name, all]) => [name, all.slice(n, n + 1)]));
        expect(runTrial(binary, { ...trial, given }).pictures[0]).toEqual(picture);
      });
    },
  );
});
