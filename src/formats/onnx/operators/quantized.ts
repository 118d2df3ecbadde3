/**
 * Operators of int8 files, QDQ and QOperator form: weights are dequantised to f32, the quantisation
 * of activations is dropped and its scales are recorded. One effect of it is kept: a zero point at
 * the lower end of the integer range cuts off negative values, which is how quantisers absorb ReLU.
 */

import { expect } from '../../../graph/limits.ts';
import { type Constant, mapped, numbersOf, transposed2d } from '../constant.ts';
import {
  type Activation,
  floatAttribute,
  intAttribute,
  type OnnxContext,
  type OperatorImport,
  outputOf,
  unsupported,
  type Value,
  whereOf,
} from '../context.ts';
import { integerRange, isFloatType, typeName } from '../data-types.ts';
import type { OnnxNode } from '../model.ts';
import { rectify } from './activations.ts';
import { combine } from './arithmetic.ts';
import { emitConv, emitFc, emitGemm, requireRow } from './layers.ts';
import { axisOf, matrixOf } from './layout.ts';

interface Scale {
  readonly scale: Float64Array;
  /** One entry per scale. */
  readonly zeroPoint: Float64Array;
  /** Smallest integer of the quantised type; uint8 where the file does not say. */
  readonly lowest: number;
}

const UINT8 = 2;

export const quantizeLinear: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  const scale = scaleAt(node, context, 1, intAttribute(node, 'output_dtype', UINT8));
  // An exporter that left weights in float means their rounded values; the float ones are nearer.
  if (value.kind === 'constant') return value;
  return quantized(node, context, context.activation(node, 0), scale);
};

export const dequantizeLinear: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  if (value.kind !== 'constant') return value;
  const scale = scaleAt(node, context, 1);
  return { kind: 'constant', constant: dequantized(node, context, value.constant, scale, 1) };
};

/** x, its scale and zero point, w (3..5), y (6, 7), int32 bias. */
export const qLinearConv: OperatorImport = (node, context) => {
  const input = scaleAt(node, context, 1);
  const scale = scaleAt(node, context, 4);
  const weight = dequantized(node, context, context.constant(node, 3), scale, 0);
  const bias = biasAt(node, context, 8, input, scale);
  const y = emitConv(node, context, weight, bias);
  return recorded(context, y, scaleAt(node, context, 6), node);
};

/** a, its scale and zero point, b (3..5), y (6, 7). */
export const qLinearMatMul: OperatorImport = (node, context) => {
  const scale = scaleAt(node, context, 4);
  const matrix = dequantized(node, context, context.constant(node, 3), scale, 1);
  const weight = matrixOf(transposed2d(matrix, whereOf(node)), node, context);
  const y = emitFc(node, context, weight, undefined);
  return recorded(context, y, scaleAt(node, context, 6), node);
};

/** A, its scale and zero point, B (3..5), int32 C, y (7, 8, absent if the result stays float). */
export const qGemm: OperatorImport = (node, context) => {
  const alpha = floatAttribute(node, 'alpha', 1);
  const input = scaleAt(node, context, 1);
  const scale = scaleAt(node, context, 4);
  const axis = intAttribute(node, 'transB', 0) === 0 ? 1 : 0;
  const matrix = dequantized(node, context, context.constant(node, 3), scale, axis);
  const c = context.optionalConstant(node, 6);
  if (c) requireRow(node, c);
  const bias = biasAt(node, context, 6, input, scale)?.map((value) => value * alpha);
  const y = emitGemm(node, context, matrix, { alpha, bias });
  return node.inputs[7] ? recorded(context, y, scaleAt(node, context, 7), node) : y;
};

/** A, its scale and zero point, B (3..5), C (6, 7). */
export const qLinearBinary: OperatorImport = (node, context) => {
  const operator = node.opType === 'QLinearAdd' ? 'Add' : 'Mul';
  const a = dequantizedInput(node, context, 0);
  const b = dequantizedInput(node, context, 3);
  const y = combine(node, context, operator, a, b);
  return y.kind === 'activation' ? recorded(context, y, scaleAt(node, context, 6), node) : y;
};

/** A float operator with x, its scale and zero point, y (3, 4). */
export function qLinearUnary(float: OperatorImport): OperatorImport {
  return (node, context) => {
    const channelsLast = intAttribute(node, 'channels_last', 0) !== 0;
    if (channelsLast) throw unsupported(node, 'channels first', 'channels_last 1');
    const y = float({ ...node, inputs: node.inputs.slice(0, 1) }, context);
    return y.kind === 'activation' ? recorded(context, y, scaleAt(node, context, 3), node) : y;
  };
}

