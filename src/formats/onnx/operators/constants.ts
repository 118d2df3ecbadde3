/**
 * Constants and the small integer arithmetic with which exporters compute shapes, evaluated for a
 * batch of 1. Refuses what depends on the picture's values.
 */

import { ArcfaceError } from '../../../errors.ts';
import { expect, sizeOf } from '../../../graph/limits.ts';
import {
  type Constant,
  constantOfInts,
  constantOfNumbers,
  constantOfTensor,
  intsOf,
  MAX_CONSTANT_VALUES,
  numbersOf,
  recast,
  scalarOf,
} from '../constant.ts';
import {
  attribute,
  intAttribute,
  intsAttribute,
  type OperatorImport,
  outputOf,
  unsupported,
  type Value,
  whereOf,
} from '../context.ts';
import { integerRange } from '../data-types.ts';
import type { OnnxNode } from '../model.ts';
import { axisOf } from './layout.ts';

export const constant: OperatorImport = (node) => {
  const name = outputOf(node);
  const { tensor } = node.attributes.get('value') ?? {};
  if (tensor) return constantValue({ ...constantOfTensor(tensor), name });
  const floats = attribute(node, 'value_floats', 'floats', []);
  if (floats) return constantValue(constantOfNumbers(name, [floats.length], floats));
  const float = attribute(node, 'value_float', 'float', 0);
  if (float !== undefined) return constantValue(constantOfNumbers(name, [], [float]));
  const integers = intsAttribute(node, 'value_ints') ?? attribute(node, 'value_int', 'int', 0);
  if (integers === undefined) throw unsupported(node, 'a dense value', 'something else');
  return constantValue(constantOfInts(name, integers));
};

/** Only as a step of an L2 normalisation, where it repeats the norm. */
export const expand: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  if (value.kind === 'norm') return value;
  throw unsupported(node, 'the norm of an L2 normalisation', `a ${value.kind}`);
};

export const shape: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  const dims = value.kind === 'constant' ? value.constant.dims : context.activation(node, 0).dims;
  const start = intAttribute(node, 'start', 0);
  const end = intAttribute(node, 'end', dims.length);
  return constantValue(constantOfInts(outputOf(node), dims.slice(start, end)));
};

export const gather: OperatorImport = (node, context) => {
  const data = context.constant(node, 0);
  const places = context.constant(node, 1);
  const where = whereOf(node);
  const isVector = data.dims.length === 1 && intAttribute(node, 'axis', 0) === 0;
  expect(isVector, 'unsupported_operator', where, 'a constant vector', [...data.dims]);
  const from = numbersOf(data, where);
  const values = intsOf(places, where).map((i) => from[axisOf(node, i, from.length)] as number);
  return constantValue(constantOfNumbers(outputOf(node), places.dims, values, data.dataType));
};

export const slice: OperatorImport = (node, context) => {
  const data = context.constant(node, 0);
  const where = whereOf(node);
  expect(data.dims.length === 1, 'unsupported_operator', where, 'a constant vector', [
    ...data.dims,
  ]);
  const bound = (index: number, name: string): number => {
    const stated = context.optionalConstant(node, index);
    if (stated) return scalarOf(stated, where);
    return intsAttribute(node, name)?.[0] ?? 0;
  };
  const steps = context.optionalConstant(node, 4);
  const step = steps ? scalarOf(steps, where) : 1;
  expect(step === 1, 'unsupported_operator', where, 'steps of 1', step);
  const values = numbersOf(data, where).slice(bound(1, 'starts'), bound(2, 'ends'));
  return constantValue(constantOfNumbers(outputOf(node), [values.length], values, data.dataType));
};

export const concat: OperatorImport = (node, context) => {
  const where = whereOf(node);
  const parts = node.inputs.map((_, i) => context.constant(node, i));
  expect(parts.length > 0, 'bad_model', where, 'at least 1 input', 0);
  const odd = parts.find((part) => part.dims.length !== 1);
  expect(!odd, 'unsupported_operator', where, 'constant vectors', odd && [...odd.dims]);
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const fits = count <= MAX_CONSTANT_VALUES;
  expect(fits, 'unsupported_operator', where, `${MAX_CONSTANT_VALUES} values`, count);
  const values = parts.flatMap((part) => [...numbersOf(part, where)]);
  const dataType = (parts[0] as Constant).dataType;
  return constantValue(constantOfNumbers(outputOf(node), [count], values, dataType));
};

/** Activations stay what they are: everything is computed in f32. */
export const cast: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  if (value.kind !== 'constant') return value;
  const dataType = intAttribute(node, 'to', value.constant.dataType);
  const { constant: from } = value;
  if (holdsAll(dataType, from.dataType)) return constantValue(recast(from, dataType));
  const where = whereOf(node);
  const [min, max] = integerRange(dataType) as readonly [number, number];
  const whole = numbersOf(from, where).map(Math.trunc);
  const odd = whole.find((value) => !(value >= min && value <= max));
  expect(odd === undefined, 'unsupported_operator', where, `values of ${min}..${max}`, odd);
  return constantValue(constantOfNumbers(from.name, from.dims, whole, dataType));
};

/** Whether a cast to `to` changes no value of type `from`, rounding of floats apart. */
function holdsAll(to: number, from: number): boolean {
  const target = integerRange(to);
  const source = integerRange(from);
  if (!target) return true;
  return source !== undefined && source[0] >= target[0] && source[1] <= target[1];
}

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

/** Two constants of one shape, or one of them a single value: broadcasting beyond that is refused. */
export function computeConstants(node: OnnxNode, a: Constant, b: Constant): Value {
  const where = whereOf(node);
  const compute = ARITHMETIC[node.opType];
  const dims = broadcastOf(a.dims, b.dims);
  const count = Math.max(a.count, b.count);
  const known = a.count === 1 || b.count === 1 || a.count === b.count;
  const fits = known && sizeOf(dims) === count;
  const shown = `[${a.dims}] and [${b.dims}]`;
  expect(fits, 'unsupported_operator', where, 'constants of one shape or one value', shown);
  if (!compute) throw unsupported(node, 'Add, Sub, Mul or Div of constants', node.opType);
  // Integer division truncates in ONNX.
  const isWhole = integerRange(a.dataType) !== undefined;
  const [x, y] = [numbersOf(a, where), numbersOf(b, where)];
  const at = (from: Float64Array, i: number): number => from[from.length === 1 ? 0 : i] as number;
  const values = Float64Array.from({ length: count }, (_, i) => {
    const value = compute(at(x, i), at(y, i));
    return isWhole ? Math.trunc(value) : value;
  });
  return constantValue(constantOfNumbers(outputOf(node), dims, values, a.dataType));
}

/** Aligned at the end, the larger of each pair: as large as both constants unless one repeats. */
function broadcastOf(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const at = (dims: readonly number[], axis: number): number =>
    dims[axis - rank + dims.length] ?? 1;
  return Array.from({ length: rank }, (_, axis) => Math.max(at(a, axis), at(b, axis)));
}

export function constantValue(value: Constant): Value {
  if (value.count > 0) return { kind: 'constant', constant: value };
  const name = JSON.stringify(value.name);
  throw new ArcfaceError('bad_model', `ONNX constant ${name}: expected values, got none`);
}
