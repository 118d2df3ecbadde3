/**
 * Operators that only rearrange: flatten and its many spellings, reshapes and transposes that move
 * no data, and the same on constants. Refuses what would move activations in memory.
 */

import { expect, sizeOf } from '../../../graph/limits.ts';
import { type Constant, intsOf, reshaped, tensorOf, transposed2d } from '../constant.ts';
import {
  type Activation,
  intAttribute,
  intsAttribute,
  isPlain,
  type OnnxContext,
  type OperatorImport,
  outputOf,
  unsupported,
  type Value,
  whereOf,
} from '../context.ts';
import type { OnnxNode } from '../model.ts';

export const flatten: OperatorImport = (node, context) => {
  const x = context.activation(node, 0);
  const axis = axisOf(node, intAttribute(node, 'axis', 1), x.dims.length + 1);
  const rows = sizeOf(x.dims.slice(0, axis));
  return redimension(node, context, x, [rows, sizeOf(x.dims) / rows]);
};

export const reshape: OperatorImport = (node, context) => {
  const target = intsAttribute(node, 'shape') ?? intsOf(context.constant(node, 1), whereOf(node));
  const value = context.input(node, 0);
  const keepZeros = intAttribute(node, 'allowzero', 0) !== 0;
  if (value.kind === 'constant') {
    const { constant } = value;
    const dims = resolve(node, target, constant.dims, keepZeros);
    return { kind: 'constant', constant: reshaped(constant, dims, whereOf(node)) };
  }
  const x = context.activation(node, 0);
  const [first, ...rest] = target;
  const stated = context.statedBatch;
  // A batch size that the file fixes is a batch of 1 here.
  const batchOfOne = stated !== undefined && stated > 1 && first === stated ? [1, ...rest] : target;
  return redimension(node, context, x, resolve(node, batchOfOne, x.dims, keepZeros));
};

export const squeeze: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  const dims = dimsOf(node, value, context);
  const stated = axes(node, context)?.map((axis) => axisOf(node, axis, dims.length));
  const removed = stated ?? dims.flatMap((n, i) => (n === 1 ? [i] : []));
  const odd = removed.find((axis) => dims[axis] !== 1);
  expect(odd === undefined, 'bad_model', whereOf(node), 'axes of size 1', dims[odd ?? 0]);
  const kept = dims.filter((_, i) => !removed.includes(i));
  return withDims(node, context, value, kept);
};

export const unsqueeze: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  const added = axes(node, context) ?? [];
  const rank = dimsOf(node, value, context).length + added.length;
  const places = new Set(added.map((axis) => axisOf(node, axis, rank)));
  expect(places.size === added.length, 'bad_model', whereOf(node), 'different axes', [...added]);
  const rest = [...dimsOf(node, value, context)];
  const dims = Array.from({ length: rank }, (_, i) => (places.has(i) ? 1 : (rest.shift() ?? 1)));
  return withDims(node, context, value, dims);
};

export const transpose: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  const dims = dimsOf(node, value, context);
  const order = intsAttribute(node, 'perm') ?? dims.map((_, i) => dims.length - 1 - i);
  const isPermutation = order.length === dims.length && dims.every((_, i) => order.includes(i));
  expect(isPermutation, 'bad_model', whereOf(node), `an order of ${dims.length} axes`, [...order]);
  const moved = order.map((axis) => dims[axis] as number);
  const large = order.filter((axis) => dims[axis] !== 1);
  const movesNothing = large.every((axis, i) => i === 0 || axis > (large[i - 1] as number));
  if (movesNothing) return withDims(node, context, value, moved);
  if (value.kind === 'constant' && dims.length === 2) {
    return { kind: 'constant', constant: transposed2d(value.constant, whereOf(node)) };
  }
  throw unsupported(node, 'a transposition that moves no data', `[${dims}] to [${moved}]`);
};

/** The same values with other dimensions. */
function withDims(
  node: OnnxNode,
  context: OnnxContext,
  value: Value,
  dims: readonly number[],
): Value {
  if (value.kind === 'constant') {
    return { kind: 'constant', constant: reshaped(value.constant, dims, whereOf(node)) };
  }
  return redimension(node, context, context.activation(node, 0), dims);
}

/**
 * An activation with other dimensions: [1, C, H, W] to [1, F] or [F] is a flatten; adding and
 * removing axes of size 1 changes nothing; everything else would move data.
 */
function redimension(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  dims: readonly number[],
): Activation {
  const size = sizeOf(x.shape);
  const fits = sizeOf(dims) === size;
  expect(fits, 'bad_model', whereOf(node), `dimensions of ${size} values`, [...dims]);
  const large = (of: readonly number[]): string => of.filter((n) => n !== 1).join();
  const isFlat = dims.length <= 2 && dims.at(-1) === size;
  if (isFlat && x.shape.length === 3) {
    expect(isPlain(x), 'unsupported_operator', whereOf(node), 'an input [1, C, H, W]', [...x.dims]);
    return context.emit({ op: 'flatten', name: outputOf(node), inputs: [x.name] }, dims);
  }
  if (large(dims) === large(x.dims)) return { ...x, dims: [...dims] };
  throw unsupported(node, `[1, ${size}] or the same axes`, `[${x.dims}] to [${dims}]`);
}

function dimsOf(node: OnnxNode, value: Value, context: OnnxContext): readonly number[] {
  return value.kind === 'constant' ? value.constant.dims : context.activation(node, 0).dims;
}

/** Axes as an attribute (opset < 13) or as an input. */
function axes(node: OnnxNode, context: OnnxContext): readonly number[] | undefined {
  const stated = context.optionalConstant(node, 1);
  return stated ? intsOf(stated, whereOf(node)) : intsAttribute(node, 'axes');
}

export function axisOf(node: OnnxNode, axis: number, rank: number): number {
  const place = axis < 0 ? axis + rank : axis;
  const fits = Number.isInteger(place) && place >= 0 && place < rank;
  expect(fits, 'bad_model', whereOf(node), `an axis of ${rank} dimensions`, axis);
  return place;
}

/** Dimensions of a Reshape: 0 copies (unless `keepZeros`), one -1 is what is left. */
function resolve(
  node: OnnxNode,
  target: readonly number[],
  from: readonly number[],
  keepZeros: boolean,
): number[] {
  const where = whereOf(node);
  expect(target.length <= 8, 'bad_model', where, 'at most 8 dimensions', target.length);
  const dims = target.map((n, i) => (n === 0 && !keepZeros ? (from[i] ?? 0) : n));
  const open = dims.filter((n) => n === -1).length;
  const sane = open <= 1 && dims.every((n) => n === -1 || (n > 0 && n <= 2 ** 31));
  expect(sane, 'bad_model', where, 'positive dimensions and one -1', [...target]);
  const known = sizeOf(dims.filter((n) => n !== -1));
  const rest = sizeOf(from) / known;
  expect(open === 0 || Number.isInteger(rest), 'bad_model', where, `a divisor of [${from}]`, known);
  return dims.map((n) => (n === -1 ? rest : n));
}

/** A weight [rows, columns] of a constant matrix. */
export function matrixOf(constant: Constant, node: OnnxNode, context: OnnxContext) {
  expect(constant.dims.length === 2, 'bad_model', whereOf(node), 'a weight matrix', [
    ...constant.dims,
  ]);
  return tensorOf(context.weight(constant, node));
}
