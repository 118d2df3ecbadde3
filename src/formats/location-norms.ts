/**
 * The steps with which files spell norm-aware pooling (GNAP): at every location p of a picture the norm
 * n = |x[:, p]| over the channels, the mean m of all norms, and x * m / n. Importers carry the term from
 * step to step and recognise the last. Functions return undefined for what cannot be such a step.
 *
 * Source: deepinsight/insightface, recognition/symbol/symbol_utils.py, fc_type 'GNAP'. MXNet takes the
 * mean over the whole batch; here it is that of one picture.
 */

/** m ** mean * n ** location, one number per location, or one for all where `location` is 0. */
export interface LocationTerm {
  /** Name of x among the values of the graph. */
  readonly of: string;
  readonly mean: number;
  readonly location: number;
}

/** Sum over the channels of x * x. */
export function channelSquares(of: string): LocationTerm {
  return { of, mean: 0, location: 2 };
}

export function channelNorms(of: string): LocationTerm {
  return { of, mean: 0, location: 1 };
}

export function powerOf(
  { of, mean, location }: LocationTerm,
  power: number,
): LocationTerm | undefined {
  const term = { of, mean: mean * power, location: location * power };
  const whole = [term.mean, term.location].every((n) => Number.isInteger(n) && Math.abs(n) <= 2);
  return whole ? term : undefined;
}

export function productOf(a: LocationTerm, b: LocationTerm): LocationTerm | undefined {
  if (a.of !== b.of) return undefined;
  return { of: a.of, mean: a.mean + b.mean, location: a.location + b.location };
}

/** Over all locations. */
export function meanOf({ of, mean, location }: LocationTerm): LocationTerm | undefined {
  return mean === 0 && location === 1 ? { of, mean: 1, location: 0 } : undefined;
}

/** Whether x times the term is x with equal norms everywhere. */
export function equalizes({ mean, location }: LocationTerm): boolean {
  return mean === 1 && location === -1;
}
