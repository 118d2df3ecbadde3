/** The memory planner, on lifetimes of any network and on hand-made ones. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Lifetime, planArena } from '../../src/compile/arena.ts';

const SEED = 20260308;

const lifetimes = fc
  .array(
    fc.record({ bytes: fc.integer({ min: 1, max: 5000 }), born: fc.nat(20), lives: fc.nat(10) }),
    { maxLength: 30 },
  )
  .map((all) =>
    all.map(({ bytes, born, lives }, i): Lifetime => {
      return { name: `t${i}`, bytes, first: born, last: born + lives };
    }),
  );

function tensor(name: string, bytes: number, first: number, last: number): Lifetime {
  return { name, bytes, first, last };
}

function collisions(all: readonly Lifetime[]): string[] {
  const { offsets } = planArena(all);
  const at = ({ name }: Lifetime): number => offsets.get(name) as number;
  return all.flatMap((a, i) =>
    all
      .slice(i + 1)
      .filter((b) => a.first <= b.last && b.first <= a.last)
      .filter((b) => at(a) < at(b) + b.bytes && at(b) < at(a) + a.bytes)
      .map((b) => `${a.name} and ${b.name}`),
  );
}

describe('planArena', () => {
  it('never lets two tensors that live at the same time overlap', () => {
    const property = fc.property(lifetimes, (all) => {
      expect(collisions(all)).toEqual([]);
    });
    fc.assert(property, { seed: SEED, numRuns: 500 });
  });

  it('holds every tensor, 64-byte aligned, in at least the lower bound of bytes', () => {
    const property = fc.property(lifetimes, (all) => {
      const { offsets, bytes, lowerBoundBytes } = planArena(all);
      expect(offsets.size).toBe(all.length);
      for (const one of all) {
        const offset = offsets.get(one.name) as number;
        expect(offset % 64).toBe(0);
        expect(offset).toBeGreaterThanOrEqual(0);
        expect(offset + one.bytes).toBeLessThanOrEqual(bytes);
      }
      expect(bytes).toBeGreaterThanOrEqual(lowerBoundBytes);
    });
    fc.assert(property, { seed: SEED, numRuns: 500 });
  });

  it('states as lower bound the largest sum of sizes at any step', () => {
    const property = fc.property(lifetimes, (all) => {
      const alive = (step: number): number =>
        all
          .filter((t) => t.first <= step && step <= t.last)
          .reduce((sum, t) => sum + Math.ceil(t.bytes / 64) * 64, 0);
      const most = Math.max(...Array.from({ length: 31 }, (_, step) => alive(step)));
      expect(planArena(all).lowerBoundBytes).toBe(most);
    });
    fc.assert(property, { seed: SEED, numRuns: 200 });
  });

  it('gives a chain of equal tensors two places, whatever its length', () => {
    const chain = Array.from({ length: 50 }, (_, i) => tensor(`t${i}`, 640, i, i + 1));
    expect(planArena(chain).bytes).toBe(1280);
  });

  it('needs no byte for no tensors', () => {
    expect(planArena([])).toEqual({ offsets: new Map(), bytes: 0, lowerBoundBytes: 0 });
  });
});
