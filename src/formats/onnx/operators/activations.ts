/**
 * PRelu, LeakyRelu, Relu, Clip, Sigmoid. Slopes are per channel whatever their shape: the plain
 * MXNet export writes [C], which ONNX would align with the width.
 */

import { expect } from '../../../graph/limits.ts';
import { isPerChannel } from '../../broadcast.ts';
import { type Constant, numbersOf, scalarOf } from '../constant.ts';
import {
  type Activation,
  floatAttribute,
  hasChannelAxis,
  type OnnxContext,
  type OperatorImport,
  outputOf,
  unsupported,
  whereOf,
} from '../context.ts';
import type { OnnxNode } from '../model.ts';

const F32_MAX = 3.4028234663852886e38;

export const relu: OperatorImport = (node, context) =>
  rectify(node, context, channelled(node, context));

export function rectify(node: OnnxNode, context: OnnxContext, x: Activation): Activation {
  const y = context.emitPRelu(node, x, 0);
  context.nonNegative.add(y.name);
  return y;
}

export const leakyRelu: OperatorImport = (node, context) =>
  context.emitPRelu(node, channelled(node, context), floatAttribute(node, 'alpha', 0.01));

export const prelu: OperatorImport = (node, context) => {
  const x = channelled(node, context);
  const slope = context.constant(node, 1);
  if (slope.count === 1) return context.emitPRelu(node, x, scalarOf(slope, whereOf(node)));
  const { dims } = slope;
  const known = dims.length === 1 || isPerChannel(dims, x.dims.slice(1));
  const expected = `one slope or ${x.shape[0]} slopes, per channel`;
  expect(known, 'unsupported_operator', whereOf(node), expected, [...dims]);
  noteSlope(context, x, slope);
  return context.emitPRelu(node, x, context.vector(slope, x.shape[0], 'slopes', node));
};

function noteSlope(context: OnnxContext, x: Activation, slope: Constant): void {
  if (x.dims.length <= 2 || slope.dims.length !== 1) return;
  context.note('repaired: PRelu slopes of shape [C] are read as one per channel, [C, 1, 1]');
}

/** Bounds are attributes before opset 11 and inputs since. */
export const clip: OperatorImport = (node, context) => {
  const bound = (index: number, attribute: string, fallback: number): number => {
    const stated = context.optionalConstant(node, index);
    const value = stated
      ? scalarOf(stated, whereOf(node))
      : floatAttribute(node, attribute, fallback);
    return Math.min(Math.max(value, -F32_MAX), F32_MAX);
  };
  const value = context.input(node, 0);
  const min = bound(1, 'min', -F32_MAX);
  const max = bound(2, 'max', F32_MAX);
  expect(min <= max, 'bad_model', whereOf(node), `a maximum of at least ${min}`, max);
  if (value.kind === 'norm' && max >= 1e6 && min <= 1e-3) {
    return { ...value, eps: Math.max(value.eps, min) };
  }
  const x = context.activation(node, 0);
  const y = context.emit({ op: 'clip', name: outputOf(node), inputs: [x.name], min, max }, x.dims);
  if (min >= 0) context.nonNegative.add(y.name);
  return y;
};

export const sigmoid: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  const y = context.emit({ op: 'sigmoid', name: outputOf(node), inputs: [x.name] }, x.dims);
  context.nonNegative.add(y.name);
  return y;
};

/** The larger of the norm and a constant. */
export const max: OperatorImport = (node, context) => {
  const values = node.inputs.map((_, i) => context.input(node, i));
  const norm = values.find((value) => value.kind === 'norm');
  const constant = values.find((value) => value.kind === 'constant');
  if (values.length !== 2 || norm?.kind !== 'norm' || constant?.kind !== 'constant') {
    throw unsupported(node, 'the maximum of a norm and a constant', 'other inputs');
  }
  return { ...norm, eps: Math.max(norm.eps, numbersOf(constant.constant, whereOf(node))[0] ?? 0) };
};

export function channelled(node: OnnxNode, context: OnnxContext): Activation {
  const x = context.activation(node, 0);
  if (hasChannelAxis(x)) return x;
  throw unsupported(node, 'an input [1, C, ...] with channels on axis 1', `[${x.dims}]`);
}
