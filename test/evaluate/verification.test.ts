import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArcfaceError } from '../../src/errors.ts';
import {
  addEmbeddings,
  meanLength,
  type ScoredPair,
  scorePairs,
} from '../../src/evaluate/distances.ts';
import { dividePairs, splitFolds } from '../../src/evaluate/folds.ts';
import { type FoldResult, verify } from '../../src/evaluate/verification.ts';

/** The protocol as its source writes it: every threshold, every pair, nothing shared between folds. */
function slowVerify(pairs: readonly ScoredPair[]) {
  const accuracyOf = (set: readonly ScoredPair[], threshold: number): number =>
    set.filter((p) => p.distance < threshold === p.same).length / set.length;
  const shareOf = (set: readonly ScoredPair[], same: boolean, threshold: number): number => {
    const kind = set.filter((p) => p.same === same);
    return kind.filter((p) => p.distance < threshold).length / kind.length;
  };
  return splitFolds(pairs.map((p) => p.same)).map(({ start, end }) => {
    const test = pairs.slice(start, end);
    const train = [...pairs.slice(0, start), ...pairs.slice(end)];
    const coarse = Array.from({ length: 400 }, (_, i) => i * 0.01);
    const scores = coarse.map((threshold) => accuracyOf(train, threshold));
    const threshold = coarse[scores.indexOf(Math.max(...scores))] ?? 0;
    const fine = Array.from({ length: 4000 }, (_, i) => i * 0.001);
    const fars = fine.map((value) => shareOf(train, false, value));
    const after = fars.findIndex((far) => far > 1e-3);
    const at = (list: readonly number[], i: number): number => list[i] ?? Number.NaN;
    const [t0, f0, f1] = [at(fine, after - 1), at(fars, after - 1), at(fars, after)];
    const valThreshold = after < 0 ? 0 : t0 + ((1e-3 - f0) / (f1 - f0)) * 0.001;
    return {
      pairs: test.length,
      threshold,
      accuracy: accuracyOf(test, threshold),
      val: shareOf(test, true, valThreshold),
      far: shareOf(test, false, valThreshold),
      valThreshold,
    };
  });
}

/** Alternating same and different pairs so that every fold has both. */
const scored = (distances: readonly number[]): ScoredPair[] =>
  distances.map((distance, i) => ({ distance, same: i % 2 === 0 }));

/** Sets of 300 pairs of one person and 300 of two, as LFW's pairs.txt lists them. */
const setsOf = (count: number): boolean[] =>
  Array.from({ length: count * 600 }, (_, i) => i % 600 < 300);

const sizesOf = (same: readonly boolean[]): number[] =>
  splitFolds(same).map(({ start, end }) => end - start);

describe('splitFolds', () => {
  it.each([
    [6000, 10, 600],
    [3000, 10, 300],
    [1200, 10, 120],
    [7000, 10, 700],
    [12000, 10, 1200],
    [600, 10, 60],
    [10, 10, 1],
    [3, 3, 1],
  ])('divides %i alternating pairs into %i blocks of %i', (pairs, count, size) => {
    const same = Array.from({ length: pairs }, (_, i) => i % 2 === 0);
    expect(sizesOf(same)).toEqual(Array(count).fill(size));
  });

  it.each([2, 5, 10])('keeps the %i sets of an LFW list', (sets) => {
    expect(sizesOf(setsOf(sets))).toEqual(Array(sets).fill(600));
  });

  it('divides a sample of an LFW list, and one set or more than ten, into 10 blocks', () => {
    const every = (step: number): boolean[] => setsOf(10).filter((_, i) => i % step === 0);
    expect(sizesOf(every(2))).toEqual(Array(10).fill(300));
    expect(sizesOf(every(5))).toEqual(Array(10).fill(120));
    expect(sizesOf(setsOf(1))).toEqual(Array(10).fill(60));
    expect(sizesOf(setsOf(20))).toEqual(Array(10).fill(1200));
    expect(sizesOf(setsOf(2).reverse())).toEqual(Array(10).fill(120));
  });

  it('tiles any number of pairs with consecutive blocks, longer ones first', () => {
    for (let pairs = 2; pairs < 100; pairs++) {
      const folds = splitFolds(Array(pairs).fill(true));
      const sizes = folds.map(({ start, end }) => end - start);
      expect(folds.map((fold) => fold.start)).toEqual([0, ...folds.slice(0, -1).map((f) => f.end)]);
      expect(folds.at(-1)?.end).toBe(pairs);
      expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
      expect((sizes[0] ?? 0) - (sizes.at(-1) ?? 0)).toBeLessThanOrEqual(1);
    }
  });

  it('refuses a single pair', () => {
    expect(() => splitFolds([true])).toThrow(ArcfaceError);
  });
});

