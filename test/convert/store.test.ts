/** Weights as they are stored: rounding, scales, and what is refused. */

import { describe, expect, it } from 'vitest';
import { storeWeights } from '../../src/convert/store.ts';
import { expandWeights } from '../support/expand.ts';
import { mulberry32, uniform } from '../support/graphs.ts';

const SHAPE = [2, 9, 136] as const;
const GROUPS = 3;

function weights(seed: number, spread = 1): Float32Array {
  const [panels, taps, width] = SHAPE;
  const random = mulberry32(seed);
  return Float32Array.from(uniform(random, panels * taps * width * 8, -1, 1), (w, i) =>
    // Outputs of very different sizes, as folded batch norms leave them.
    Math.fround(w * spread * 10 ** ((i % 8) - 4)),
  );
}

/** Output, and [panel, tap, group] of 64 channels, of weight `i`. */
function placeOf(i: number) {
  const [, taps, width] = SHAPE;
  const row = Math.floor(i / 8);
  const panel = Math.floor(row / (taps * width));
  const group = Math.floor(row / width) * GROUPS + Math.floor((row % width) / 64);
  return { o: i % 8, panel, group };
}

describe('q8', () => {
  const from = weights(1);
  const { values, scales } = storeWeights('q8', from, SHAPE, 'w');
  const back = expandWeights(values, scales, SHAPE);

  it('has one scale per output, tap and group of 64 channels', () => {
    expect(scales.length).toBe(2 * 9 * GROUPS * 8);
  });

  it('is never off by more than half a scale, and uses all of -127..127 in every group', () => {
    const largest = new Map<number, number>();
    let worst = 0;
    for (let i = 0; i < from.length; i++) {
      const { o, group } = placeOf(i);
      const scale = scales[group * 8 + o] as number;
      const error = Math.abs((from[i] as number) - (back[i] as number));
      worst = Math.max(worst, error / scale);
      const key = group * 8 + o;
      largest.set(key, Math.max(largest.get(key) ?? 0, Math.abs(values[i] as number)));
    }
    // Rounding the scale and the product to f32 adds 127 of its halves.
    expect(worst).toBeLessThanOrEqual(0.5 + 127 * 2 ** -23);
    expect(new Set(largest.values())).toEqual(new Set([127]));
  });

  it('rounds to nearest, ties to even', () => {
    const one = new Float32Array(64 * 8);
    [127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.75].forEach((w, row) => {
      one[row * 8] = w;
    });
    const stored = storeWeights('q8', one, [1, 1, 64], 'w');
    const column = [0, 1, 2, 3, 4, 5, 6, 7].map((row) => stored.values[row * 8]);
    expect(column).toEqual([127, 0, 2, 2, 0, -2, -2, 1]);
  });

  it('keeps weights that are whole multiples of their largest over 127', () => {
    const whole = (i: number): number =>
      (Math.floor(i / 8) % 136) % 64 === 0 ? 127 : ((i * 37) % 255) - 127;
    const exact = from.map((_, i) => whole(i) * 2 ** -7);
    const stored = storeWeights('q8', exact, SHAPE, 'w');
    expect(expandWeights(stored.values, stored.scales, SHAPE)).toEqual(exact);
  });

  it('keeps weights that were quantised before, whatever the largest of a group is', () => {
    // Steps of each output and sizes up to -128: what a file of 8-bit weights says after its batch norms folded.
    const step = (o: number): number => 0.0123 * 1.7 ** o;
    const whole = (i: number): number => (((i * 37) % 255) % (3 + (Math.floor(i / 512) % 126))) - 1;
    const exact = from.map((_, i) => Math.fround((i % 512 < 8 ? -128 : whole(i)) * step(i % 8)));
    const stored = storeWeights('q8', exact, SHAPE, 'w');
    const back = expandWeights(stored.values, stored.scales, SHAPE);
    const off = (w: number, i: number): number => Math.abs(w - (back[i] as number));
    const worst = Math.max(...exact.map((w, i) => (w === 0 ? off(w, i) : off(w, i) / Math.abs(w))));
    expect(worst).toBeLessThanOrEqual(2 ** -22);
  });

  it('gives nothing but zeros the scale 1', () => {
    const stored = storeWeights('q8', new Float32Array(64 * 8), [1, 1, 64], 'w');
    expect([...stored.scales]).toEqual(new Array(8).fill(1));
    expect(stored.values.every((q) => q === 0)).toBe(true);
  });
});

describe('f16', () => {
  it('has a power of two per output, and 11 bits of every weight above 2^-29 of the largest', () => {
    const from = weights(2);
    const { values, scales } = storeWeights('f16', from, SHAPE, 'w');
    const back = expandWeights(values, scales, SHAPE);
    expect(scales.length).toBe(2 * 8);
    expect([...scales].every((scale) => Number.isInteger(Math.log2(scale)))).toBe(true);
    const off = (w: number, i: number): number => Math.abs(w - (back[i] as number)) / Math.abs(w);
    expect(Math.max(...from.map(off))).toBeLessThanOrEqual(2 ** -11);
  });

  it('stores no half that is subnormal, which some machines are slow with', () => {
    for (const spread of [1e-12, 1, 1e4]) {
      const { values } = storeWeights('f16', weights(3, spread), SHAPE, 'w');
      const subnormal = Array.from(values).filter((h) => (h & 0x7fff) !== 0 && (h & 0x7c00) === 0);
      expect(subnormal).toEqual([]);
    }
  });

  it('rounds up into the next power of two where that is nearest', () => {
    const one = new Float32Array(8);
    one[0] = 2 - 2 ** -23;
    const { values, scales } = storeWeights('f16', one, [1, 1, 1], 'w');
    expect(expandWeights(values, scales, [1, 1, 1])[0]).toBe(2);
  });
});

describe.each(['f16', 'q8'] as const)('%s', (dtype) => {
  it('gives the same bytes for the same weights', () => {
    const [a, b] = [1, 2].map(() => storeWeights(dtype, weights(4), SHAPE, 'w'));
    expect(a).toEqual(b);
  });

  it('refuses weights beyond what a scale reaches, with the tensor', () => {
    const huge = new Float32Array(64 * 8).fill(2 ** 31);
    expect(() => storeWeights(dtype, huge, [1, 1, 64], 'conv1.weight')).toThrow(
      /tensor "conv1.weight": expected weights below 2\^29 .* --dtype f32/,
    );
  });
});
