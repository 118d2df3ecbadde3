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

  /** Kinds of 10,000 values, the most that a file may state. */
  const many = (
    lifeOf: (i: number) => [first: number, last: number],
    bytes: (i: number) => number,
  ) => Array.from({ length: 10_000 }, (_, i) => tensor(`t${i}`, bytes(i), ...lifeOf(i)));
  it.each<[string, Lifetime[]]>([
    [
      'a chain',
      many(
        (i) => [i, i + 1],
        () => 640,
      ),
    ],
    [
      'all alive at once',
      many(
        (i) => [i, 10_000],
        () => 64,
      ),
    ],
    [
      'all alive, of all sizes',
      many(
        (i) => [i, 10_000],
        (i) => 64 + ((i * 7919) % 9973),
      ),
    ],
    [
      'nested',
      many(
        (i) => [i, 20_000 - i],
        (i) => 20_000 - i,
      ),
    ],
    [
      'lives and sizes of all kinds',
      many(
        (i) => [i, i + ((i * 31) % 997)],
        (i) => 1 + ((i * 53) % 5003),
      ),
    ],
  ])('takes well under a second for 10,000 tensors: %s', (_, all) => {
    // Processor time: the machine may have other things to do. The plain rule takes 60 s.
    const start = process.cpuUsage();
    const { bytes, lowerBoundBytes } = planArena(all);
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(900);
    expect(bytes).toBeGreaterThanOrEqual(lowerBoundBytes);
  });

  it('places as the plain rule does: the largest first, each at its lowest gap', () => {
    const property = fc.property(lifetimes, (all) => {
      const placed: (Lifetime & { offset: number })[] = [];
      for (const one of [...all].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
        const rivals = placed.filter((p) => p.first <= one.last && one.first <= p.last);
        const fits = (offset: number): boolean =>
          rivals.every((r) => {
            const end = r.offset + Math.ceil(r.bytes / 64) * 64;
            return offset + one.bytes <= r.offset || offset >= end;
          });
        const ends = rivals.map((r) => r.offset + Math.ceil(r.bytes / 64) * 64);
        const offset = [0, ...ends].sort((a, b) => a - b).find(fits) as number;
        placed.push({ ...one, offset });
      }
      const expected = new Map(placed.map(({ name, offset }) => [name, offset]));
      expect(planArena(all).offsets).toEqual(expected);
    });
    fc.assert(property, { seed: SEED, numRuns: 300 });
  });

  it('needs no byte for no tensors', () => {
    expect(planArena([])).toEqual({ offsets: new Map(), bytes: 0, lowerBoundBytes: 0 });
  });
});