describe('dividePairs', () => {
  it('leaves lists in their order whose folds have both kinds', () => {
    const alternating = Array.from({ length: 100 }, (_, i) => i % 2 === 0);
    for (const same of [alternating, setsOf(10), setsOf(3)]) {
      const { order, folds, isDealt } = dividePairs(same);
      expect(isDealt).toBe(false);
      expect(order).toEqual([...same.keys()]);
      expect(folds).toEqual(splitFolds(same));
    }
  });

  it('deals out any other list that has enough of both, each pair once and both kinds in each fold', () => {
    for (const [first, second] of [
      [10, 10],
      [300, 300],
      [17, 500],
      [500, 13],
    ] as const) {
      const same = Array.from({ length: first + second }, (_, i) => i < first);
      const { order, folds, isDealt } = dividePairs(same);
      expect(isDealt).toBe(true);
      expect([...order].sort((a, b) => a - b)).toEqual([...same.keys()]);
      expect(folds.map((fold) => fold.start)).toEqual([
        0,
        ...folds.slice(0, -1).map((fold) => fold.end),
      ]);
      expect(folds.at(-1)?.end).toBe(same.length);
      for (const { start, end } of folds) {
        expect(new Set(order.slice(start, end).map((i) => same[i])).size).toBe(2);
      }
    }
  });

  it('leaves a list of one kind, or with fewer of one than folds', () => {
    expect(dividePairs(new Array(50).fill(true)).isDealt).toBe(false);
    expect(dividePairs(Array.from({ length: 50 }, (_, i) => i > 4)).isDealt).toBe(false);
  });
});

describe('scorePairs', () => {
  it('gives 2 - 2 cos of embeddings of any length', () => {
    const [pair, other] = scorePairs(
      [
        [3, 4],
        [6, 8],
        [1, 0],
        [-1, 1],
      ],
      [true, false],
    );
    expect(pair?.distance).toBeCloseTo(0, 12);
    expect(other?.distance).toBeCloseTo(2 + Math.SQRT2, 12);
    expect(other?.same).toBe(false);
  });

  it('leaves a vector of length 0 as it is, as scikit-learn does', () => {
    expect(scorePairs([new Float32Array(2), [0, 2]], [true])[0]?.distance).toBe(1);
  });

  it('refuses NaN, unequal lengths and missing embeddings', () => {
    expect(() => scorePairs([[Number.NaN], [1]], [true])).toThrow(/finite/);
    expect(() => scorePairs([[1, 2], [1]], [true])).toThrow(/equal lengths/);
    expect(() => scorePairs([[1]], [true])).toThrow(/expected 2 embeddings/);
  });

  it('reports the mean length over both passes as XNorm', () => {
    expect(meanLength([[3, 4], [0, 1], new Float32Array([0, 0])])).toBe(2);
    expect([...addEmbeddings([1, 2], [3, -2])]).toEqual([4, 0]);
  });
});

