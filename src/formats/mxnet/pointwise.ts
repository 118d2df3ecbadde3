/**
 * MXNet's element-wise operators: each function appends to the graph and returns its value. Constants
 * of broadcast operators become one value per channel; what varies otherwise is refused.
 */

import type { Tensor } from '../../graph/graph.ts';
import { pairing, withRank } from '../axes.ts';
import { stepAtLeast } from '../norm-steps.ts';
import { numberOf, textOf } from './attributes.ts';
import { type MxnetContext, shownDims } from './context.ts';
import { guardedStep, productOfSteps, quotientOfSteps } from './norms.ts';
import { requireInputs, requireThat } from './requirements.ts';
import type { SymbolNode } from './symbol.ts';
import type { Activation, MxnetValue } from './values.ts';

type Operator = (node: SymbolNode, at: MxnetContext) => MxnetValue;

/** No bound at all, for a value that is an f32. */
const F32_MAX = (2 - 2 ** -23) * 2 ** 127;

export function leakyRelu(node: SymbolNode, at: MxnetContext): MxnetValue {
  const x = at.value(node, 0);
  const kind = textOf(node, 'act_type', 'leaky');
  if (kind === 'leaky') return at.prelu(node, x, numberOf(node, 'slope', 0.25));
  requireThat(kind === 'prelu', node, 'act_type prelu or leaky', kind);
  const slope = at.parameter(node, 1, 'slopes');
  const shared = slope.shape.length === 1 && slope.shape[0] === 1;
  const onAxis1 = shared || (!x.channelsLast && x.axes[1] === 'c');
  requireThat(onAxis1, node, 'channels on axis 1', shownDims(x));
  const values = at.vector(node, slope, shared ? 1 : x.shape[0], 'slopes');
  return at.prelu(node, x, shared ? (values[0] as number) : values);
}

export function activation(node: SymbolNode, at: MxnetContext): MxnetValue {
  const kind = textOf(node, 'act_type', '');
  if (kind === 'relu') return relu(node, at);
  requireThat(kind === 'sigmoid', node, 'act_type relu or sigmoid', kind);
  return sigmoid(node, at);
}

export function relu(node: SymbolNode, at: MxnetContext): MxnetValue {
  return at.prelu(node, at.value(node, 0), 0);
}

export function sigmoid(node: SymbolNode, at: MxnetContext): MxnetValue {
  const x = at.value(node, 0);
  return at.emit({ op: 'sigmoid', name: node.name, inputs: [x.name] }, x);
}

export function clip(node: SymbolNode, at: MxnetContext): MxnetValue {
  return clipped(node, at, numberOf(node, 'a_min'), numberOf(node, 'a_max'));
}

export const maximumScalar: Operator = (node, at) => {
  const floor = numberOf(node, 'scalar');
  const value = at.input(node, 0);
  if (value.kind !== 'norm') return clipped(node, at, floor, F32_MAX);
  const step = stepAtLeast(value, floor);
  requireThat(step !== undefined, node, 'a small minimum of a norm', floor);
  return step;
};

export const minimumScalar: Operator = (node, at) =>
  clipped(node, at, -F32_MAX, numberOf(node, 'scalar'));

function clipped(node: SymbolNode, at: MxnetContext, min: number, max: number): Activation {
  const x = at.value(node, 0);
  return at.emit({ op: 'clip', name: node.name, inputs: [x.name], min, max }, x);
}

/** x * scale(s) + shift(s) for the scalar s. */
function scalar(scale: (s: number) => number, shift: (s: number) => number): Operator {
  return (node, at) => {
    const s = numberOf(node, 'scalar');
    return at.affine(node, at.value(node, 0), scale(s), shift(s));
  };
}

export const plusScalar: Operator = (node, at) => {
  const s = numberOf(node, 'scalar');
  const value = at.input(node, 0);
  const isStep = value.kind === 'norm' || value.kind === 'locations';
  return isStep ? guardedStep(node, value, s) : at.affine(node, at.value(node, 0), 1, s);
};

export const minusScalar = scalar(
  () => 1,
  (s) => -s,
);

/** s - x. */
export const fromScalar = scalar(
  () => -1,
  (s) => s,
);

export const mulScalar = scalar(
  (s) => s,
  () => 0,
);

