/**
 * MXNet's element-wise operators: each function appends to the graph and returns its value's name.
 * Constants of broadcast operators become one value per channel; what varies otherwise is refused.
 */

import { sizeOf } from '../../graph/limits.ts';
import { numberOf, textOf } from './attributes.ts';
import type { MxnetContext } from './context.ts';
import { requireInputs, requireThat } from './requirements.ts';
import type { SymbolNode } from './symbol.ts';

export function identity(node: SymbolNode, at: MxnetContext): string {
  return at.value(node, 0);
}

export function cast(node: SymbolNode, at: MxnetContext): string {
  const type = textOf(node, 'dtype', 'float32');
  requireThat(/^float(16|32|64)$/.test(type), node, 'dtype float16, float32 or float64', type);
  at.notes.add('Casts between float types are dropped: everything is computed in f32.');
  return at.value(node, 0);
}

/** x * scale(s) + shift(s) for the scalar s. */
function scalar(
  scale: (s: number) => number,
  shift: (s: number) => number,
): (node: SymbolNode, at: MxnetContext) => string {
  return (node, at) => {
    const s = numberOf(node, 'scalar');
    return at.builder.affine(node.name, at.value(node, 0), scale(s), shift(s));
  };
}

export function leakyRelu(node: SymbolNode, at: MxnetContext): string {
  const input = at.value(node, 0);
  const kind = textOf(node, 'act_type', 'leaky');
  if (kind === 'leaky') return at.builder.prelu(node.name, input, numberOf(node, 'slope', 0.25));
  requireThat(kind === 'prelu', node, 'act_type prelu or leaky', kind);
  const slope = at.parameter(node, 1, 'slopes');
  const shared = slope.shape.length === 1 && slope.shape[0] === 1;
  const channels = at.builder.shapeOf(input)[0];
  const values = at.vector(node, slope, shared ? 1 : channels, 'slopes');
  return at.builder.prelu(node.name, input, shared ? (values[0] as number) : values);
}

export function activation(node: SymbolNode, at: MxnetContext): string {
  const kind = textOf(node, 'act_type', '');
  if (kind === 'relu') return relu(node, at);
  requireThat(kind === 'sigmoid', node, 'act_type relu or sigmoid', kind);
  return sigmoid(node, at);
}

export function relu(node: SymbolNode, at: MxnetContext): string {
  return at.builder.prelu(node.name, at.value(node, 0), 0);
}

export function sigmoid(node: SymbolNode, at: MxnetContext): string {
  return at.builder.add({ op: 'sigmoid', name: node.name, inputs: [at.value(node, 0)] });
}

export function clip(node: SymbolNode, at: MxnetContext): string {
  const [min, max] = [numberOf(node, 'a_min'), numberOf(node, 'a_max')];
  return at.builder.add({ op: 'clip', name: node.name, inputs: [at.value(node, 0)], min, max });
}

/** Two activations, or an activation and a constant per channel. */
export function add(node: SymbolNode, at: MxnetContext): string {
  requireInputs(node, 2);
  for (const index of [0, 1]) {
    if (!at.isParameter(node, index)) continue;
    const value = at.value(node, 1 - index);
    return at.builder.affine(node.name, value, 1, at.channels(node, index, value));
  }
  const inputs = [at.value(node, 0), at.value(node, 1)];
  return at.builder.add({ op: 'add', name: node.name, inputs });
}

export function subtract(node: SymbolNode, at: MxnetContext): string {
  requireInputs(node, 2);
  const value = at.value(node, 0);
  return at.builder.affine(
    node.name,
    value,
    1,
    at.channels(node, 1, value).map((c) => -c),
  );
}

/** Activation and constant, or activation and gate [C, 1, 1], in either order. */
export function multiply(node: SymbolNode, at: MxnetContext): string {
  requireInputs(node, 2);
  for (const index of [0, 1]) {
    if (!at.isParameter(node, index)) continue;
    const value = at.value(node, 1 - index);
    return at.builder.affine(node.name, value, at.channels(node, index, value), 0);
  }
  const inputs = [at.value(node, 0), at.value(node, 1)] as const;
  const isGate = (value: string): boolean => {
    const shape = at.builder.shapeOf(value);
    return sizeOf(shape) === shape[0];
  };
  const ordered = isGate(inputs[1]) ? inputs : [inputs[1], inputs[0]];
  return at.builder.add({ op: 'gate', name: node.name, inputs: ordered });
}

export function divide(node: SymbolNode, at: MxnetContext): string {
  requireInputs(node, 2);
  const value = at.value(node, 0);
  return at.builder.affine(
    node.name,
    value,
    at.channels(node, 1, value).map((c) => 1 / c),
    0,
  );
}

export const plusScalar = scalar(
  () => 1,
  (s) => s,
);

export const minusScalar = scalar(
  () => 1,
  (s) => -s,
);

export const mulScalar = scalar(
  (s) => s,
  () => 0,
);

export const divScalar = scalar(
  (s) => 1 / s,
  () => 0,
);
