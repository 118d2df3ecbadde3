/**
 * Add, Sub, Mul and Div: with a scalar or one value per channel an affine node; of two activations
 * a residual sum or the gate of an SE unit; division by |x| the L2 normalisation.
 */

import type { ArcfaceError } from '../../../errors.ts';
import { expect } from '../../../graph/limits.ts';
import { isPerChannel } from '../../broadcast.ts';
import { type Constant, numbersOf, scalarOf } from '../constant.ts';
import {
  type Activation,
  hasChannelAxis,
  intAttribute,
  type OnnxContext,
  type OperatorImport,
  outputOf,
  unsupported,
  type Value,
  whereOf,
} from '../context.ts';
import type { OnnxNode } from '../model.ts';
import { computeConstants } from './constants.ts';

type Operator = 'Add' | 'Sub' | 'Mul' | 'Div';

export const arithmetic: OperatorImport = (node, context) =>
  combine(node, context, node.opType as Operator, context.input(node, 0), context.input(node, 1));

/** `node` is asked for its name only, so that quantised forms can share this. */
export function combine(
  node: OnnxNode,
  context: OnnxContext,
  operator: Operator,
  a: Value,
  b: Value,
): Value {
  if (a.kind === 'constant' && b.kind === 'constant') {
    return computeConstants({ ...node, opType: operator }, a.constant, b.constant);
  }
  if (operator === 'Div' && b.kind === 'norm') return normalize(node, context, a, b);
  if (a.kind === 'norm' || b.kind === 'norm') return shiftNorm(node, operator, a, b);
  if (b.kind === 'constant')
    return withConstant(node, context, operator, a as Activation, b.constant);
  if (a.kind === 'constant') return constantFirst(node, context, operator, a.constant, b);
  return ofTwo(node, context, operator, a, b);
}

/** x op c. */
function withConstant(
  node: OnnxNode,
  context: OnnxContext,
  operator: Operator,
  x: Activation,
  constant: Constant,
): Activation {
  const c = perChannel(node, context, x, constant);
  const map = (f: (value: number) => number): number | Float64Array =>
    typeof c === 'number' ? f(c) : c.map(f);
  switch (operator) {
    case 'Add':
      return context.emitAffine(node, x, 1, c);
    case 'Sub':
      return context.emitAffine(
        node,
        x,
        1,
        map((value) => -value),
      );
    case 'Mul':
      return context.emitAffine(node, x, c, 0);
    case 'Div':
      return context.emitAffine(
        node,
        x,
        map((value) => 1 / value),
        0,
      );
  }
}

/** c op x. */
function constantFirst(
  node: OnnxNode,
  context: OnnxContext,
  operator: Operator,
  constant: Constant,
  x: Activation,
): Activation {
  if (operator === 'Div') throw unsupported(node, 'a constant divisor', 'a constant dividend');
  if (operator !== 'Sub') return withConstant(node, context, operator, x, constant);
  return context.emitAffine(node, x, -1, perChannel(node, context, x, constant));
}

function ofTwo(
  node: OnnxNode,
  context: OnnxContext,
  operator: Operator,
  a: Activation,
  b: Activation,
): Activation {
  const name = outputOf(node);
  const same = a.dims.length === b.dims.length && a.dims.every((n, i) => n === b.dims[i]);
  if (operator === 'Add' && same) {
    return context.emit({ op: 'add', name, inputs: [a.name, b.name] }, a.dims);
  }
  if (operator === 'Mul' && hasChannelAxis(a) && hasChannelAxis(b)) {
    if (isGateOf(b, a)) return context.emit({ op: 'gate', name, inputs: [a.name, b.name] }, a.dims);
    if (isGateOf(a, b)) return context.emit({ op: 'gate', name, inputs: [b.name, a.name] }, b.dims);
  }
  throw unsupported(
    node,
    'a sum of equal shapes, or a product with one gate per channel',
    `${operator} of [${a.dims}] and [${b.dims}]`,
  );
}

/** [1, C, 1, 1] against [1, C, H, W]. */
function isGateOf(gate: Activation, x: Activation): boolean {
  const perChannelOnly = gate.dims.slice(2).every((n) => n === 1);
  return gate.dims.length === x.dims.length && gate.dims[1] === x.dims[1] && perChannelOnly;
}

/** A scalar, or one value per channel of `x` under ONNX's broadcasting; neither adds axes to `x`. */
function perChannel(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  constant: Constant,
): number | Float64Array {
  const where = whereOf(node);
  const expected = `one value or ${x.shape[0]} per channel of [${x.dims}]`;
  const refuse = (): ArcfaceError => unsupported(node, expected, `[${constant.dims}]`);
  if (constant.dims.length > x.dims.length) throw refuse();
  if (constant.count === 1) return scalarOf(constant, where);
  expect(hasChannelAxis(x), 'unsupported_operator', where, 'an input [1, C, ...]', [...x.dims]);
  const shape = placed(node, context, constant.dims, x.dims.length);
  if (!isPerChannel(shape, x.dims.slice(1))) throw refuse();
  return numbersOf(constant, where);
}

/** Before opset 7 attribute `axis` says where dimensions start; since then they end with x's. */
function placed(
  node: OnnxNode,
  context: OnnxContext,
  dims: readonly number[],
  rank: number,
): readonly number[] {
  const left = rank - dims.length;
  const axis = context.opset < 7 ? intAttribute(node, 'axis', left) : left;
  const trailing = left - Math.min(Math.max(0, axis), left);
  return [...dims, ...Array<number>(trailing).fill(1)];
}

function normalize(
  node: OnnxNode,
  context: OnnxContext,
  x: Value,
  norm: Extract<Value, { kind: 'norm' }>,
): Activation {
  const same = x.kind === 'activation' && x.name === norm.of.name;
  if (!same) throw unsupported(node, 'a division by the norm of the same value', 'another one');
  const { eps } = norm;
  return context.emit({ op: 'l2_normalize', name: outputOf(node), inputs: [x.name], eps }, x.dims);
}

/** |x| + eps, which exporters write instead of max(|x|, eps). */
function shiftNorm(node: OnnxNode, operator: Operator, a: Value, b: Value): Value {
  const [norm, other] = a.kind === 'norm' ? [a, b] : [b, a];
  const eps = other.kind === 'constant' ? scalarOf(other.constant, whereOf(node)) : Number.NaN;
  if (operator === 'Add' && norm.kind === 'norm' && eps >= 0 && eps <= 1e-6) {
    return { ...norm, eps: Math.max(norm.eps, eps) };
  }
  throw unsupported(node, 'the norm as a divisor', `${operator} of a norm`);
}
