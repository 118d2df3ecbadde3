/**
 * MXNet's operators that only rename, reshape or repeat: they flatten, or change how the file sees a
 * value. Anything that would move values about is refused.
 *
 * Source: apache/mxnet src/operator/tensor/matrix_op-inl.h (the numbers below 1 of Reshape).
 */

import { sizeOf } from '../../graph/limits.ts';
import { dimsOf, flatOrder, permuted, redimensioned, viewOf } from '../axes.ts';
import { axesOf, flagOf, numberOf, textOf, tupleOf } from './attributes.ts';
import { type MxnetContext, shownDims } from './context.ts';
import { requireThat } from './requirements.ts';
import type { SymbolNode } from './symbol.ts';
import type { Activation, MxnetValue } from './values.ts';

export function identity(node: SymbolNode, at: MxnetContext): MxnetValue {
  return at.input(node, 0);
}

/** Nothing where a network is used, unless it says `mode` always. */
export function dropout(node: SymbolNode, at: MxnetContext): MxnetValue {
  const mode = textOf(node, 'mode', 'training');
  requireThat(mode === 'training', node, 'mode training', mode);
  return at.input(node, 0);
}

export function cast(node: SymbolNode, at: MxnetContext): MxnetValue {
  const type = textOf(node, 'dtype', 'float32');
  const isFloat = /^(float(16|32|64)|bfloat16)$/.test(type);
  requireThat(isFloat, node, 'dtype float16, float32, float64 or bfloat16', type);
  at.notes.add('Casts between float types are dropped: everything is computed in f32.');
  return at.input(node, 0);
}

export function flatten(node: SymbolNode, at: MxnetContext): MxnetValue {
  const dims = dimsOf(at.value(node, 0));
  return withDims(node, at, [dims[0] ?? 1, sizeOf(dims.slice(1))]);
}

/** `shape`, or in old files `target_shape`. */
export function reshape(node: SymbolNode, at: MxnetContext): MxnetValue {
  for (const flag of ['reverse', 'keep_highest']) {
    requireThat(!flagOf(node, flag, false), node, `${flag} False`, 'True');
  }
  const target = tupleOf(node, 'shape') ?? tupleOf(node, 'target_shape') ?? [];
  const from = dimsOf(at.value(node, 0));
  const dims = resolved(target, from);
  const fits = dims !== undefined && sizeOf(dims) === sizeOf(from);
  requireThat(fits, node, `a shape of the ${sizeOf(from)} values of (${from})`, `(${target})`);
  return withDims(node, at, dims);
}

/** 0 copies an axis, -1 takes what is left, -2 copies all that follow, -3 joins two, -4 splits one. */
function resolved(target: readonly number[], from: readonly number[]): number[] | undefined {
  const dims: number[] = [];
  let axis = 0;
  for (let i = 0; i < target.length; i++) {
    const n = target[i] as number;
    if (n === -4) return undefined;
    if (n === -2) dims.push(...from.slice(axis));
    else if (n === -3) dims.push((from[axis] ?? 0) * (from[axis + 1] ?? 0));
    else dims.push(n === 0 ? (from[axis] ?? 0) : n);
    axis += n === -2 ? from.length : n === -3 ? 2 : 1;
  }
  const open = dims.indexOf(-1);
  if (open >= 0) {
    dims[open] = 1;
    dims[open] = sizeOf(from) / sizeOf(dims);
  }
  return dims.every((n) => Number.isInteger(n) && n >= 1) ? dims : undefined;
}

export function expandDims(node: SymbolNode, at: MxnetContext): MxnetValue {
  const value = at.input(node, 0);
  if (value.kind === 'norm') return value;
  const dims = dimsOf(at.value(node, 0));
  const stated = numberOf(node, 'axis');
  const axis = stated < 0 ? stated + dims.length + 1 : stated;
  requireThat(axis >= 0 && axis <= dims.length, node, `an axis of ${dims.length + 1}`, stated);
  return withDims(node, at, [...dims.slice(0, axis), 1, ...dims.slice(axis)]);
}

/** Axes of size 1: those that are named, or all. */
export function squeeze(node: SymbolNode, at: MxnetContext): MxnetValue {
  const value = at.input(node, 0);
  if (value.kind === 'norm') return value;
  const dims = dimsOf(at.value(node, 0));
  const axes = axesOf(node, 'axis')?.map((axis) => (axis < 0 ? axis + dims.length : axis));
  const sound = axes === undefined || axes.every((axis) => dims[axis] === 1);
  requireThat(sound, node, `axes of size 1 of (${dims})`, `(${axes})`);
  return withDims(
    node,
    at,
    dims.filter((n, axis) => (axes ? !axes.includes(axis) : n !== 1)),
  );
}

export function transpose(node: SymbolNode, at: MxnetContext): MxnetValue {
  const x = at.value(node, 0);
  const order = tupleOf(node, 'axes') ?? x.axes.map((_, i) => x.axes.length - 1 - i);
  const view = permuted(x, order);
  requireThat(view !== undefined, node, `an order of the axes of ${shownDims(x)}`, `(${order})`);
  return { ...x, ...view };
}

/** Of norms, which then stand for every value; a value that is repeated once is itself. */
export function repeated(node: SymbolNode, at: MxnetContext): MxnetValue {
  const value = at.input(node, 0);
  if (value.kind === 'norm' || value.kind === 'locations') return value;
  const reps = tupleOf(node, 'reps') ?? [0];
  requireThat(
    reps.every((n) => n === 1),
    node,
    'a norm to repeat',
    `reps (${reps})`,
  );
  return value;
}

/** The same values in order under other dimensions. */
function withDims(node: SymbolNode, at: MxnetContext, dims: readonly number[]): MxnetValue {
  const x = at.value(node, 0);
  const view = redimensioned(x, dims);
  if (view !== undefined && view !== 'flat') return { ...x, ...view };
  const expected = `a reshape of ${shownDims(x)} to (0, -1)`;
  requireThat(view === 'flat', node, expected, `(${dims})`);
  return flattened(node, at, x, dims);
}

function flattened(
  node: SymbolNode,
  at: MxnetContext,
  x: Activation,
  dims: readonly number[],
): Activation {
  requireThat(flatOrder(x) === 'channels first', node, 'channels first', shownDims(x));
  const name = at.builder.flatten(node.name, x.name);
  const axes = dims.map((n) => (n === 1 ? ('1' as const) : ('c' as const)));
  return at.seen(name, { ...viewOf(at.builder.shapeOf(name)), axes });
}
