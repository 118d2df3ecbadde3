import { describe, expect, it } from 'vitest';
import {
  checkChannelOrder,
  type OrderSample,
  sampleForOrder,
} from '../../src/evaluate/channel-order.ts';

/** Cosines with noise from a seeded generator; `loss` is what the worse order loses. */
function sample(perKind: number, lossAsGiven: number, lossSwapped: number): OrderSample[] {
  let state = 12345;
  const noise = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return Array.from({ length: 2 * perKind }, (_, i) => {
    const same = i % 2 === 0;
    const shared = (same ? 0.65 : 0) + 0.4 * noise();
    const score = (loss: number): number => shared - (same ? loss : 0) + 0.05 * noise();
    return { same, asGiven: score(lossAsGiven), swapped: score(lossSwapped) };
  });
}

/** d' from its definition. */
function separation(pairs: readonly OrderSample[], key: 'asGiven' | 'swapped'): number {
  const of = (same: boolean): number[] => pairs.filter((p) => p.same === same).map((p) => p[key]);
  const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length;
  const variance = (v: readonly number[]): number => mean(v.map((x) => (x - mean(v)) ** 2));
  return (
    (mean(of(true)) - mean(of(false))) / Math.sqrt((variance(of(true)) + variance(of(false))) / 2)
  );
}

describe('checkChannelOrder', () => {
  it('names the order that separates clearly better, whichever it is', () => {
    expect(checkChannelOrder(sample(64, 0.15, 0)).verdict).toBe('swapped');
    expect(checkChannelOrder(sample(64, 0, 0.15)).verdict).toBe('as-given');
  });

  it('stays undecided on noise', () => {
    const check = checkChannelOrder(sample(64, 0, 0));
    expect(check.verdict).toBe('undecided');
    expect(check.separation).not.toBeNull();
  });

  it("reports d' of both orders and the jackknife error of their difference", () => {
    const pairs = sample(20, 0.1, 0);
    const check = checkChannelOrder(pairs);
    expect(check.separation?.asGiven).toBeCloseTo(separation(pairs, 'asGiven'), 9);
    expect(check.separation?.swapped).toBeCloseTo(separation(pairs, 'swapped'), 9);
    const leads = pairs.map((_, i) => {
      const rest = pairs.filter((__, k) => k !== i);
      return separation(rest, 'swapped') - separation(rest, 'asGiven');
    });
    const mean = leads.reduce((a, b) => a + b, 0) / leads.length;
    const squares = leads.reduce((a, b) => a + (b - mean) ** 2, 0);
    const expected = Math.sqrt((squares * (leads.length - 1)) / leads.length);
    expect(check.standardError).toBeCloseTo(expected, 9);
  });

  it('does not judge a sample without different pairs, and says what it needs', () => {
    const check = checkChannelOrder(sample(64, 0.15, 0).filter((pair) => pair.same));
    expect(check).toMatchObject({ verdict: 'undecided', separation: null, standardError: null });
    expect(check.reason).toContain('different pairs');
  });

  it('is undecided when every embedding is the same', () => {
    const pairs = sample(20, 0, 0).map((pair) => ({ ...pair, asGiven: 1, swapped: 1 }));
    expect(checkChannelOrder(pairs).verdict).toBe('undecided');
  });
});

describe('sampleForOrder', () => {
  it('spreads both kinds evenly and takes what there is', () => {
    const labels = Array.from({ length: 1200 }, (_, i) => i % 600 < 300);
    const chosen = sampleForOrder(labels, 4);
    expect(chosen).toEqual([0, 150, 300, 450, 600, 750, 900, 1050]);
    expect(sampleForOrder([true, true, false], 10)).toEqual([0, 1, 2]);
  });
});
