import { describe, expect, it } from 'vitest';
import { cosineSimilarity, l2Normalize } from '../src/similarity.ts';

describe('cosineSimilarity', () => {
  it('is the cosine of the angle, whatever the lengths', () => {
    expect(cosineSimilarity([1, 0], [1, 1])).toBeCloseTo(Math.SQRT1_2, 15);
    expect(cosineSimilarity([3, 0], [-7, 0])).toBe(-1);
    expect(cosineSimilarity(Float32Array.of(0, 2), Float64Array.of(5, 0))).toBe(0);
  });

  it('sums in double precision', () => {
    // In f32, 1 + 2^-30 is 1 and the vectors would be equal.
    const far = new Float32Array(513).fill(2 ** -15);
    far[0] = 1;
    const axis = new Float32Array(513);
    axis[0] = 1;
    expect(cosineSimilarity(far, axis)).toBeCloseTo(1 / Math.sqrt(1 + 512 * 2 ** -30), 14);
    expect(cosineSimilarity(far, axis)).toBeLessThan(1);
  });

  it('never leaves -1..1', () => {
    const a = Float32Array.from({ length: 512 }, (_, i) => Math.sin(i * i));
    expect(cosineSimilarity(a, a)).toBeLessThanOrEqual(1);
    expect(cosineSimilarity(a, a)).toBeCloseTo(1, 14);
  });

  it.each<[string, number[], number[], RegExp]>([
    ['unequal lengths', [1, 2], [1, 2, 3], /equal length, got 2 and 3/],
    ['a zero vector', [0, 0], [1, 2], /length 0/],
    ['empty vectors', [], [], /length 0/],
    ['NaN', [Number.NaN, 1], [1, 1], /not finite/],
    ['infinity', [1, 1], [1, Number.POSITIVE_INFINITY], /not finite/],
  ])('refuses %s', (_, a, b, message) => {
    expect(() => cosineSimilarity(a, b)).toThrow(message);
  });
});

describe('l2Normalize', () => {
  it('returns a new vector of length 1 in the same direction', () => {
    const a = Float32Array.of(3, 0, -4);
    expect([...l2Normalize(a)]).toEqual([...Float32Array.of(0.6, 0, -0.8)]);
    expect([...a]).toEqual([3, 0, -4]);
  });

  it('refuses a zero vector', () => {
    expect(() => l2Normalize(new Float32Array(512))).toThrow(/length 0/);
  });
});
