/**
 * Operators of int8 files, QDQ and QOperator form. Weights are dequantised to f32. Of the quantisation of
 * activations the saturation is kept, as a clip (quantisers absorb ReLU and Clip into it); rounding is
 * left out, and scales are recorded.
 */

import { expect } from '../../../graph/limits.ts';
import { isRepeated } from '../activation.ts';
import { floatAttribute, intAttribute } from '../attributes.ts';
import { numbersOf } from '../constant.ts';
import { rescaled, transposed2d } from '../constant-views.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import { type Activation, constantValue, type Value } from '../values.ts';
import { emitClip } from './activations.ts';
import { type Arithmetic, combine } from './arithmetic.ts';
import { roundHalfEven } from './constant-math.ts';
import { emitConv } from './conv.ts';
import { emitFc, emitGemm, requireRow } from './layers.ts';
import { concat } from './parts.ts';
import {
  dequantized,
  oneScale,
  rangeOf,
  record,
  type StatedScale,
  scaleAt,
  scalesFor,
} from './scales.ts';

export const quantizeLinear: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  const stated = scaleAt(node, context, 1, intAttribute(node, 'output_dtype', 0));
  if (value.kind !== 'constant')
    return quantized(node, context, context.anyActivation(node, 0), stated);
  const scales = scalesFor(node, value.constant, stated, 1);
  const [low, high] = stated.range;
  const integer = (x: number, s: number, z: number): number =>
    Math.min(Math.max(roundHalfEven(x / s) + z, low), high);
  const { dataType } = stated;
  return constantValue(rescaled(value.constant, scales, integer, dataType, whereOf(node)));
};

export const dequantizeLinear: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  const stated = scaleAt(node, context, 1);
  if (value.kind !== 'constant') {
    return real(node, context, context.anyActivation(node, 0), stated, outputOf(node));
  }
  return constantValue(dequantized(node, context, value.constant, stated, 1));
};

/** x, its scale and zero point, w (3..5), y (6, 7), int32 bias. */
export const qLinearConv: OperatorImport = (node, context) => {
  refuseChannelsLast(node);
  const stated = scaleAt(node, context, 4);
  const weight = dequantized(node, context, context.constant(node, 3), stated, 0);
  const bias = biasAt(node, context, 8, scaleAt(node, context, 1), stated);
  const x = realInput(node, context, 0);
  const y = emitConv(node, context, weight, bias, x);
  return recorded(context, y, scaleAt(node, context, 6), node);
};

/** a, its scale and zero point, b (3..5), y (6, 7). */
export const qLinearMatMul: OperatorImport = (node, context) => {
  const stated = scaleAt(node, context, 4);
  const matrix = dequantized(node, context, context.constant(node, 3), stated, 1);
  const a = context.handOn(node, 'a', realInput(node, context, 0));
  const y = emitFc(
    { ...node, inputs: [a] },
    context,
    transposed2d(matrix, whereOf(node)),
    undefined,
  );
  return recorded(context, y, scaleAt(node, context, 6), node);
};

/** A, its scale and zero point, B (3..5), int32 C, y (7, 8, absent if the result stays float). */
export const qGemm: OperatorImport = (node, context) => {
  const alpha = floatAttribute(node, 'alpha', 1);
  const stated = scaleAt(node, context, 4);
  const axis = intAttribute(node, 'transB', 0) === 0 ? 1 : 0;
  const matrix = dequantized(node, context, context.constant(node, 3), stated, axis);
  const c = context.optionalConstant(node, 6);
  if (c) requireRow(node, c);
  const unscaled = biasAt(node, context, 6, scaleAt(node, context, 1), stated);
  const bias = unscaled?.map((value) => value * alpha);
  const a = context.handOn(node, 'a', realInput(node, context, 0));
  const y = emitGemm({ ...node, inputs: [a] }, context, matrix, { alpha, bias });
  return node.inputs[7] ? recorded(context, y, scaleAt(node, context, 7), node) : y;
};

/** A, its scale and zero point, B (3..5), C (6, 7). */
export const qLinearBinary: OperatorImport = (node, context) => {
  const operator: Arithmetic = node.opType === 'QLinearAdd' ? 'Add' : 'Mul';
  const [a, b] = [realValue(node, context, 0), realValue(node, context, 3)];
  const y = context.realised(combine(node, context, operator, a, b));
  if (!y) throw unsupported(node, 'a value that depends on the picture', 'constants');
  return recorded(context, y, scaleAt(node, context, 6), node);
};

/** A float operator with x, its scale and zero point, y (3, 4). */
export function qLinearUnary(float: OperatorImport): OperatorImport {
  return (node, context) => {
    refuseChannelsLast(node);
    const x = context.handOn(node, 'x', realInput(node, context, 0));
    const y = float({ ...node, inputs: [x] }, context) as Value;
    return y.kind === 'activation' ? recorded(context, y, scaleAt(node, context, 3), node) : y;
  };
}

