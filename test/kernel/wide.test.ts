/** Plans for 256-bit vectors: other tiles and transforms, the same bits. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KernelBinary } from '../support/kernel-memory.ts';
import { kernelBinaries, runTrial, type Trial } from '../support/kernel-memory.ts';
import { firstDifference } from '../support/kernel-tolerance.ts';
import { convTrial } from '../support/kernel-trials.ts';

const SEED = 20261201;
const upTo = (max: number, min: number) => fc.integer({ min, max });

/** Channels and outputs that fill pairs, leave one vector, one panel, or half a panel. */
const anyConv = fc.record({
  seed: fc.integer(),
  channels: fc.constantFrom(16, 17, 20, 24, 32, 36, 72, 136),
  outChannels: fc.constantFrom(16, 17, 20, 24, 28, 32, 48),
  height: upTo(30, 3),
  width: upTo(30, 3),
  kernel: fc.constant([3, 3] as const),
  stride: fc.constantFrom([1, 1] as const, [2, 2] as const),
  pads: fc.tuple(upTo(3, 0), upTo(3, 0), upTo(3, 0), upTo(3, 0)),
  padValue: fc.boolean(),
  activation: fc.constantFrom(undefined, 'prelu' as const, 'clip' as const),
  residual: fc.constantFrom(undefined, 'kept' as const, 'last' as const),
  batch: fc.constantFrom(1, 3),
});

function expectSameBits(binary: KernelBinary, trial: Trial): readonly string[] {
  const narrow = runTrial(binary, trial);
  for (const threads of [1, 2, 3]) {
    const wide = runTrial(binary, { ...trial, vectors: 256, threads });
    expect(wide.damage, `${threads} threads`).toBe('');
    expect(firstDifference(wide.bits, narrow.bits), `${threads} threads`).toBe('');
  }
  return narrow.kernels;
}

// `relaxed` may round otherwise in another tile, so equal bits are promised of the others.
describe.each(kernelBinaries(['simd', 'debug']))(
  'plans for 256 bits in the $name build',
  (binary) => {
    it('give the bits of plans for 128 bits', () => {
      const property = fc.property(anyConv, (one) => {
        expectSameBits(binary, convTrial(one));
      });
      fc.assert(property, { seed: SEED, numRuns: binary.name === 'debug' ? 40 : 150 });
    });

    it.each([
      ['a single tile', 136, 32, 7],
      ['four tiles', 128, 32, 14],
      ['groups of many tiles', 64, 16, 50],
    ] as const)('the same for %s', (_, channels, outChannels, side) => {
      const pads = [1, 1, 1, 1] as const;
      const size = {
        channels,
        outChannels,
        height: side,
        width: side,
        kernel: [3, 3],
        pads,
      } as const;
      const rest = { padValue: true, activation: 'prelu', residual: 'last', batch: 2 } as const;
      const kernels = expectSameBits(binary, convTrial({ seed: SEED, ...size, ...rest }));
      expect(kernels).toContain('f32_winograd_multiply s1');
    });
  },
);
