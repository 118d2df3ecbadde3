/** The spelled norm against what its steps compute. */

import { describe, expect, it } from 'vitest';
import {
  atLeast,
  type NormTerm,
  normOf,
  plus,
  raised,
  sumOfSquares,
} from '../../src/formats/norm-term.ts';

const stands = ({ exponent, eps }: NormTerm, norm: number): number =>
  Math.max(norm, eps) ** exponent;

describe('a norm that a file spells out', () => {
  it.each([0.5, 3, 20])('has the value of its steps for |x| = %d', (norm) => {
    const sum = sumOfSquares('x');
    expect(stands(sum, norm)).toBeCloseTo(norm ** 2, 12);
    expect(stands(raised(sum, 0.5) as NormTerm, norm)).toBeCloseTo(norm, 12);
    expect(stands(raised(sum, -0.5) as NormTerm, norm)).toBeCloseTo(1 / norm, 12);
    expect(stands(raised(normOf('x'), -1) as NormTerm, norm)).toBeCloseTo(1 / norm, 12);
    expect(stands(raised(normOf('x'), 2) as NormTerm, norm)).toBeCloseTo(norm ** 2, 12);
  });

  it('keeps a floor exactly, whether it stands under the root or behind it', () => {
    const under = raised(atLeast(sumOfSquares('x'), 1e-4) as NormTerm, 0.5) as NormTerm;
    expect(under).toMatchObject({ exponent: 1 });
    expect(under.eps).toBeCloseTo(1e-2, 12);
    const behind = atLeast(raised(sumOfSquares('x'), 0.5) as NormTerm, 1e-3) as NormTerm;
    expect(behind.eps).toBe(1e-3);
    expect(atLeast(behind, 1e-6)?.eps).toBe(1e-3);
  });

  it('takes a small summand for a floor, and says how far that is off', () => {
    const read = raised(plus(sumOfSquares('x'), 1e-5) as NormTerm, 0.5) as NormTerm;
    expect(Math.abs(1 / stands(read, 1) - 1 / Math.sqrt(1 + 1e-5))).toBeLessThan(1e-5);
    const behind = plus(normOf('x'), 1e-5) as NormTerm;
    expect(Math.abs(1 / stands(behind, 1) - 1 / (1 + 1e-5))).toBeLessThan(1e-5);
  });

  it('is nothing of the kind with other powers, summands or floors', () => {
    expect(raised(normOf('x'), 3)).toBeUndefined();
    expect(raised(sumOfSquares('x'), 0)).toBeUndefined();
    expect(plus(normOf('x'), 1)).toBeUndefined();
    expect(plus(normOf('x'), -1e-6)).toBeUndefined();
    expect(plus(normOf('x'), Number.NaN)).toBeUndefined();
    expect(atLeast(normOf('x'), 0.5)).toBeUndefined();
    expect(atLeast(raised(normOf('x'), -1) as NormTerm, 1e-6)).toBeUndefined();
  });
});