/** y's scale and zero point, then each part with its own. */
export const qLinearConcat: OperatorImport = (node, context) => {
  const parts = node.inputs.flatMap((_, i) => (i >= 2 && i % 3 === 2 ? [i] : []));
  const inputs = parts.map((i) => context.handOn(node, `${i}`, realInput(node, context, i)));
  const y = concat({ ...node, inputs }, context) as Activation;
  return recorded(context, y, scaleAt(node, context, 0), node);
};

function refuseChannelsLast(node: OnnxNode): void {
  const channelsLast = intAttribute(node, 'channels_last', 0) !== 0;
  if (channelsLast) throw unsupported(node, 'channels first', 'channels_last 1');
}

function realValue(node: OnnxNode, context: OnnxContext, index: number): Value {
  const value = context.input(node, index);
  if (value.kind !== 'constant') return realInput(node, context, index);
  const stated = scaleAt(node, context, index + 1);
  return constantValue(dequantized(node, context, value.constant, stated, 0));
}

/** Input `index`, integers with the scale and zero point that follow it, as the numbers they stand for. */
function realInput(node: OnnxNode, context: OnnxContext, index: number): Activation {
  const x = context.anyActivation(node, index);
  const name = `${outputOf(node)}/real${index}`;
  return real(node, context, x, scaleAt(node, context, index + 1), name);
}

/** Integers as the numbers they stand for: mostly those of which they were made. */
function real(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  stated: StatedScale,
  name: string,
): Activation {
  const [scale, zeroPoint] = oneScale(node, stated);
  const { integers } = x;
  const same = integers && integers.scale === scale && integers.zeroPoint === zeroPoint;
  if (same) return { ...x, integers: undefined };
  if (x.border || isRepeated(x)) {
    throw unsupported(node, 'the scale with which the value was quantised', `${scale}`);
  }
  // Other units, or integers that were never real numbers: ((x / s + z) - zeroPoint) * scale.
  const factor = integers ? scale / integers.scale : scale;
  const offset = ((integers?.zeroPoint ?? 0) - zeroPoint) * scale;
  const named = { ...node, outputs: [name] };
  return context.emitAffine(named, { ...x, integers: undefined }, factor, offset);
}

/** An int32 bias counts in units of input scale times weight scale. */
function biasAt(
  node: OnnxNode,
  context: OnnxContext,
  index: number,
  input: StatedScale,
  weight: StatedScale,
): Float64Array | undefined {
  const bias = context.optionalConstant(node, index);
  if (!bias) return undefined;
  rangeOf(bias.dataType, whereOf(node));
  const scale = numbersOf(weight.scale, whereOf(node));
  const fits = scale.length === 1 || scale.length === bias.count;
  expect(fits, 'bad_model', whereOf(node), `${bias.count} weight scales`, scale.length);
  const [unit] = oneScale(node, input);
  const at = (i: number): number => scale[scale.length === 1 ? 0 : i] as number;
  return numbersOf(bias, whereOf(node)).map((q, i) => q * unit * at(i));
}

/** The value of a QuantizeLinear: the same numbers within what its integers can say. */
function quantized(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  stated: StatedScale,
  name = outputOf(node),
): Activation {
  if (x.integers || isRepeated(x)) throw unsupported(node, 'real numbers', `[${x.dims}]`);
  const [scale, zeroPoint] = oneScale(node, stated);
  const [low, high] = stated.range.map((q) => (q - zeroPoint) * scale) as [number, number];
  const named = { ...node, outputs: [name] };
  const y = saturates(context, x, low, high, scale) ? emitClip(named, context, x, low, high) : x;
  record(context, x.name, stated);
  const { border } = x;
  const clipped = border && { ...border, value: Math.min(Math.max(border.value, low), high) };
  return { ...y, border: clipped, integers: { scale, zeroPoint } };
}

/**
 * Whether a value can lie outside low..high by more than the rounding that is left out anyway. Of the
 * input it is enough that pixels fit, however they are normalised.
 */
function saturates(
  context: OnnxContext,
  x: Activation,
  low: number,
  high: number,
  step: number,
): boolean {
  const known = context.ranges.get(x.name);
  const pixels: readonly (readonly [number, number])[] = [
    [0, 255],
    [-1, 1],
  ];
  const ranges = x.name === context.builder.inputName ? pixels : known ? [known] : [];
  return !ranges.some(([from, to]) => from >= low - step && to <= high + step);
}

/** The value of a QLinear operator. */
function recorded(
  context: OnnxContext,
  y: Activation,
  stated: StatedScale,
  node: OnnxNode,
): Activation {
  return quantized(node, context, y, stated, `${outputOf(node)}/clip`);
}
