import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScoredPair } from '../../src/evaluate/distances.ts';
import { separate } from '../../src/evaluate/separation.ts';

const accuracyAt = (pairs: readonly ScoredPair[], threshold: number): number =>
  pairs.filter((pair) => pair.distance < threshold === pair.same).length / pairs.length;

describe('separate', () => {
  it('stands in the middle of the gap, not at the lowest same pair', () => {
    const pairs = [0.2, 0.4, 0.6].map((distance) => ({ distance, same: true }));
    const others = [1.4, 1.5].map((distance) => ({ distance, same: false }));
    expect(separate([...pairs, ...others])).toEqual({
      distance: 1,
      cosine: 0.5,
      range: { from: 1 - 0.7, to: 1 - 0.3 },
      accuracy: 1,
    });
  });

  it('takes the widest of ranges that are equally good', () => {
    // Right above 0.1 and up to 0.2, and above 0.3 and up to 0.9, one pair is wrong.
    const pairs = [
      { distance: 0.1, same: true },
      { distance: 0.2, same: false },
      { distance: 0.3, same: true },
      { distance: 0.9, same: false },
    ];
    expect(separate(pairs)?.distance).toBeCloseTo(0.6, 12);
  });

  it('is as accurate as any threshold, and so is every one in its range', () => {
    const pair = fc.record({
      distance: fc.oneof(
        fc.double({ min: 0, max: 4, noNaN: true }),
        fc.integer({ min: 0, max: 8 }).map((k) => k / 2),
      ),
      same: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(pair, { minLength: 2, maxLength: 40 }), (pairs) => {
        const found = separate(pairs);
        const kinds = new Set(pairs.map(({ same }) => same)).size;
        expect(found === null).toBe(kinds < 2);
        if (found === null) return;
        const best = Math.max(
          ...[0, ...pairs.map(({ distance }) => distance), 4].map((t) => accuracyAt(pairs, t)),
          accuracyAt(pairs, 4.1),
        );
        // Pairs at 0 and 4, the very ends, leave no range beside them.
        const isInside = pairs.every(({ distance }) => distance > 0 && distance < 4);
        if (isInside) expect(found.accuracy).toBe(best);
        const [nearest, farthest] = [2 - 2 * found.range.to, 2 - 2 * found.range.from];
        for (const part of [0.01, 0.25, 0.5, 0.75, 0.99]) {
          const threshold = nearest + part * (farthest - nearest);
          if (farthest - nearest > 1e-9) expect(accuracyAt(pairs, threshold)).toBe(found.accuracy);
        }
      }),
      { seed: 8, numRuns: 500 },
    );
  });
});
