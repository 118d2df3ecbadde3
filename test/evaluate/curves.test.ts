import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rocCurve, scoreHistogram } from '../../src/evaluate/curves.ts';

const distance = fc.oneof(
  fc.double({ min: 0, max: 4, noNaN: true }),
  fc.integer({ min: 0, max: 20 }).map((k) => k / 5),
);
const pairs = fc
  .array(fc.record({ distance, same: fc.boolean() }), { minLength: 2, maxLength: 60 })
  .filter((list) => list.some((p) => p.same) && list.some((p) => !p.same));

describe('rocCurve', () => {
  it('has an area equal to the share of rightly ordered pairs of pairs, ties half', () => {
    fc.assert(
      fc.property(pairs, (list) => {
        const same = list.filter((p) => p.same);
        const different = list.filter((p) => !p.same);
        let right = 0;
        for (const s of same) {
          for (const d of different)
            right += s.distance < d.distance ? 1 : s.distance === d.distance ? 0.5 : 0;
        }
        expect(rocCurve(list)?.auc).toBeCloseTo(right / (same.length * different.length), 10);
      }),
      { seed: 12, numRuns: 200 },
    );
  });

  it('has points that are the rates at every distance, and an equal error rate on the curve', () => {
    fc.assert(
      fc.property(pairs, (list) => {
        const roc = rocCurve(list);
        if (roc === null) throw new Error('expected a curve');
        const rate = (same: boolean, limit: number): number => {
          const kind = list.filter((p) => p.same === same);
          return kind.filter((p) => p.distance <= limit).length / kind.length;
        };
        const limits = [...new Set(list.map((p) => p.distance))].sort((a, b) => a - b);
        expect(roc.points.slice(1).map(({ far, tar }) => [far, tar])).toEqual(
          limits.map((limit) => [rate(false, limit), rate(true, limit)]),
        );
        expect(roc.eer).toBeGreaterThanOrEqual(0);
        const touching = roc.points.slice(1).some((b, i) => {
          const a = roc.points[i] ?? b;
          const tar = 1 - roc.eer;
          const inside = roc.eer >= a.far - 1e-9 && roc.eer <= b.far + 1e-9;
          const area = (b.far - a.far) * (tar - a.tar) - (b.tar - a.tar) * (roc.eer - a.far);
          return inside && Math.abs(area) < 1e-9 && tar >= a.tar - 1e-9 && tar <= b.tar + 1e-9;
        });
        expect(touching).toBe(true);
      }),
      { seed: 13, numRuns: 200 },
    );
  });

  it('is null without same or without different pairs', () => {
    expect(rocCurve([{ distance: 1, same: true }])).toBeNull();
    expect(rocCurve([{ distance: 1, same: false }])).toBeNull();
  });
});

describe('scoreHistogram', () => {
  it('counts every pair once, the ends included', () => {
    const list = [0, 4, 2, 2.0000001, 1.99].map((d, i) => ({ distance: d, same: i % 2 === 0 }));
    const { same, different, from, width } = scoreHistogram(list, 4);
    expect([from, width]).toEqual([-1, 0.5]);
    expect(same).toEqual([0, 0, 2, 1]);
    expect(different).toEqual([1, 1, 0, 0]);
  });
});