export const divScalar = scalar(
  (s) => 1 / s,
  () => 0,
);

export const negative: Operator = (node, at) => at.affine(node, at.value(node, 0), -1, 0);

/** Two activations, or an activation and a constant per channel. */
export const add: Operator = (node, at) => {
  requireInputs(node, 2);
  const constant = constantSide(node, at);
  if (!constant) return sumOf(node, at, at.value(node, 0), at.value(node, 1));
  const [x, c] = operands(node, at, constant);
  return at.affine(node, x, 1, c);
};

/** Constants stand behind the minus, or in front of it. */
export const subtract: Operator = (node, at) => {
  requireInputs(node, 2);
  const constant = constantSide(node, at);
  if (!constant) {
    const b = at.value(node, 1);
    const minus = at.builder.affine(`${node.name}_negative`, b.name, -1, 0);
    return sumOf(node, at, at.value(node, 0), at.seen(minus, b));
  }
  const [x, c] = operands(node, at, constant);
  if (constant.index === 0) return at.affine(node, x, -1, c);
  return at.affine(
    node,
    x,
    1,
    mapped(c, (value) => -value),
  );
};

/** Activation and constant, two activations of one shape, or an activation and its gate per channel. */
export const multiply: Operator = (node, at) => {
  requireInputs(node, 2);
  const constant = constantSide(node, at);
  if (constant) {
    const [x, c] = operands(node, at, constant);
    return at.affine(node, x, c, 0);
  }
  const steps = productOfSteps(node, at, at.input(node, 0), at.input(node, 1));
  return steps ?? productOf(node, at, at.value(node, 0), at.value(node, 1));
};

/** By a constant, or by a norm. */
export const divide: Operator = (node, at) => {
  requireInputs(node, 2);
  const constant = constantSide(node, at);
  if (constant) {
    requireThat(constant.index === 1, node, 'a constant divisor', 'a constant dividend');
    const [x, c] = operands(node, at, constant);
    return at.affine(
      node,
      x,
      mapped(c, (value) => 1 / value),
      0,
    );
  }
  const steps = quotientOfSteps(node, at, at.input(node, 0), at.input(node, 1));
  requireThat(steps !== undefined, node, 'a division by a constant or a norm', 'another');
  return steps;
};

interface ConstantSide {
  readonly index: 0 | 1;
  readonly param: Tensor;
}

function constantSide(node: SymbolNode, at: MxnetContext): ConstantSide | undefined {
  for (const index of [0, 1] as const) {
    if (at.isParameter(node, index))
      return { index, param: at.parameter(node, index, 'a constant') };
  }
  return undefined;
}

/** The activation as the result sees it, and the constant's values. */
function operands(
  node: SymbolNode,
  at: MxnetContext,
  { index, param }: ConstantSide,
): [Activation, number | Float64Array] {
  const x = at.value(node, 1 - index);
  const view = withRank(x, param.shape.length);
  return [{ ...x, ...view }, at.channels(node, param, view)];
}

function mapped(c: number | Float64Array, f: (value: number) => number): number | Float64Array {
  return typeof c === 'number' ? f(c) : c.map(f);
}

function sumOf(node: SymbolNode, at: MxnetContext, a: Activation, b: Activation): Activation {
  const same = pairing(a, b) === 'elements';
  requireThat(same, node, 'a sum of equal shapes', `${shownDims(a)} and ${shownDims(b)}`);
  const inputs = [a.name, b.name];
  return at.emit({ op: 'add', name: node.name, inputs }, withRank(a, b.axes.length));
}

function productOf(node: SymbolNode, at: MxnetContext, a: Activation, b: Activation): Activation {
  const { name } = node;
  if (pairing(a, b) === 'elements') {
    return at.emit({ op: 'mul', name, inputs: [a.name, b.name] }, withRank(a, b.axes.length));
  }
  const [x, gate] = pairing(a, b) === 'gate' ? [a, b] : [b, a];
  const fits = pairing(x, gate) === 'gate';
  const got = `${shownDims(a)} and ${shownDims(b)}`;
  requireThat(fits, node, 'a product of equal shapes, or with one gate per channel', got);
  return at.emit({ op: 'gate', name, inputs: [x.name, gate.name] }, withRank(x, gate.axes.length));
}
