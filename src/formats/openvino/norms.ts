/**
 * L2 normalisation in OpenVINO's spellings: NormalizeL2 and Normalize, and its steps one by one: ReduceL2,
 * or squares, ReduceSum and a root, then a division. The same steps per location are norm-aware pooling.
 */

import { pairing } from '../axes.ts';
import {
  channelNorms,
  channelSquares,
  equalizes,
  type LocationTerm,
  meanOf,
  powerOf,
  productOf,
} from '../location-norms.ts';
import { atLeast, type NormTerm, normOf, plus, raised, sumOfSquares } from '../norm-term.ts';
import { flagOf, numberOf, textOf, unsupported } from './attributes.ts';
import type { Binary } from './constants.ts';
import { type IrContext, shownDims } from './context.ts';
import type { IrLayer } from './ir.ts';
import type { Activation, IrValue, Locations, Norm } from './values.ts';
import { averageOver } from './windows.ts';

/** Largest eps beside a norm that counts as a guard: below f32's rounding for any |x| above 3. */
const MAX_EPS = 1e-6;

/** Over all values of a picture: eps is added under the root, or a lower bound there. */
export function normalizeL2(layer: IrLayer, at: IrContext): IrValue {
  const x = at.activation(layer, 0);
  requireWhole(layer, x, reducedAxes(layer, at, x));
  const mode = textOf(layer, 'eps_mode', 'add');
  if (mode !== 'add' && mode !== 'max') throw unsupported(layer, 'eps_mode add or max', mode);
  return normalised(layer, at, x, numberOf(layer, 'eps'), mode);
}

/** Versions 5 to 7: y = x * weights / sqrt(sum of squares + eps). */
export function normalize(layer: IrLayer, at: IrContext): IrValue {
  const x = at.activation(layer, 0);
  const across = flagOf(layer, 'across_spatial', true);
  if (!across && x.axes.some((axis) => axis === 'h' || axis === 'w')) {
    throw unsupported(layer, 'across_spatial 1, or a vector', shownDims(x));
  }
  const shared = flagOf(layer, 'channel_shared', false);
  const scale = at.blobChannels(layer, 'weights', shared ? 1 : x.shape[0]);
  const unit = normalised(layer, at, x, numberOf(layer, 'eps', 0), 'add');
  return scale === undefined ? unit : at.affine(layer, unit, scale, 0);
}

function normalised(
  layer: IrLayer,
  at: IrContext,
  x: Activation,
  eps: number,
  mode: 'add' | 'max',
): Activation {
  const guard = mode === 'add' ? plus : atLeast;
  const sum = eps <= MAX_EPS ? guard(sumOfSquares(x.name), eps) : undefined;
  const term = sum && raised(sum, 0.5);
  if (term) return at.named(at.builder.l2Normalize(layer.name, term), x);
  throw unsupported(layer, `an eps of 0 to ${MAX_EPS}`, `${eps}`);
}

export function reduceL2(layer: IrLayer, at: IrContext): IrValue {
  const x = at.activation(layer, 0);
  const axes = reducedAxes(layer, at, x);
  if (isOverChannels(x, axes)) return locations(layer, x, channelNorms(x.name));
  requireWhole(layer, x, axes);
  return { kind: 'norm', term: normOf(x.name) };
}

/** Of squares only: a sum of anything else is not used in this family. */
export function reduceSum(layer: IrLayer, at: IrContext): IrValue {
  const square = at.input(layer, 0);
  if (square.kind !== 'square') throw unsupported(layer, 'a sum of squares', KINDS[square.kind]);
  const axes = reducedAxes(layer, at, square.of);
  if (isOverChannels(square.of, axes)) {
    return locations(layer, square.of, channelSquares(square.of.name));
  }
  requireWhole(layer, square.of, axes);
  return { kind: 'norm', term: sumOfSquares(square.of.name) };
}

export function reduceMean(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  if (value.kind === 'locations') return stepOf(layer, value, meanOf(value.term));
  const x = at.activation(layer, 0);
  return averageOver(layer, at, x, reducedAxes(layer, at, x));
}

export function sqrt(layer: IrLayer, at: IrContext): IrValue {
  return toPower(layer, at.input(layer, 0), 0.5);
}

/** x ** constant of opsets, (shift + scale * x) ** power of versions 5 to 7. */
export function power(layer: IrLayer, at: IrContext): IrValue {
  if (layer.inputs.length === 2) {
    const exponent = at.scalar(layer, 1);
    return exponent === 1 ? at.input(layer, 0) : toPower(layer, at.input(layer, 0), exponent);
  }
  const exponent = numberOf(layer, 'power', 1);
  const [scale, shift] = [numberOf(layer, 'scale', 1), numberOf(layer, 'shift', 0)];
  if (exponent === 1) return at.affine(layer, at.activation(layer, 0), scale, shift);
  const value = at.input(layer, 0);
  const shifted = value.kind === 'norm' && shift !== 0 ? guarded(layer, value, shift) : value;
  if (scale === 1 && (shift === 0 || shifted !== value)) return toPower(layer, shifted, exponent);
  throw unsupported(layer, 'power 1', `(${shift} + ${scale} * x) ** ${exponent}`);
}

