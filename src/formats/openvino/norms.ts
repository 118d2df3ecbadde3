/**
 * L2 normalisation in OpenVINO's spellings: NormalizeL2 and Normalize, and its steps one by one: ReduceL2,
 * or squares, ReduceSum and a root, then a division. The same steps per location are norm-aware pooling.
 */

import { pairing } from '../axes.ts';
import {
  appendNormalised,
  MAX_EPS,
  meanStep,
  type NormStep,
  reducedNorm,
  stepPlus,
  stepTimes,
  stepToPower,
  wholeNorm,
} from '../norm-steps.ts';
import { flagOf, numberOf, textOf, unsupported } from './attributes.ts';
import type { Binary } from './constants.ts';
import { type IrContext, shownDims } from './context.ts';
import type { IrLayer } from './ir.ts';
import type { Activation, IrValue } from './values.ts';
import { averageOver } from './windows.ts';

/** Over all values of a picture: eps is added under the root, or a lower bound there. */
export function normalizeL2(layer: IrLayer, at: IrContext): IrValue {
  const x = at.activation(layer, 0);
  if (reducedNorm(x, reducedAxes(layer, at, x), 'norm')?.kind !== 'norm') {
    throw unsupported(layer, 'a norm of all values', `some axes of ${shownDims(x)}`);
  }
  const mode = textOf(layer, 'eps_mode', 'add');
  if (mode !== 'add' && mode !== 'max') throw unsupported(layer, 'eps_mode add or max', mode);
  return normalised(layer, at, x, numberOf(layer, 'eps'), mode);
}

/** Versions 5 to 7: y = x * weights / sqrt(sum of squares + eps). */
export function normalize(layer: IrLayer, at: IrContext): IrValue {
  const x = at.activation(layer, 0);
  const across = flagOf(layer, 'across_spatial', false);
  if (!across && x.axes.some((axis) => axis === 'h' || axis === 'w')) {
    throw unsupported(layer, 'across_spatial 1, or a vector', shownDims(x));
  }
  const shared = flagOf(layer, 'channel_shared', false);
  const scale = at.blobChannels(layer, 'weights', x, !shared);
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
  const norm = wholeNorm(x.name, eps, mode);
  if (norm) return at.named(at.builder.l2Normalize(layer.name, norm.term), x);
  throw unsupported(layer, `an eps of 0 to ${MAX_EPS}`, `${eps}`);
}

export function reduceL2(layer: IrLayer, at: IrContext): IrValue {
  return reduced(layer, at, at.activation(layer, 0), 'norm');
}

/** Of squares only: a sum of anything else is not used in this family. */
export function reduceSum(layer: IrLayer, at: IrContext): IrValue {
  const square = at.input(layer, 0);
  if (square.kind === 'square') return reduced(layer, at, square.of, 'squares');
  throw unsupported(layer, 'a sum of squares', KINDS[square.kind]);
}

function reduced(layer: IrLayer, at: IrContext, x: Activation, form: 'norm' | 'squares'): NormStep {
  const step = reducedNorm(x, reducedAxes(layer, at, x), form);
  if (!step) throw unsupported(layer, 'a norm of all values', `some axes of ${shownDims(x)}`);
  if (step.kind === 'norm' || flagOf(layer, 'keep_dims', false)) return step;
  throw unsupported(layer, 'keep_dims true', 'false');
}

export function reduceMean(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  if (value.kind === 'locations') {
    const reduced = reducedAxes(layer, at, value);
    return stepOf(layer, meanStep(value, reduced), 'another mean of norms');
  }
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
  const value = at.input(layer, 0);
  if (exponent === 1 && !isStep(value)) {
    return at.affine(layer, at.activation(layer, 0), scale, shift);
  }
  if (scale === 1 && shift === 0) return toPower(layer, value, exponent);
  if (scale === 1 && isStep(value)) {
    return toPower(layer, guarded(layer, value, shift), exponent);
  }
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
  if (operator === 'Multiply' && isSame(a, b)) return { kind: 'square', of: a };
  const [step, other] = isStep(a) ? [a, b] : [b, a];
  if (!isStep(step)) return undefined;
  if (operator === 'Divide' && isStep(b)) {
    const inverse = toPower(layer, b, -1);
    const isOne = a.kind === 'constant' && at.scalar(layer, 0) === 1;
    return isOne ? inverse : applied(layer, at, a, inverse);
  }
  if (operator === 'Multiply') return applied(layer, at, other, step);
  if (operator === 'Add' && other.kind === 'constant') {
    return guarded(layer, step, at.scalar(layer, step === a ? 1 : 0));
  }
  throw unsupported(layer, 'a step of an L2 normalisation', `${operator} of ${KINDS[step.kind]}`);
}

/** x times a step that has come to be 1 / |x|, or the product of two steps. */
function applied(layer: IrLayer, at: IrContext, x: IrValue, factor: IrValue): IrValue {
  if (isStep(x) && isStep(factor)) {
    return stepOf(layer, stepTimes(x, factor), 'the product of two norms');
  }
  const name =
    x.kind === 'activation' && isStep(factor)
      ? appendNormalised(at.builder, layer.name, x, factor)
      : undefined;
  if (name !== undefined) return at.named(name, x as Activation);
  throw unsupported(layer, 'a value over its own norm', `${KINDS[x.kind]} over another`);
}

function toPower(layer: IrLayer, value: IrValue, exponent: number): IrValue {
  if (value.kind === 'activation' && exponent === 2 && !value.integer) {
    return { kind: 'square', of: value };
  }
  const step = isStep(value) ? stepToPower(value, exponent) : undefined;
  return stepOf(layer, step, `power ${exponent} of ${KINDS[value.kind]}`);
}

function guarded(layer: IrLayer, step: NormStep, added: number): NormStep {
  const sum = stepPlus(step, added);
  if (sum) return sum;
  throw unsupported(layer, 'a small number added to a norm', `${added}`);
}

function stepOf(layer: IrLayer, step: NormStep | undefined, got: string): NormStep {
  if (step) return step;
  throw unsupported(layer, 'a step of an L2 normalisation', got);
}

function isSame(a: IrValue, b: IrValue): a is Activation {
  if (a.kind !== 'activation' || b.kind !== 'activation' || a.integer) return false;
  return a.name === b.name && pairing(a, b) === 'elements';
}

function isStep(value: IrValue): value is NormStep {
  return value.kind === 'norm' || value.kind === 'locations';
}

function reducedAxes(
  layer: IrLayer,
  at: IrContext,
  { axes: seen }: Pick<Activation, 'axes'>,
): ReadonlySet<number> {
  const rank = seen.length;
  const axes = at.integers(layer, 1).map((axis) => (axis < 0 ? axis + rank : axis));
  const odd = axes.find((axis) => !(axis >= 0 && axis < rank));
  if (odd === undefined) return new Set(axes);
  throw unsupported(layer, `axes of ${rank} dimensions`, `${axes}`);
}

const KINDS: Readonly<Record<IrValue['kind'], string>> = {
  activation: 'an activation',
  constant: 'a constant',
  square: 'squares',
  norm: 'a norm',
  locations: 'norms of locations',
};
