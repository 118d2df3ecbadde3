/**
 * PRelu, LeakyRelu, Relu, Clip, Sigmoid and their relatives. Slopes are per channel whatever their
 * shape: the plain MXNet export writes [C], which ONNX would align with the width.
 */

import { expect } from '../../../graph/limits.ts';
import { combinedPiecewise, emitPiecewise, perChannel } from '../../piecewise.ts';
import { channelDim, haveSameLayout } from '../activation.ts';
import { floatAttribute } from '../attributes.ts';
import { type Constant, numbersOf, scalarOf } from '../constant.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import { type Activation, describeValue } from '../values.ts';
import { channelVector } from './channels.ts';
import { floored } from './norm.ts';

const F32_MAX = 3.4028234663852886e38;

export const relu: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  const y = context.emitPRelu(node, x, 0);
  context.ranges.set(y.name, [0, Math.max(0, context.ranges.get(x.name)?.[1] ?? F32_MAX)]);
  return y;
};

export const leakyRelu: OperatorImport = (node, context) =>
  context.emitPRelu(node, context.activation(node, 0), floatAttribute(node, 'alpha', 0.01));

/** |x| is x with a slope of -1. */
export const abs: OperatorImport = (node, context) =>
  context.emitPRelu(node, context.activation(node, 0), -1);

export const neg: OperatorImport = (node, context) =>
  context.emitAffine(node, context.activation(node, 0), -1, 0);

export const prelu: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  const slope = context.constant(node, 1);
  if (slope.count === 1) return context.emitPRelu(node, x, scalarOf(slope, whereOf(node)));
  const [value, slopes] = slopesOf(node, context, x, slope);
  return context.emitPRelu(node, value, slopes);
};

function slopesOf(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  slope: Constant,
): [Activation, Float64Array] {
  const wide = slope.dims.flatMap((n, i) =>
    n === 1 ? [] : [i + x.dims.length - slope.dims.length],
  );
  const [place] = wide;
  const aligned = wide.length === 1 && place !== undefined && slope.count === x.dims[place];
  const values = numbersOf(slope, whereOf(node));
  const found = aligned && channelVector(node, context, x, place, values);
  if (found) return found;
  const channel = channelDim(x);
  const isVector = slope.dims.length === 1 && channel !== undefined;
  const expected = `one slope or ${x.shape[0]} slopes, per channel`;
  expect(isVector, 'unsupported_operator', whereOf(node), expected, [...slope.dims]);
  context.note('repaired: PRelu slopes of shape [C] are read as one per channel, [C, 1, 1]');
  return [x, context.vector(slope, x.shape[0], 'slopes', node)];
}

/** Bounds are attributes before opset 11 and inputs since. */
export const clip: OperatorImport = (node, context) => {
  const bound = (index: number, attribute: string, fallback: number): number => {
    const stated = context.optionalConstant(node, index);
    return stated ? scalarOf(stated, whereOf(node)) : floatAttribute(node, attribute, fallback);
  };
  return clipTo(node, context, bound(1, 'min', -F32_MAX), bound(2, 'max', F32_MAX));
};

function clipTo(node: OnnxNode, context: OnnxContext, low: number, high: number) {
  const [min, max] = [low, high].map((v) => Math.min(Math.max(v, -F32_MAX), F32_MAX)) as [
    number,
    number,
  ];
  expect(min <= max, 'bad_model', whereOf(node), `a maximum of at least ${min}`, max);
  const value = context.input(node, 0);
  if (value.kind === 'norm' && max >= 1e6) return floored(node, value, min);
  return emitClip(node, context, context.activation(node, 0), min, max);
}

export function emitClip(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  min: number,
  max: number,
): Activation {
  const y = context.emitLike({ op: 'clip', name: outputOf(node), inputs: [x.name], min, max }, x);
  context.ranges.set(y.name, [min, max]);
  return y;
}

export const sigmoid: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  const y = context.emitLike({ op: 'sigmoid', name: outputOf(node), inputs: [x.name] }, x);
  context.ranges.set(y.name, [0, 1]);
  return y;
};

/** min(max(alpha * x + beta, 0), 1). */
export const hardSigmoid: OperatorImport = (node, context) => {
  const [alpha, beta] = [floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)];
  return hardSigmoidOf(node, context, context.activation(node, 0), alpha, beta);
};

function hardSigmoidOf(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  alpha: number,
  beta: number,
): Activation {
  const linear = { ...node, outputs: [`${outputOf(node)}/linear`] };
  return emitClip(node, context, context.emitAffine(linear, x, alpha, beta), 0, 1);
}

/** x * min(max(x / 6 + 1 / 2, 0), 1). */
export const hardSwish: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  const gate = { ...node, outputs: [`${outputOf(node)}/gate`] };
  const { name } = hardSigmoidOf(gate, context, x, 1 / 6, 0.5);
  return context.emitLike({ op: 'mul', name: outputOf(node), inputs: [x.name, name] }, x);
};

/** Max or Min of a value and a constant, of a norm and a floor, or of two multiples of one value. */
export const extremum: OperatorImport = (node, context) => {
  const values = node.inputs.map((_, i) => context.input(node, i));
  const shown = values.map(describeValue).join(' and ');
  const isMax = node.opType === 'Max';
  const index = values.findIndex(({ kind }) => kind === 'constant');
  const constant = values[index];
  if (values.length === 1) return context.activation(node, 0);
  if (values.length !== 2) throw unsupported(node, 'two values', shown);
  if (constant?.kind === 'constant') {
    const bound = scalarOf(constant.constant, whereOf(node));
    const first = { ...node, inputs: [node.inputs[1 - index] ?? ''] };
    return isMax ? clipTo(first, context, bound, F32_MAX) : clipTo(first, context, -F32_MAX, bound);
  }
  const [a, b] = [context.activation(node, 0), context.activation(node, 1)];
  const [outer, inner] = isMax ? [Math.max, Math.min] : [Math.min, Math.max];
  const rectified =
    haveSameLayout(a, b) &&
    combinedPiecewise(context.builder, a.name, b.name, (x, y) => ({
      above: perChannel(x.above, y.above, outer),
      below: perChannel(x.below, y.below, inner),
    }));
  const name = rectified && emitPiecewise(context.builder, outputOf(node), rectified);
  if (name) return context.like(a, name);
  throw unsupported(node, 'a value and a constant, or two multiples of one value', shown);
};
