/**
 * Add, Sub, Mul, Div and Sum: with a scalar or one value per channel an affine node; of two activations
 * a residual sum, a product, or the gate of an SE unit; of a value and its norm the L2 normalisation.
 */

import { combinedPiecewise, differenceOf, emitPiecewise, sumOf } from '../../piecewise.ts';
import { channelDim, haveSameLayout, isOnePixel, isRepeated } from '../activation.ts';
import type { Constant } from '../constant.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported } from '../refuse.ts';
import { type Activation, constantValue, describeValue, type Value } from '../values.ts';
import { channelConstant } from './channels.ts';
import { computeBinary } from './constant-math.ts';
import { scaledByDynamic } from './dynamic.ts';
import { divided, shifted, timesNorm } from './norm.ts';

export type Arithmetic = 'Add' | 'Sub' | 'Mul' | 'Div';

export const arithmetic: OperatorImport = (node, context) => {
  const [a, b] = [context.input(node, 0), context.input(node, 1)];
  return combine(node, context, node.opType as Arithmetic, a, b);
};

/** Any number of summands. */
export const sum: OperatorImport = (node, context) => {
  const values = node.inputs.map((_, i) => context.input(node, i));
  return values.reduce((a, b, i) => {
    const isLast = i === values.length - 1;
    const name = isLast ? outputOf(node) : `${outputOf(node)}/${i}`;
    return combine({ ...node, outputs: [name] }, context, 'Add', a, b);
  });
};

/** `node` is asked for its name and axis only, so that quantised forms can share this. */
export function combine(
  node: OnnxNode,
  context: OnnxContext,
  operator: Arithmetic,
  a: Value,
  b: Value,
): Value {
  if (a.kind === 'constant' && b.kind === 'constant') {
    return constantValue(computeBinary(operator, node, a.constant, b.constant));
  }
  const special =
    ofNorm(node, context, operator, a, b) ?? scaledByDynamic(node, context, operator, a, b);
  if (special) return special;
  const [x, y] = [a, b].map((value) => operand(node, context, value));
  if (y && 'constant' in y)
    return withConstant(node, context, operator, x as Activation, y.constant);
  if (x && 'constant' in x) {
    return constantFirst(node, context, operator, x.constant, y as Activation);
  }
  return ofTwo(node, context, operator, x as Activation, y as Activation);
}

function operand(
  node: OnnxNode,
  context: OnnxContext,
  value: Value,
): Activation | { readonly constant: Constant } {
  if (value.kind === 'constant') return value;
  const x = context.realised(value);
  if (x && !x.integers && !x.border) return x;
  throw unsupported(node, 'real numbers', describeValue(value));
}

/** x op c. */
function withConstant(
  node: OnnxNode,
  context: OnnxContext,
  operator: Arithmetic,
  x: Activation,
  constant: Constant,
): Activation {
  if (isRepeated(x)) throw unsupported(node, 'a value that is not repeated', `[${x.dims}]`);
  const [value, c] = channelConstant(node, context, x, constant);
  const map = (f: (value: number) => number): number | Float64Array =>
    typeof c === 'number' ? f(c) : c.map(f);
  switch (operator) {
    case 'Add':
      return context.emitAffine(node, value, 1, c);
    case 'Sub':
      return context.emitAffine(
        node,
        value,
        1,
        map((number) => -number),
      );
    case 'Mul':
      return context.emitAffine(node, value, c, 0);
    case 'Div':
      return context.emitAffine(
        node,
        value,
        map((number) => 1 / number),
        0,
      );
  }
}

/** c op x. */
function constantFirst(
  node: OnnxNode,
  context: OnnxContext,
  operator: Arithmetic,
  constant: Constant,
  x: Activation,
): Activation {
  if (operator === 'Div') throw unsupported(node, 'a constant divisor', 'a constant dividend');
  if (operator !== 'Sub') return withConstant(node, context, operator, x, constant);
  const [value, c] = channelConstant(node, context, x, constant);
  return context.emitAffine(node, value, -1, c);
}

function ofTwo(
  node: OnnxNode,
  context: OnnxContext,
  operator: Arithmetic,
  a: Activation,
  b: Activation,
): Value {
  if (operator === 'Mul') {
    const gated = gate(node, context, a, b) ?? gate(node, context, b, a);
    if (gated) return gated;
  }
  const same = haveSameLayout(a, b) && !isRepeated(a) && !isRepeated(b);
  if (!same || operator === 'Div') {
    throw unsupported(
      node,
      'a sum or product of equal shapes, or a product with one gate per channel',
      `${operator} of [${a.dims}] and [${b.dims}]`,
    );
  }
  // One of them may have been flattened.
  const [x, y] =
    a.shape.length === b.shape.length ? [a, b] : [a, b].map((v) => context.flat(v, node));
  const pair = [x as Activation, y as Activation] as const;
  if (operator !== 'Mul') return addition(node, context, operator, ...pair);
  if (a.name === b.name) return { kind: 'squares', name: outputOf(node), of: pair[0] };
  const inputs = pair.map(({ name }) => name);
  return context.emitLike({ op: 'mul', name: outputOf(node), inputs }, pair[0]);
}

function addition(
  node: OnnxNode,
  context: OnnxContext,
  operator: 'Add' | 'Sub',
  a: Activation,
  b: Activation,
): Activation {
  const sign = operator === 'Add' ? 1 : -1;
  const combine = sign === 1 ? sumOf : differenceOf;
  const piecewise = combinedPiecewise(context.builder, a.name, b.name, combine);
  const rectified = piecewise && emitPiecewise(context.builder, outputOf(node), piecewise);
  if (rectified) return context.like(a, rectified);
  const { builder } = context;
  const second = sign === 1 ? b.name : builder.affine(`${outputOf(node)}/negative`, b.name, -1, 0);
  const y = context.emitLike({ op: 'add', name: outputOf(node), inputs: [a.name, second] }, a);
  if (sign === 1 && isNonNegative(context, a) && isNonNegative(context, b)) {
    context.ranges.set(y.name, [0, Number.POSITIVE_INFINITY]);
  }
  return y;
}

function isNonNegative(context: OnnxContext, x: Activation): boolean {
  return (context.ranges.get(x.name)?.[0] ?? -1) >= 0;
}

/** [1, C, 1, 1] against [1, C, H, W], in whatever order the file has them, written out or not. */
function gate(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  by: Activation,
): Activation | undefined {
  const place = channelDim(x);
  const isGate = isOnePixel(by) && !isOnePixel(x) && by.extents[0] === x.extents[0];
  if (!isGate || isRepeated(x) || x.shape.length !== 3) return undefined;
  // Aligned at the end, the channel of both is at one place; a single channel may be anywhere.
  const fromEnd = place === undefined ? undefined : x.dims.length - place;
  const aligned =
    x.extents[0] === 1 ||
    (fromEnd !== undefined && fromEnd === by.dims.length - (channelDim(by) ?? -1));
  const within = by.dims.length <= x.dims.length;
  if (!aligned || !within) return undefined;
  return context.emitLike({ op: 'gate', name: outputOf(node), inputs: [x.name, by.name] }, x);
}

function ofNorm(
  node: OnnxNode,
  context: OnnxContext,
  operator: Arithmetic,
  a: Value,
  b: Value,
): Value | undefined {
  if (a.kind !== 'norm' && b.kind !== 'norm') return undefined;
  if (operator === 'Div') return divided(node, context, a, b);
  if (operator === 'Mul') return timesNorm(node, context, a, b);
  if (operator === 'Add') return shifted(node, a, b);
  throw unsupported(node, 'the norm as a divisor', `${operator} of a norm`);
}
