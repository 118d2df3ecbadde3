/**
 * Steps of normalisations while an importer walks over them: squares, norms of a whole value
 * (`norm-term.ts`) and norms of its locations (`location-norms.ts`), and what arithmetic makes of them.
 * Functions return undefined for what cannot be such a step; importers then refuse it by name.
 */

import type { Axis } from './axes.ts';
import type { GraphBuilder } from './graph-builder.ts';
import {
  channelNorms,
  channelSquares,
  equalizes,
  type LocationTerm,
  meanOf,
  powerOf,
  productOf,
} from './location-norms.ts';
import { atLeast, type NormTerm, normOf, plus, raised, sumOfSquares } from './norm-term.ts';

/** A value of the graph, as a file sees it. */
export interface Seen {
  readonly name: string;
  readonly axes: readonly Axis[];
}

/** x * x, of which a norm may come. */
export interface Square<Value extends Seen> {
  readonly kind: 'square';
  readonly of: Value;
}

/** One number for a value. */
export interface Norm {
  readonly kind: 'norm';
  readonly term: NormTerm;
}

/** One number per location of a picture. */
export interface Locations {
  readonly kind: 'locations';
  readonly term: LocationTerm;
  /** Of the picture whose locations they are. */
  readonly axes: readonly Axis[];
}

export type NormStep = Norm | Locations;

/** Largest eps beside a norm that counts as a guard: below f32's rounding for any |x| above 3. */
export const MAX_EPS = 1e-6;

/** The norm over the places `reduced` of x, or its square: of all values, or of each location's channels. */
export function reducedNorm(
  x: Seen,
  reduced: ReadonlySet<number>,
  form: 'norm' | 'squares',
): NormStep | undefined {
  const places = x.axes.flatMap((axis, place) => (axis === '1' ? [] : [place]));
  if (places.every((place) => reduced.has(place))) {
    return { kind: 'norm', term: form === 'norm' ? normOf(x.name) : sumOfSquares(x.name) };
  }
  const onlyChannels = places.every((place) => reduced.has(place) === (x.axes[place] === 'c'));
  if (!onlyChannels) return undefined;
  const term = form === 'norm' ? channelNorms(x.name) : channelSquares(x.name);
  return { kind: 'locations', term, axes: x.axes };
}

/** x / sqrt(sum of squares + eps), or with the larger of the two under the root. */
export function wholeNorm(of: string, eps: number, mode: 'add' | 'max'): Norm | undefined {
  const guard = mode === 'add' ? plus : atLeast;
  const sum = eps <= MAX_EPS ? guard(sumOfSquares(of), eps) : undefined;
  const term = sum && raised(sum, 0.5);
  return term && { kind: 'norm', term };
}

/** Over all locations: the places `reduced` must be those of height and width, whatever else they are. */
export function meanStep(
  step: Locations,
  reduced: ReadonlySet<number> | undefined,
): NormStep | undefined {
  const isPlace = (axis: Axis): boolean => axis === 'h' || axis === 'w';
  const all = step.axes.every((axis, place) => !isPlace(axis) || !reduced || reduced.has(place));
  const term = all ? meanOf(step.term) : undefined;
  return term && { ...step, term };
}

export function stepToPower(step: NormStep, power: number): NormStep | undefined {
  if (step.kind === 'norm') {
    const term = raised(step.term, power);
    return term && { kind: 'norm', term };
  }
  const term = powerOf(step.term, power);
  return term && { ...step, term };
}

export function stepTimes(a: NormStep, b: NormStep): NormStep | undefined {
  if (a.kind !== 'locations' || b.kind !== 'locations') return undefined;
  const term = productOf(a.term, b.term);
  return term && { ...a, term };
}

export function stepPlus(step: NormStep, added: number): NormStep | undefined {
  const term = step.kind === 'norm' ? plus(step.term, added) : undefined;
  return term && { kind: 'norm', term };
}

export function stepAtLeast(step: NormStep, floor: number): NormStep | undefined {
  const term = step.kind === 'norm' ? atLeast(step.term, floor) : undefined;
  return term && { kind: 'norm', term };
}

/** Appends x times a step that has come to be 1 / |x|, or the mean norm over that of each location. */
export function appendNormalised(
  builder: GraphBuilder,
  name: string,
  x: Seen,
  factor: NormStep,
): string | undefined {
  if (factor.term.of !== x.name) return undefined;
  if (factor.kind === 'norm') {
    return factor.term.exponent === -1 ? builder.l2Normalize(name, factor.term) : undefined;
  }
  const fits = equalizes(factor.term) && factor.axes.join() === x.axes.join();
  return fits ? builder.add({ op: 'equalize_norms', name, inputs: [x.name] }) : undefined;
}
