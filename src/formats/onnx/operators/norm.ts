/**
 * L2 normalisation, in one operator or spelled out: squares, their sum, its root, floors and summands
 * that keep 0 / 0 out, reciprocals, and the division or multiplication at the end. The steps in between
 * are no nodes of the graph (`norm-term.ts`); one that leads elsewhere is refused.
 */

import { expect } from '../../../graph/limits.ts';
import {
  atLeast,
  NORM_EPS,
  type NormTerm,
  normOf,
  plus,
  raised,
  sumOfSquares,
} from '../../norm-term.ts';
import { intAttribute } from '../attributes.ts';
import { scalarOf } from '../constant.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import { type Activation, describeValue, type Norm, type Value } from '../values.ts';
import { axisOf, reducedAxes } from './dims.ts';

/** x / |x| over all features. */
export const lpNormalization: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  const axis = axisOf(node, intAttribute(node, 'axis', -1), x.dims.length);
  const p = intAttribute(node, 'p', 2);
  if (!coversAll(x, [axis]) || p !== 2) {
    const got = `p ${p}, axis ${axis} of [${x.dims}]`;
    throw unsupported(node, 'the L2 norm over the features of [1, F]', got);
  }
  return normalized(node, context, x, { of: x.name, exponent: 1, eps: NORM_EPS });
};

/** The norm, as ReduceL2, or its square, as ReduceSumSquare. */
export const reduceNorm: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  requireAll(node, context, x);
  const name = withoutSigns(context, x.name);
  return norm(node.opType === 'ReduceL2' ? normOf(name) : sumOfSquares(name));
};

/** More than an exporter takes magnitudes of one value. */
const MAX_SIGNS = 4;

/** What has the same squares: exporters take |x| before they raise it to a power. */
function withoutSigns(context: OnnxContext, name: string): string {
  let value = name;
  for (let i = 0; i < MAX_SIGNS; i++) {
    const node = context.builder.nodeOf(value);
    const onlySigns =
      (node?.op === 'prelu' && node.slope.every((s) => Math.abs(s) === 1)) ||
      (node?.op === 'affine' &&
        node.scale.every((s, c) => Math.abs(s) === 1 && node.shift[c] === 0));
    if (!node || !onlySigns) break;
    value = node.inputs[0] as string;
  }
  return value;
}

/** The sum of squares, where `node` sums squares up; undefined where it does not. */
export function summedSquares(node: OnnxNode, context: OnnxContext): Norm | undefined {
  const value = context.input(node, 0);
  if (value.kind !== 'squares') return undefined;
  requireAll(node, context, value.of);
  return norm(sumOfSquares(withoutSigns(context, value.of.name)));
}

function requireAll(node: OnnxNode, context: OnnxContext, x: Activation): void {
  const axes = reducedAxes(node, x.dims.length, context.optionalConstant(node, 1));
  if (coversAll(x, axes)) return;
  throw unsupported(node, 'all features of a vector', `axes ${axes.join(', ')} of [${x.dims}]`);
}

/** The axes hold everything that is larger than 1. */
function coversAll(x: Activation, axes: readonly number[]): boolean {
  return x.dims.every((n, axis) => n === 1 || axes.includes(axis));
}

/** A power of a norm; x ** 2 is the square of a value. */
export const pow: OperatorImport = (node, context) => {
  const exponent = scalarOf(context.constant(node, 1), whereOf(node));
  return power(node, context, exponent);
};

export const sqrt: OperatorImport = (node, context) => power(node, context, 0.5);

export const reciprocal: OperatorImport = (node, context) => power(node, context, -1);

function power(node: OnnxNode, context: OnnxContext, exponent: number): Value {
  const value = context.input(node, 0);
  if (value.kind === 'norm') {
    const term = raised(value.term, exponent);
    if (term) return norm(term);
  } else if (exponent === 2) {
    return { kind: 'squares', name: outputOf(node), of: context.activation(node, 0) };
  }
  const expected = 'a step of an L2 normalisation, or a square';
  throw unsupported(node, expected, `${describeValue(value)} to the power of ${exponent}`);
}

/** x / |x|, or 1 / |x|. */
export function divided(node: OnnxNode, context: OnnxContext, a: Value, b: Value): Value {
  if (b.kind === 'norm') {
    const inverse = raised(b.term, -1);
    if (a.kind === 'constant' && inverse) {
      const dividend = scalarOf(a.constant, whereOf(node));
      expect(dividend === 1, 'unsupported_operator', whereOf(node), 'a dividend of 1', dividend);
      return norm(inverse);
    }
    if (inverse && inverse.exponent === -1) return ofSame(node, context, a, inverse);
  }
  throw unsupported(node, 'a division by the norm', `${describeValue(a)} by ${describeValue(b)}`);
}

/** x * (1 / |x|). */
export function timesNorm(node: OnnxNode, context: OnnxContext, a: Value, b: Value): Value {
  const [x, factor] = a.kind === 'norm' ? [b, a] : [a, b];
  if (factor.kind === 'norm' && factor.term.exponent === -1) {
    return ofSame(node, context, x, factor.term);
  }
  throw unsupported(node, 'the norm as a divisor', `${describeValue(x)} times a norm`);
}

function ofSame(node: OnnxNode, context: OnnxContext, value: Value, term: NormTerm): Value {
  const x = context.realised(value);
  if (x && withoutSigns(context, x.name) === term.of) return normalized(node, context, x, term);
  throw unsupported(node, 'a value divided by its own norm', `${describeValue(value)} by another`);
}

function normalized(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  term: NormTerm,
): Activation {
  return context.like(x, context.builder.l2Normalize(outputOf(node), { ...term, of: x.name }));
}

/** |x| + eps, which exporters write instead of max(|x|, eps). */
export function shifted(node: OnnxNode, a: Value, b: Value): Value {
  const [value, other] = a.kind === 'norm' ? [a, b] : [b, a];
  const added = other.kind === 'constant' ? scalarOf(other.constant, whereOf(node)) : Number.NaN;
  const term = value.kind === 'norm' ? plus(value.term, added) : undefined;
  if (term) return norm(term);
  const expected = 'a norm and at most 1e-5, which keeps it above 0';
  throw unsupported(node, expected, `${describeValue(other)} of ${added}`);
}

/** max(|x|, eps), by Max or Clip. */
export function floored(node: OnnxNode, value: Norm, floor: number): Norm {
  const term = atLeast(value.term, floor);
  if (term) return norm(term);
  throw unsupported(node, 'a floor that keeps a norm above 0', `${floor}`);
}

function norm(term: NormTerm): Norm {
  return { kind: 'norm', term };
}