describe('verify', () => {
  it('equals the protocol written out, for any distances', () => {
    // Multiples of 0.005 put many distances on thresholds, where strictness decides.
    const distance = fc.oneof(
      fc.double({ min: 0, max: 4, noNaN: true }),
      fc.integer({ min: 0, max: 800 }).map((k) => k * 0.005),
      fc.integer({ min: 0, max: 399 }).map((k) => k * 0.01),
    );
    fc.assert(
      fc.property(fc.array(distance, { minLength: 40, maxLength: 60 }), (distances) => {
        const pairs = scored(distances);
        const { folds } = verify(pairs);
        expect(folds).toHaveLength(10);
        slowVerify(pairs).forEach((expected, k) => {
          const { valThreshold, threshold, ...rest } = folds[k] as FoldResult;
          expect(rest).toEqual({
            pairs: expected.pairs,
            accuracy: expected.accuracy,
            val: expected.val,
            far: expected.far,
          });
          expect(threshold).toBe(expected.threshold);
          expect(valThreshold).toBeCloseTo(expected.valThreshold, 9);
        });
      }),
      { seed: 11, numRuns: 15 },
    );
  });

  it('takes the first of equal thresholds and rejects a distance equal to the threshold', () => {
    const pairs = scored(new Array(20).fill(0).map((_, i) => (i % 2 === 0 ? 0.5 : 1)));
    const { folds, threshold, accuracy } = verify(pairs);
    expect(folds.every((fold) => fold.threshold === 0.51)).toBe(true);
    expect(accuracy).toBe(1);
    // What is recommended stands in the middle instead: same pairs at 0.5, different ones at 1.
    expect(threshold).toEqual({
      distance: 0.75,
      cosine: 1 - 0.375,
      range: { from: 0.5, to: 0.75 },
      accuracy: 1,
    });
  });

  it('reports mean and population deviation of the folds', () => {
    // Fold 1 is held out: rejecting all (threshold 0) is right for one pair of fold 2, and first of the
    // best; of fold 1 it is right for one of two. Fold 2 is held out: 0.21 is right for both pairs of
    // fold 1 and for none of fold 2. Accuracies 0.5 and 0: mean 0.25, each 0.25 away from it.
    const pairs: ScoredPair[] = [
      { distance: 0.2, same: true },
      { distance: 1.5, same: false },
      { distance: 1.5, same: true },
      { distance: 0.2, same: false },
    ];
    const folds = [
      { start: 0, end: 2 },
      { start: 2, end: 4 },
    ];
    const result = verify(pairs, { order: [0, 1, 2, 3], folds, isDealt: false });
    expect(result.folds.map((fold) => fold.threshold)).toEqual([0, 0.21]);
    expect(result.folds.map((fold) => fold.accuracy)).toEqual([0.5, 0]);
    expect(result.accuracy).toBe(0.25);
    expect(result.std).toBe(0.25);
  });

  it('leaves VAL open when there are no different pairs, and still gives the accuracy', () => {
    const result = verify(scored(new Array(10).fill(0.4)).map((p) => ({ ...p, same: true })));
    expect(result).toMatchObject({ accuracy: 1, std: 0, val: null, valStd: null, far: null });
    expect(result.folds).toHaveLength(10);
    expect(result.valReason).toBe('the pairs are all of one kind');
    expect(result.threshold).toBeNull();
  });

  it('gives VAL of a list that has all same pairs first, as of the same pairs in turn', () => {
    // 50 of each: same pairs at 0.1 to 0.5, different ones at 1.1 to 1.5, every fold with all of them.
    const pairs = Array.from({ length: 100 }, (_, i) => ({
      same: i < 50,
      distance: (i < 50 ? 0.1 : 1.1) + (i % 5) / 10,
    }));
    const result = verify(pairs);
    expect(result).toMatchObject({ isDealt: true, accuracy: 1, val: 1, valReason: null });
    expect(result.folds.map((fold) => fold.pairs)).toEqual(new Array(10).fill(10));
    const alternating = pairs.map(
      (_, i) => pairs[i % 2 === 0 ? i / 2 : 50 + (i - 1) / 2] as ScoredPair,
    );
    const { isDealt, folds, accuracy, std, val, far } = verify(alternating);
    expect(isDealt).toBe(false);
    expect({ accuracy, std, val, far }).toEqual({
      accuracy: result.accuracy,
      std: result.std,
      val: result.val,
      far: result.far,
    });
    expect(folds.map((fold) => fold.threshold)).toEqual(result.folds.map((fold) => fold.threshold));
  });

  it('says which fold has what when one kind has too few pairs', () => {
    const few = (same: number, different: number) =>
      verify([
        ...Array.from({ length: same }, () => ({ distance: 0.4, same: true })),
        ...Array.from({ length: different }, () => ({ distance: 1.4, same: false })),
      ]);
    expect(few(3, 37)).toMatchObject({
      val: null,
      valReason: 'a fold has no same pair: there are 3 for 10 folds',
    });
    expect(few(37, 3)).toMatchObject({
      val: null,
      valReason: 'a fold has all 3 different pairs: none is left to choose its threshold on',
    });
  });
});
