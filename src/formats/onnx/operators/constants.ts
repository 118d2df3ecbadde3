/**
 * Constants and the small integer arithmetic with which exporters compute shapes, evaluated for a
 * batch of 1. Refuses what depends on the picture's values.
 */

import { ArcfaceError } from '../../../errors.ts';
import { expect } from '../../../graph/limits.ts';
import {
  type Constant,
  constantOfInts,
  constantOfNumbers,
  constantOfTensor,
  intsOf,
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
import { INT64 } from '../data-types.ts';
import type { OnnxNode } from '../model.ts';
import { axisOf } from './layout.ts';

/** Elements of a computed constant: shapes and per-channel values. */
const MAX_COMPUTED = 65_536;

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
  expect(count <= MAX_COMPUTED, 'unsupported_operator', where, `${MAX_COMPUTED} values`, count);
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
  if (dataType !== INT64 && dataType !== 6) return constantValue(recast(from, dataType));
  const whole = numbersOf(from, whereOf(node)).map(Math.trunc);
  return constantValue(constantOfNumbers(from.name, from.dims, whole, dataType));
};

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

/** Two constants, equal in size or one of them a single value. */
export function computeConstants(node: OnnxNode, a: Constant, b: Constant): Value {
  const where = whereOf(node);
  const compute = ARITHMETIC[node.opType];
  const sameSize = a.count === b.count || a.count === 1 || b.count === 1;
  const sizes = [a.count, b.count];
  expect(sameSize, 'unsupported_operator', where, 'constants of equal size', sizes);
  if (!compute) throw unsupported(node, 'Add, Sub, Mul or Div of constants', node.opType);
  const [x, y] = [numbersOf(a, where), numbersOf(b, where)];
  const larger = a.count >= b.count ? a : b;
  const at = (from: Float64Array, i: number): number => from[from.length === 1 ? 0 : i] as number;
  const values = Float64Array.from({ length: larger.count }, (_, i) => {
    const value = compute(at(x, i), at(y, i));
    // Integer division truncates in ONNX.
    return a.dataType === INT64 ? Math.trunc(value) : value;
  });
  return constantValue(constantOfNumbers(outputOf(node), larger.dims, values, a.dataType));
}

export function constantValue(value: Constant): Value {
  if (value.count > 0) return { kind: 'constant', constant: value };
  const name = JSON.stringify(value.name);
  throw new ArcfaceError('bad_model', `ONNX constant ${name}: expected values, got none`);
}
