/** Grouped and depthwise convolution, channel counts that are no multiple of a vector among them. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kernelBinaries } from '../support/kernel-memory.ts';
import { expectExact } from '../support/kernel-oracle.ts';
import { convTrial } from '../support/kernel-trials.ts';

const SEED = 20260302;
const upTo = (max: number, min = 1) => fc.integer({ min, max });

const anyGeometry = {
  seed: fc.integer(),
  height: upTo(10),
  width: upTo(10),
  kernel: fc.tuple(upTo(7), upTo(7)),
  stride: fc.tuple(upTo(3), upTo(3)),
  pads: fc.tuple(upTo(3, 0), upTo(3, 0), upTo(3, 0), upTo(3, 0)),
  padValue: fc.boolean(),
  activation: fc.constantFrom(undefined, 'prelu' as const, 'clip' as const),
  residual: fc.constantFrom(undefined, 'kept' as const, 'last' as const),
  batch: fc.constantFrom(1, 3),
};

interface Geometry {
  readonly height: number;
  readonly width: number;
  readonly kernel: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
}

function holdsKernel({ height, width, kernel, pads }: Geometry): boolean {
  return height + pads[0] + pads[2] >= kernel[0] && width + pads[1] + pads[3] >= kernel[1];
}

describe.each(kernelBinaries())('convolution in groups in the $name build', (binary) => {
  it('is exact for any number of groups and channels per group', () => {
    const anyGroups = fc
      .record({
        ...anyGeometry,
        group: upTo(7, 2),
        inPerGroup: upTo(9),
        outPerGroup: upTo(17),
      })
      .filter(holdsKernel);
    const property = fc.property(anyGroups, ({ inPerGroup, outPerGroup, ...one }) => {
      const [channels, outChannels] = [inPerGroup * one.group, outPerGroup * one.group];
      expectExact(binary, convTrial({ ...one, channels, outChannels }));
    });
    fc.assert(property, { seed: SEED, numRuns: 400 });
  });

  it('is exact for one input channel per output channel', () => {
    const anyDepthwise = fc
      .record({
        ...anyGeometry,
        channels: fc.constantFrom(2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 33),
      })
      .filter(holdsKernel);
    const property = fc.property(anyDepthwise, ({ channels, ...one }) => {
      const trial = convTrial({ ...one, channels, outChannels: channels, group: channels });
      expect(expectExact(binary, trial).kernels).toEqual(['f32_conv_depthwise']);
    });
    fc.assert(property, { seed: SEED, numRuns: 400 });
  });

  it.each([
    { activation: 'prelu' },
    { activation: 'clip', batch: 3 },
    { residual: 'kept', padValue: true },
    { residual: 'last', activation: 'prelu', padValue: true, batch: 3 },
  ] as const)('is exact for depthwise pictures of every size of 1..10, %o', (rest) => {
    for (let height = 1; height <= 10; height++) {
      for (let width = 1; width <= 10; width++) {
        const size = { channels: 6, outChannels: 6, group: 6, height, width };
        const filter = { kernel: [3, 3], pads: [1, 1, 1, 1] } as const;
        const seed = SEED + height * 10 + width;
        expectExact(binary, convTrial({ seed, ...size, ...filter, ...rest }));
      }
    }
  });
});
