import { describe, expect, it } from 'vitest';
import { isArcfaceError } from '../src/errors.ts';
import { cosineSimilarity, l2Normalize } from '../src/similarity.ts';
import { HOSTILE_VALUES } from './support/hostile-values.ts';

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

describe('a vector', () => {
  const embedding = Float32Array.of(0.5, -2, 0.25);
  const cosine = (other: unknown): number => cosineSimilarity(embedding, other as number[]);

  it('may be any list of numbers', () => {
    const lists = [
      [...embedding],
      Float64Array.from(embedding),
      { length: 3, 0: 0.5, 1: -2, 2: 0.25 },
    ];
    for (const list of lists) expect(cosine(list)).toBeCloseTo(1, 15);
    expect(cosine(Int8Array.of(2, -8, 1))).toBeCloseTo(1, 15);
    class Longer extends Float32Array {
      override get length(): number {
        throw new Error('length');
      }
    }
    expect(cosine(new Longer(embedding))).toBeCloseTo(1, 15);
    expect([...l2Normalize(new Longer([3, 4]))]).toEqual([...Float32Array.of(0.6, 0.8)]);
  });

  it('that went through JSON is refused with the way back, which works', () => {
    const stored = JSON.parse(JSON.stringify(embedding));
    expect(() => cosine(stored)).toThrow(/got an object with 0, 1, 2; .*Float32Array.from\(Object/);
    expect(() => l2Normalize(stored)).toThrow(/^l2Normalize: expected a vector of numbers.*JSON/);
    expect(cosine(Float32Array.from(Object.values(stored)))).toBeCloseTo(1, 15);
  });

  it('that is bytes is refused with the way to numbers, which works', () => {
    const stored = Buffer.from(embedding.buffer);
    expect(() => cosine(stored)).toThrow(
      /got a Buffer; .*new Float32Array\(Uint8Array.from\(buffer\)/,
    );
    expect(cosine(new Float32Array(Uint8Array.from(stored).buffer))).toBeCloseTo(1, 15);
  });

  it.each<[string, unknown, RegExp]>([
    ['a forgotten await', Promise.resolve(embedding), /got a Promise \(is an `await` missing\?\)/],
    ['texts', ['0.5', '-2', '0.25'], /got '0.5' at place 0/],
    ['a list of embeddings', [embedding], /got a Float32Array of 3 at place 0/],
    ['a hole', Object.assign(new Array(3), { 0: 0.5, 2: 0.25 }), /got undefined at place 1/],
    ['what NaN is in JSON', [0.5, null, 0.25], /got null at place 1/],
    ['BigInts', [1n, 2n, 3n], /got 1n at place 0/],
    ['64-bit integers', new BigInt64Array(3), /got a BigInt64Array of 3/],
    ['a billion numbers', { length: 1e9 }, /got an object with length/],
    ['a buffer', embedding.buffer, /got an ArrayBuffer of 12 bytes/],
    ['text', '[0.5, -2, 0.25]', /got '\[0.5, -2, 0.25\]'/],
  ])('is not %s', (_, vector, message) => {
    expect(() => cosine(vector)).toThrow(message);
    expect(() => l2Normalize(vector as number[])).toThrow(message);
  });

  it.each(HOSTILE_VALUES)('is refused with a coded error where it is %s', (_, make) => {
    const calls = [
      () => cosine(make()),
      () => cosineSimilarity(make() as number[], embedding),
      () => l2Normalize(make() as number[]),
    ];
    for (const call of calls) {
      const refused = (): unknown => {
        try {
          return call();
        } catch (error) {
          return error;
        }
      };
      expect(isArcfaceError(refused())).toBe(true);
    }
  });
});
