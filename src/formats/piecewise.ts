/**
 * Rectifiers that a file spells out, relu(x) - a relu(-x), x and |x|, max(x, a x): values that are one
 * multiple of x where it is positive and another where it is negative. Looks back over the nodes that
 * compute a value; everything here is exact.
 */

import type { GraphBuilder } from './graph-builder.ts';

/** x >= 0 ? above * x : below * x, per channel. */
export interface Piecewise {
  /** Name of x among the values of the graph. */
  readonly of: string;
  readonly above: Float64Array;
  readonly below: Float64Array;
}

export type Slopes = Pick<Piecewise, 'above' | 'below'>;

/** Deeper than any spelling of a PReLU; a sum inside of one takes as many steps as a few others. */
const MAX_STEPS = 8;
const SUM_STEPS = 3;
/** More channels than any layer with an activation of its own. */
const MAX_CHANNELS = 4096;

/** `name` as a multiple of itself, of what it is computed from, and so on. */
export function piecewiseOf(builder: GraphBuilder, name: string, steps = MAX_STEPS): Piecewise[] {
  const channels = builder.shapeOf(name)[0];
  if (channels > MAX_CHANNELS) return [];
  const ones = new Float64Array(channels).fill(1);
  const found: Piecewise[] = [{ of: name, above: ones, below: ones }];
  for (let left = steps; left > 0; left--) {
    const last = found.at(-1) as Piecewise;
    const step = stepOf(builder, last.of, left - 1);
    if (!step) break;
    found.push({ of: step.of, ...composed(last, step) });
  }
  return found;
}

/** What one node does, where that is a multiple of its input on each side of 0. */
function stepOf(builder: GraphBuilder, name: string, steps: number): Piecewise | undefined {
  const node = builder.nodeOf(name);
  const [of = '', second = ''] = node?.inputs ?? [];
  if (node?.op === 'affine' && node.shift.every((t) => t === 0)) {
    return { of, above: node.scale, below: node.scale };
  }
  if (node?.op === 'prelu') return { of, above: node.slope.map(() => 1), below: node.slope };
  if (node?.op !== 'add') return undefined;
  return combinedPiecewise(builder, of, second, sumOf, steps - SUM_STEPS);
}

/** f(g(x)): the sign of g(x) says which side of f it meets. */
function composed(f: Slopes, g: Slopes): Slopes {
  const side = (positive: boolean, c: number): number =>
    (positive ? f.above : f.below)[c] as number;
  return {
    above: g.above.map((slope, c) => slope * side(slope >= 0, c)),
    below: g.below.map((slope, c) => slope * side(slope < 0, c)),
  };
}

export function sumOf(a: Slopes, b: Slopes): Slopes {
  return eachSide(a, b, (p, q) => p + q);
}

export function differenceOf(a: Slopes, b: Slopes): Slopes {
  return eachSide(a, b, (p, q) => p - q);
}

function eachSide(a: Slopes, b: Slopes, combine: (p: number, q: number) => number): Slopes {
  return {
    above: perChannel(a.above, b.above, combine),
    below: perChannel(a.below, b.below, combine),
  };
}

/** The nearest value of which both are multiples, with `combine` of their slopes there. */
export function combinedPiecewise(
  builder: GraphBuilder,
  a: string,
  b: string,
  combine: (a: Slopes, b: Slopes) => Slopes,
  steps = MAX_STEPS,
): Piecewise | undefined {
  const left = piecewiseOf(builder, a, steps);
  for (const right of piecewiseOf(builder, b, steps)) {
    const same = left.find(({ of }) => of === right.of);
    if (same) return { of: same.of, ...combine(same, right) };
  }
  return undefined;
}

export function perChannel(
  a: Float64Array,
  b: Float64Array,
  combine: (a: number, b: number) => number,
): Float64Array {
  return a.map((value, c) => combine(value, b[c] as number));
}

/**
 * Appends it as a PReLU and, where it does not leave positive values alone, a scale. Returns the name of
 * its value, undefined where a channel drops or turns what is positive.
 */
export function emitPiecewise(
  builder: GraphBuilder,
  name: string,
  { of, above, below }: Piecewise,
): string | undefined {
  if (above.every((slope, c) => slope === below[c])) return builder.affine(name, of, above, 0);
  if (!above.every((slope) => slope > 0)) return undefined;
  const slopes = perChannel(below, above, (down, up) => down / up);
  if (above.every((slope) => slope === 1)) return builder.prelu(name, of, slopes);
  return builder.affine(name, builder.prelu(`${name}/prelu`, of, slopes), above, 0);
}
