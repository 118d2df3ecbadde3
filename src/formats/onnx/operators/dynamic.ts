/**
 * Files of `quantize_dynamic`: integers whose scale is found when the file runs. Weights are dequantised;
 * the quantisation of activations, which fits each of them and never saturates, is left out. The scale
 * goes from `DynamicQuantizeLinear` through multiplications to the integer product that it belongs to.
 */

import { expect } from '../../../graph/limits.ts';
import { type Constant, constantOfNumbers, numbersOf } from '../constant.ts';
import { combined, rescaled, transposed2d } from '../constant-views.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import { FLOAT, integerRange, typeName } from '../data-types.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import { type Accumulated, type Activation, describeValue, type Value } from '../values.ts';
import type { Arithmetic } from './arithmetic.ts';
import { channelConstant } from './channels.ts';
import { emitConv } from './conv.ts';
import { emitFc } from './layers.ts';

const NOTE =
  'dynamically quantised file: weights are dequantised to f32 and the rounding of activations is left out';

export const dynamicQuantizeLinear: OperatorImport = (node, context) => {
  const of = context.activation(node, 0);
  context.note(NOTE);
  return [
    { kind: 'dynamic', part: 'integers', of },
    { kind: 'dynamic', part: 'scale', of },
    { kind: 'dynamic', part: 'zero point', of },
  ];
};

/** A, B, zero points of A and B. */
export const matMulInteger: OperatorImport = (node, context) => {
  const x = dynamicInput(node, context, 0, 2);
  const matrix = withoutZeroPoint(node, context, context.constant(node, 1), 3, 1);
  const name = context.handOn(node, 'x', x);
  const value = emitFc({ ...node, inputs: [name] }, context, transposed(node, matrix), undefined);
  return { kind: 'accumulated', value, of: x.name };
};

/** x, w, zero points of x and w. */
export const convInteger: OperatorImport = (node, context) => {
  const x = dynamicInput(node, context, 0, 2);
  const weight = withoutZeroPoint(node, context, context.constant(node, 1), 3, 0);
  return { kind: 'accumulated', value: emitConv(node, context, weight, undefined, x), of: x.name };
};

/** A, B, scale of B, zero point of B, bias: a whole dynamically quantised layer. */
export const dynamicQuantizeMatMul: OperatorImport = (node, context) => {
  context.note(NOTE);
  const matrix = withoutZeroPoint(node, context, context.constant(node, 1), 3, 1);
  return scaledMatMul(node, context, node.inputs[0] ?? '', matrix, context.constant(node, 2));
};

/** A, B, scales of A and B, zero points of A and B, bias. */
export const matMulIntegerToFloat: OperatorImport = (node, context) => {
  const x = dynamicInput(node, context, 0, 4);
  const scale = context.input(node, 2);
  const own = scale.kind === 'dynamic' && scale.part === 'scale' && scale.of.name === x.name;
  if (!own) throw unsupported(node, 'the scale of its own input', describeValue(scale));
  const matrix = withoutZeroPoint(node, context, context.constant(node, 1), 5, 1);
  const name = context.handOn(node, 'x', x);
  return scaledMatMul(node, context, name, matrix, context.constant(node, 3), 6);
};

/** `scale`: one, or one per column. */
function scaledMatMul(
  node: OnnxNode,
  context: OnnxContext,
  input: string,
  matrix: Constant,
  scale: Constant,
  biasIndex = 4,
): Activation {
  const where = whereOf(node);
  const bias = context.optionalConstant(node, biasIndex);
  const naming = { name: matrix.name, dataType: FLOAT };
  const weight = combined(matrix, scale, (q, s) => q * s, where, naming);
  const biases = bias && numbersOf(bias, where);
  return emitFc({ ...node, inputs: [input] }, context, transposed(node, weight), biases);
}

function transposed(node: OnnxNode, matrix: Constant): Constant {
  return transposed2d(matrix, whereOf(node));
}

/** The real numbers behind the integers at input `index`, whose zero point is at input `zero`. */
function dynamicInput(
  node: OnnxNode,
  context: OnnxContext,
  index: number,
  zero: number,
): Activation {
  const [value, zeroPoint] = [context.input(node, index), context.optional(node, zero)];
  const isInteger = value.kind === 'dynamic' && value.part === 'integers';
  const isOwn = zeroPoint?.kind === 'dynamic' && zeroPoint.part === 'zero point';
  if (isInteger && isOwn && zeroPoint.of.name === value.of.name) return value.of;
  const expected = 'integers of DynamicQuantizeLinear with their zero point';
  throw unsupported(node, expected, describeValue(value));
}

function withoutZeroPoint(
  node: OnnxNode,
  context: OnnxContext,
  weight: Constant,
  index: number,
  axis: number,
): Constant {
  const where = whereOf(node);
  const isInteger = integerRange(weight.dataType) !== undefined;
  expect(isInteger, 'bad_model', where, 'integer weights', typeName(weight.dataType));
  const zeroPoint = context.optionalConstant(node, index);
  if (!zeroPoint) return weight;
  const channels = weight.dims[axis] ?? 0;
  const fits =
    zeroPoint.count === 1 || (zeroPoint.count === channels && zeroPoint.dims.length === 1);
  expect(fits, 'bad_model', where, `1 or ${channels} zero points`, [...zeroPoint.dims]);
  const scale = constantOfNumbers('one', zeroPoint.dims, new Float64Array(zeroPoint.count).fill(1));
  const along = zeroPoint.count === 1 ? undefined : axis;
  const scales = { scale, zeroPoint, axis: along, block: 1 };
  return rescaled(weight, scales, (q, _, z) => q - z, FLOAT, where);
}

/** Multiplications by a scale that is known when the file runs, or that lead there. */
export function scaledByDynamic(
  node: OnnxNode,
  context: OnnxContext,
  operator: Arithmetic,
  a: Value,
  b: Value,
): Value | undefined {
  const concerned = [a, b].some(({ kind }) => kind === 'dynamic' || kind === 'accumulated');
  if (!concerned) return undefined;
  const result =
    operator === 'Mul' ? (times(node, context, a, b) ?? times(node, context, b, a)) : undefined;
  if (result) return result;
  const got = `${operator} of ${describeValue(a)} and ${describeValue(b)}`;
  throw unsupported(node, 'an integer product times its scale', got);
}

function times(node: OnnxNode, context: OnnxContext, a: Value, b: Value): Value | undefined {
  const where = whereOf(node);
  if (a.kind === 'dynamic' && a.part === 'scale' && b.kind === 'constant') {
    const { factor } = a;
    const naming = { name: outputOf(node), dataType: FLOAT };
    const product = factor && combined(factor, b.constant, (p, q) => p * q, where, naming);
    return { ...a, factor: product ?? b.constant };
  }
  if (a.kind !== 'accumulated') return undefined;
  if (b.kind === 'constant') return { ...a, value: timesConstant(node, context, a, b.constant) };
  const isScale = b.kind === 'dynamic' && b.part === 'scale' && b.of.name === a.of;
  if (!isScale) return undefined;
  return b.factor ? timesConstant(node, context, a, b.factor) : a.value;
}

function timesConstant(
  node: OnnxNode,
  context: OnnxContext,
  { value }: Accumulated,
  constant: Constant,
): Activation {
  const [x, factor] = channelConstant(node, context, value, constant);
  return context.emitAffine(node, x, factor, 0);
}
