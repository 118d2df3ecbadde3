/** What docs/numerics.md says of folding through the padding value, measured in simulated f32. */

import { describe, expect, it } from 'vitest';
import { cleanConstants } from '../../src/convert/clean.ts';
import { foldInFront, MAX_PAD_VALUE } from '../../src/convert/fold-affine.ts';
import type { AffineNode, ConvNode } from '../../src/graph/graph.ts';
import { convReference } from '../../src/reference/conv.ts';
import { affineReference } from '../../src/reference/pointwise.ts';
import { mulberry32, randomTensor } from '../support/graphs.ts';

const CHANNELS = 32;
const OUTPUTS = 16;
const SIDE = 10;
const SEED = 20260103;
const EXTENTS = {
  outChannels: OUTPUTS,
  kernel: [3, 3],
  stride: [1, 1],
  pads: [1, 1, 1, 1],
  group: 1,
} as const;

const weight = randomTensor(mulberry32(SEED), OUTPUTS, CHANNELS, 3, 3);
const conv: ConvNode = { op: 'conv', name: 'conv', inputs: ['bn'], weight, ...EXTENTS };

/** As an engine computes: every product and every sum rounded to f32, one accumulator. */
function convF32(
  x: Float32Array,
  w: Float32Array,
  bias: Float32Array,
  pad: Float32Array,
): Float32Array {
  const y = new Float32Array(OUTPUTS * SIDE * SIDE);
  for (let at = 0; at < y.length; at++) {
    const [o, oy, ox] = [Math.floor(at / (SIDE * SIDE)), Math.floor(at / SIDE) % SIDE, at % SIDE];
    let sum = bias[o] as number;
    for (let k = 0; k < CHANNELS * 9; k++) {
      const [c, iy, ix] = [Math.floor(k / 9), oy + (Math.floor(k / 3) % 3) - 1, ox + (k % 3) - 1];
      const inside = iy >= 0 && iy < SIDE && ix >= 0 && ix < SIDE;
      const value = (inside ? x[(c * SIDE + iy) * SIDE + ix] : pad[c]) as number;
      sum = Math.fround(sum + Math.fround((w[o * CHANNELS * 9 + k] as number) * value));
    }
    y[at] = sum;
  }
  return y;
}

function cleaned(values: Float32Array | Float64Array): Float32Array {
  const rounded = Float32Array.from(values);
  cleanConstants(rounded, 'constant');
  return rounded;
}

interface Channel {
  readonly scale: number;
  readonly shift: number;
  readonly mean: number;
}

/** Largest error over the root mean square of the true values: affine kept, and affine folded. */
function errors(channel: (c: number) => Channel): { kept: number; folded: number } {
  const random = mulberry32(SEED);
  const channels = Array.from({ length: CHANNELS }, (_, c) => channel(c));
  const of = (c: number): Channel => channels[c] as Channel;
  const x = Float32Array.from({ length: CHANNELS * SIDE * SIDE }, (_, at) => {
    return of(Math.floor(at / (SIDE * SIDE))).mean + 2 * random() - 1;
  });
  const scale = Float64Array.from(channels, ({ scale: s }) => s);
  const shift = Float64Array.from(channels, ({ shift: t }) => t);
  const bn: AffineNode = { op: 'affine', name: 'bn', inputs: ['data'], scale, shift };
  const truth = convReference(
    affineReference(Float64Array.from(x), scale, shift),
    [CHANNELS, SIDE, SIDE],
    { weight: weight.read() },
    EXTENTS,
  );
  const normed = x.map((v, at) => {
    const c = Math.floor(at / (SIDE * SIDE));
    return Math.fround(v * Math.fround(scale[c] as number)) + Math.fround(shift[c] as number);
  });
  const zeros = new Float32Array(Math.max(CHANNELS, OUTPUTS));
  const { weight: w, bias, padValue } = foldInFront(conv, bn) as ConvNode;
  const rms = Math.sqrt(truth.reduce((sum, v) => sum + v * v, 0) / truth.length);
  const worst = (y: Float32Array): number =>
    y.reduce((max, v, at) => Math.max(max, Math.abs(v - (truth[at] as number))), 0) / rms;
  return {
    kept: worst(convF32(normed, weight.read(), zeros, zeros)),
    folded: worst(
      convF32(x, cleaned(w.read()), cleaned(bias ?? zeros), cleaned(padValue ?? zeros)),
    ),
  };
}

describe('folding through the padding value', () => {
  it.each([1, 1e-3, 1e-6, 1e-9, 1e-12, 1 / MAX_PAD_VALUE])(
    'costs a few roundings of f32, no more, at a scale of %s',
    (scale) => {
      const all = errors(() => ({ scale, shift: 1, mean: 0 }));
      expect(all.folded).toBeLessThan(4 * all.kept);
      expect(all.folded).toBeLessThan(1e-5);
      const one = errors((c) =>
        c === 5 ? { scale, shift: 1, mean: 0 } : { scale: 1, shift: 0.1, mean: 0 },
      );
      expect(one.folded).toBeLessThan(4 * one.kept);
    },
  );

  it('still would at a padding value of 1e24, and loses the border at 1e30', () => {
    expect(errors(() => ({ scale: 1e-24, shift: 1, mean: 0 })).folded).toBeLessThan(1e-5);
    expect(errors(() => ({ scale: 1e-30, shift: 1, mean: 0 })).folded).toBeGreaterThan(0.1);
  });

  it('grows with the mean of a channel over its spread, as any cancellation does', () => {
    const at = (mean: number): number =>
      errors(() => ({ scale: 1, shift: 0.1 - mean, mean })).folded / mean;
    expect(at(10)).toBeLessThan(1e-5);
    expect(at(1000)).toBeLessThan(1e-5);
  });
});