function dequantizedInput(node: OnnxNode, context: OnnxContext, index: number): Value {
  const value = context.input(node, index);
  if (value.kind !== 'constant') return value;
  const scale = scaleAt(node, context, index + 1);
  return { kind: 'constant', constant: dequantized(node, context, value.constant, scale, 0) };
}

/** The scale at input `index` and the zero point after it. */
function scaleAt(node: OnnxNode, context: OnnxContext, index: number, type = UINT8): Scale {
  const where = whereOf(node);
  const block = intAttribute(node, 'block_size', 0);
  expect(block === 0, 'unsupported_operator', where, 'scales per tensor or axis', 'blocks');
  const scale = numbersOf(context.constant(node, index), where);
  const stated = context.optionalConstant(node, index + 1);
  const range = rangeOf(stated?.dataType ?? (type || UINT8), where);
  const zeroPoint = stated ? numbersOf(stated, where) : new Float64Array(scale.length);
  const agrees = scale.length > 0 && zeroPoint.length === scale.length;
  expect(agrees, 'bad_model', where, `${scale.length} zero points`, zeroPoint.length);
  const odd = scale.find((s) => !(Number.isFinite(s) && s > 0));
  expect(odd === undefined, 'bad_model', where, 'positive scales', odd);
  return { scale, zeroPoint, lowest: range[0] };
}

function rangeOf(dataType: number, where: string): readonly [number, number] {
  const range = integerRange(dataType);
  const got = typeName(dataType);
  expect(range !== undefined, 'unsupported_operator', where, 'a quantised integer type', got);
  return range;
}

/**
 * (q - zeroPoint) * scale, with one scale or one per entry of `axis`. Floats are what
 * `quantizeLinear` left as they were.
 */
function dequantized(
  node: OnnxNode,
  context: OnnxContext,
  constant: Constant,
  { scale, zeroPoint }: Scale,
  defaultAxis: number,
): Constant {
  const where = whereOf(node);
  if (isFloatType(constant.dataType)) return constant;
  rangeOf(constant.dataType, where);
  context.spend(2 * scale.length);
  record(context, constant.name, scale, zeroPoint);
  const s = scale[0] as number;
  const z = zeroPoint[0] as number;
  if (scale.length === 1) return mapped(constant, (q) => (q - z) * s, where);
  const axis = axisOf(node, intAttribute(node, 'axis', defaultAxis), constant.dims.length);
  const channels = constant.dims[axis] as number;
  expect(scale.length === channels, 'bad_model', where, `${channels} scales`, scale.length);
  const inner = constant.dims.slice(axis + 1).reduce((product, n) => product * n, 1);
  const value = (q: number, i: number): number => {
    const channel = Math.floor(i / inner) % channels;
    return (q - (zeroPoint[channel] as number)) * (scale[channel] as number);
  };
  return mapped(constant, value, where);
}

/** An int32 bias counts in units of input scale times weight scale. */
function biasAt(
  node: OnnxNode,
  context: OnnxContext,
  index: number,
  input: Scale,
  weight: Scale,
): Float64Array | undefined {
  const bias = context.optionalConstant(node, index);
  if (!bias) return undefined;
  rangeOf(bias.dataType, whereOf(node));
  const { scale } = weight;
  const fits = scale.length === 1 || scale.length === bias.count;
  expect(fits, 'bad_model', whereOf(node), `${bias.count} weight scales`, scale.length);
  const unit = input.scale[0] as number;
  const at = (i: number): number => scale[scale.length === 1 ? 0 : i] as number;
  return numbersOf(bias, whereOf(node)).map((q, i) => q * unit * at(i));
}

/** The value of a QuantizeLinear: the same activation, rectified if the zero point says so. */
function quantized(node: OnnxNode, context: OnnxContext, x: Activation, scale: Scale): Activation {
  const values = scale.scale.length;
  expect(values === 1, 'unsupported_operator', whereOf(node), 'one scale per activation', values);
  const y = cutsNegative(scale) && !context.nonNegative.has(x.name) ? rectify(node, context, x) : x;
  record(context, y.name, scale.scale, scale.zeroPoint);
  return y;
}

/** The value of a QLinear operator. */
function recorded(context: OnnxContext, y: Activation, scale: Scale, node: OnnxNode): Activation {
  const output = `${outputOf(node)}/relu`;
  return quantized({ ...node, outputs: [output] }, context, y, scale);
}

function cutsNegative({ zeroPoint, lowest }: Scale): boolean {
  return zeroPoint.length === 1 && zeroPoint[0] === lowest;
}

function record(
  context: OnnxContext,
  name: string,
  scale: Float64Array,
  zeroPoint: Float64Array,
): void {
  context.quantization.set(name, { scale: [...scale], zeroPoint: [...zeroPoint] });
}
