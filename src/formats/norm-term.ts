/**
 * The steps with which files spell x / |x| when they do not have one operator for it: squares, their
 * sum, its root, a floor that keeps 0 / 0 out, a reciprocal. Importers carry the term from step to step
 * and recognise the last, a division of x by |x| or a multiplication by 1 / |x|. Functions return
 * undefined for what cannot be such a step.
 */

/** max(|x|, eps) ** exponent, one number: 2 is the sum of squares, 1 the norm, -1 its reciprocal. */
export interface NormTerm {
  /** Name of x among the values of the graph. */
  readonly of: string;
  readonly exponent: number;
  readonly eps: number;
}

/** Far below what a norm of an embedding can be; keeps 0 / 0 out. */
export const NORM_EPS = 1e-12;
/**
 * Largest number that may be added to a norm or to a sum of squares. It is read as a floor, which leaves
 * the direction as it is; the length of a vector of length 1 changes by less than this number.
 */
const MAX_ADDED = 1e-5;
/** A floor above this one would be no guard but part of what the network computes. */
const MAX_FLOOR = 1e-2;

export function sumOfSquares(of: string): NormTerm {
  return { of, exponent: 2, eps: NORM_EPS };
}

export function normOf(of: string): NormTerm {
  return { of, exponent: 1, eps: NORM_EPS };
}

/** 0.5 is the root, -1 the reciprocal. */
export function raised(term: NormTerm, power: number): NormTerm | undefined {
  const exponent = term.exponent * power;
  return [-2, -1, 1, 2].includes(exponent) ? { ...term, exponent } : undefined;
}

/** The larger of the term and a constant. */
export function atLeast(term: NormTerm, floor: number): NormTerm | undefined {
  if (!(term.exponent > 0 && floor <= MAX_FLOOR)) return undefined;
  const eps = Math.max(floor, 0) ** (1 / term.exponent);
  return { ...term, eps: Math.max(term.eps, eps) };
}

/** The term plus a small constant. */
export function plus(term: NormTerm, added: number): NormTerm | undefined {
  return added >= 0 && added <= MAX_ADDED ? atLeast(term, added) : undefined;
}
