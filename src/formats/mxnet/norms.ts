/**
 * L2 normalisation and norm-aware pooling in MXNet's spellings: L2Normalization, or square, sum, sqrt
 * and a division, in its many names.
 *
 * Source: apache/mxnet src/operator/l2_normalization-inl.h (eps under the root).
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
import { axesOf, flagOf, numberOf, textOf } from './attributes.ts';
import { type MxnetContext, shownDims } from './context.ts';
import { requireThat } from './requirements.ts';
import type { SymbolNode } from './symbol.ts';
import type { Activation, MxnetValue } from './values.ts';

/** `mode` instance counts all values of a picture, channel those of a location, spatial of a channel. */
export function l2Normalization(node: SymbolNode, at: MxnetContext): MxnetValue {
  const mode = textOf(node, 'mode', 'instance');
  const x = at.value(node, 0);
  const onePixel = x.axes.length > 2 && x.axes.every((axis) => axis === 'c' || axis === '1');
  const whole = mode === 'instance' || (mode === 'channel' && onePixel);
  requireThat(whole, node, 'mode instance', `${mode} of ${shownDims(x)}`);
  const eps = numberOf(node, 'eps', 1e-10);
  const norm = wholeNorm(x.name, eps, 'add');
  requireThat(norm !== undefined, node, `an eps of 0 to ${MAX_EPS}`, eps);
  return at.seen(at.builder.l2Normalize(node.name, norm.term), x);
}

export function square(node: SymbolNode, at: MxnetContext): MxnetValue {
  return toPower(node, at.input(node, 0), 2);
}

export function powerScalar(node: SymbolNode, at: MxnetContext): MxnetValue {
  const exponent = numberOf(node, 'scalar');
  const value = at.input(node, 0);
  return exponent === 1 ? value : toPower(node, value, exponent);
}

/** 1 / x, of a norm. */
export function reciprocalScalar(node: SymbolNode, at: MxnetContext): MxnetValue {
  const dividend = numberOf(node, 'scalar');
  requireThat(dividend === 1, node, 'scalar 1', dividend);
  return toPower(node, at.input(node, 0), -1);
}

/** A step of a normalisation to a power that an operator's name says: sqrt, rsqrt, reciprocal. */
export function stepPower(exponent: number): (node: SymbolNode, at: MxnetContext) => MxnetValue {
  return (node, at) => toPower(node, at.input(node, 0), exponent);
}

/** `ord` 2 over `axis`, or over everything. */
export function norm(node: SymbolNode, at: MxnetContext): MxnetValue {
  const ord = numberOf(node, 'ord', 2);
  requireThat(ord === 2, node, 'ord 2', ord);
  return reduced(node, at.value(node, 0), 'norm');
}

/** Of squares only: a sum of anything else is not used in this family. */
export function sum(node: SymbolNode, at: MxnetContext): MxnetValue {
  const value = at.input(node, 0);
  requireThat(value.kind === 'square', node, 'a sum of squares', KINDS[value.kind]);
  return reduced(node, value.of, 'squares');
}

/** Of a picture over height and width, or of the norms of all locations. */
export function mean(node: SymbolNode, at: MxnetContext): MxnetValue {
  const value = at.input(node, 0);
  if (value.kind === 'locations') {
    return stepOf(node, meanStep(value, reducedAxes(node, value)), 'another mean of norms');
  }
  const x = at.picture(node, 0);
  const axes = reducedAxes(node, x);
  const spatial = axes.size === 2 && axes.has(2) && axes.has(3);
  requireThat(spatial, node, 'a mean over the axes 2 and 3', `(${[...axes]})`);
  const pooled = at.emit({ op: 'global_average_pool', name: node.name, inputs: [x.name] });
  const keeps = flagOf(node, 'keepdims', false);
  return keeps ? pooled : { ...pooled, axes: pooled.axes.slice(0, 2) };
}

function reduced(node: SymbolNode, x: Activation, form: 'norm' | 'squares'): NormStep {
  const step = reducedNorm(x, reducedAxes(node, x), form);
  requireThat(step !== undefined, node, 'a norm of all values', `one of some of ${shownDims(x)}`);
  const fits = step.kind === 'norm' || flagOf(node, 'keepdims', false);
  requireThat(fits, node, 'keepdims True', 'False');
  return step;
}

/** All axes where none are named. */
function reducedAxes(node: SymbolNode, x: Pick<Activation, 'axes'>): ReadonlySet<number> {
  requireThat(!flagOf(node, 'exclude', false), node, 'exclude False', 'True');
  const rank = x.axes.length;
  const stated = axesOf(node, 'axis') ?? x.axes.map((_, axis) => axis);
  const axes = stated.map((axis) => (axis < 0 ? axis + rank : axis));
  const sound = axes.every((axis) => axis >= 0 && axis < rank);
  requireThat(sound, node, `axes of ${rank} dimensions`, `(${stated})`);
  return new Set(axes);
}

/** What a product with a step of a normalisation gives, or of a value with itself; undefined for others. */
export function productOfSteps(
  node: SymbolNode,
  at: MxnetContext,
  a: MxnetValue,
  b: MxnetValue,
): MxnetValue | undefined {
  if (a.kind === 'activation' && b.kind === 'activation') {
    const same = a.name === b.name && pairing(a, b) === 'elements';
    return same ? { kind: 'square', of: a } : undefined;
  }
  if (isStep(b)) return applied(node, at, a, b);
  return isStep(a) ? applied(node, at, b, a) : undefined;
}

export function quotientOfSteps(
  node: SymbolNode,
  at: MxnetContext,
  a: MxnetValue,
  b: MxnetValue,
): MxnetValue | undefined {
  return isStep(b) ? applied(node, at, a, toPower(node, b, -1)) : undefined;
}

/** A small number that keeps a norm from being 0. */
export function guardedStep(node: SymbolNode, value: MxnetValue, added: number): MxnetValue {
  const step = isStep(value) ? stepPlus(value, added) : undefined;
  return stepOf(node, step, `${added} added to ${KINDS[value.kind]}`);
}

function applied(
  node: SymbolNode,
  at: MxnetContext,
  x: MxnetValue,
  factor: MxnetValue,
): MxnetValue {
  if (isStep(x) && isStep(factor)) {
    return stepOf(node, stepTimes(x, factor), 'the product of two norms');
  }
  const name =
    x.kind === 'activation' && isStep(factor)
      ? appendNormalised(at.builder, node.name, x, factor)
      : undefined;
  const got = `${KINDS[x.kind]} over another`;
  requireThat(name !== undefined, node, 'a value over its own norm', got);
  return at.seen(name, x as Activation);
}

function toPower(node: SymbolNode, value: MxnetValue, exponent: number): MxnetValue {
  if (value.kind === 'activation' && exponent === 2) return { kind: 'square', of: value };
  const step = isStep(value) ? stepToPower(value, exponent) : undefined;
  return stepOf(node, step, `power ${exponent} of ${KINDS[value.kind]}`);
}

function stepOf(node: SymbolNode, step: NormStep | undefined, got: string): NormStep {
  requireThat(step !== undefined, node, 'a step of an L2 normalisation', got);
  return step;
}

function isStep(value: MxnetValue): value is NormStep {
  return value.kind === 'norm' || value.kind === 'locations';
}

const KINDS: Readonly<Record<MxnetValue['kind'], string>> = {
  activation: 'an activation',
  square: 'squares',
  norm: 'a norm',
  locations: 'norms of locations',
};