/** What arithmetic with a step of a normalisation gives; undefined if neither operand is one. */
export function combineNorms(
  layer: IrLayer,
  at: IrContext,
  operator: Binary,
  a: IrValue,
  b: IrValue,
): IrValue | undefined {
  const isProduct = operator === 'Multiply';
  if (isProduct && isSame(a, b)) return { kind: 'square', of: a };
  const [norm, other] = isStep(a) ? [a, b] : [b, a];
  if (!isStep(norm)) return undefined;
  if (operator === 'Divide' && isStep(b)) return applied(layer, at, a, toPower(layer, b, -1));
  if (isProduct) return applied(layer, at, other, norm);
  if (operator === 'Add' && norm.kind === 'norm' && other.kind === 'constant') {
    return guarded(layer, norm, at.scalar(layer, norm === a ? 1 : 0));
  }
  throw unsupported(layer, 'a step of an L2 normalisation', `${operator} of a norm`);
}

/** x times a step that has come to be 1 / |x|, or the product of two steps. */
function applied(layer: IrLayer, at: IrContext, x: IrValue, factor: IrValue): IrValue {
  if (x.kind === 'locations' && factor.kind === x.kind) {
    return stepOf(layer, x, productOf(x.term, factor.term));
  }
  const isOwn = x.kind === 'activation' && isStep(factor) && factor.term.of === x.name;
  if (isOwn && factor.kind === 'norm' && factor.term.exponent === -1) {
    return at.named(at.builder.l2Normalize(layer.name, factor.term), x);
  }
  const sameAxes = isOwn && factor.kind === 'locations' && factor.axes.join() === x.axes.join();
  if (sameAxes && equalizes(factor.term)) {
    return at.emit({ op: 'equalize_norms', name: layer.name, inputs: [x.name] }, x);
  }
  throw unsupported(layer, 'a value over its own norm', KINDS[x.kind]);
}

function toPower(layer: IrLayer, value: IrValue, exponent: number): IrValue {
  if (value.kind === 'activation' && exponent === 2 && !value.integer) {
    return { kind: 'square', of: value };
  }
  if (value.kind === 'locations') {
    return stepOf(layer, value, powerOf(value.term, exponent));
  }
  const term = value.kind === 'norm' ? raised(value.term, exponent) : undefined;
  if (term) return { kind: 'norm', term };
  throw unsupported(
    layer,
    'a step of an L2 normalisation',
    `power ${exponent} of ${KINDS[value.kind]}`,
  );
}

function guarded(layer: IrLayer, { term }: Norm, added: number): Norm {
  const sum: NormTerm | undefined = plus(term, added);
  if (sum) return { kind: 'norm', term: sum };
  throw unsupported(layer, 'a small number added to a norm', `${added}`);
}

function isSame(a: IrValue, b: IrValue): a is Activation {
  if (a.kind !== 'activation' || b.kind !== 'activation' || a.integer) return false;
  return a.name === b.name && pairing(a, b) === 'elements';
}

function isStep(value: IrValue): value is Norm | Locations {
  return value.kind === 'norm' || value.kind === 'locations';
}

function stepOf(layer: IrLayer, value: Locations, term: LocationTerm | undefined): Locations {
  if (term) return { ...value, term };
  throw unsupported(layer, 'a step of norm-aware pooling', `another one of ${KINDS[value.kind]}`);
}

function locations(layer: IrLayer, { axes }: Activation, term: LocationTerm): Locations {
  if (flagOf(layer, 'keep_dims', false)) return { kind: 'locations', term, axes };
  throw unsupported(layer, 'keep_dims true', 'false');
}

function reducedAxes(layer: IrLayer, at: IrContext, x: Activation): ReadonlySet<number> {
  const rank = x.axes.length;
  const axes = at.integers(layer, 1).map((axis) => (axis < 0 ? axis + rank : axis));
  const odd = axes.find((axis) => !(axis >= 0 && axis < rank));
  if (odd === undefined) return new Set(axes);
  throw unsupported(layer, `axes of ${shownDims(x)}`, `${axes}`);
}

function isOverChannels(x: Activation, axes: ReadonlySet<number>): boolean {
  const others = x.axes.flatMap((axis, i) => (axis === 'c' || axis === '1' ? [] : [i]));
  const channels = x.axes.indexOf('c');
  return others.length > 0 && axes.has(channels) && others.every((i) => !axes.has(i));
}

/** Every axis but those of size 1 must be among `axes`. */
function requireWhole(layer: IrLayer, x: Activation, axes: ReadonlySet<number>): void {
  const whole = x.axes.every((axis, i) => axis === '1' || axes.has(i));
  if (whole) return;
  throw unsupported(layer, 'a norm of all values', `axes ${[...axes]} of ${shownDims(x)}`);
}

const KINDS: Readonly<Record<IrValue['kind'], string>> = {
  activation: 'an activation',
  constant: 'a constant',
  square: 'squares',
  norm: 'a norm',
  locations: 'norms of locations',
};
