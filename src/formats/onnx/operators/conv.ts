/** Convolution of float networks: weights, padding in all its spellings, a border from a Pad before it. */

import type { ConvNode, Shape } from '../../../graph/graph.ts';
import { expect } from '../../../graph/limits.ts';
import { isFlat, isNchw, isOnePixel, isRepeated } from '../activation.ts';
import { intAttribute, intsAttribute, textAttribute } from '../attributes.ts';
import { type Constant, numbersOf, reshaped, tensorOf } from '../constant.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import { type Activation, describeValue } from '../values.ts';

export const conv: OperatorImport = (node, context) => {
  const weight = context.constant(node, 1);
  const bias = context.optionalConstant(node, 2);
  return emitConv(node, context, weight, bias && numbersOf(bias, whereOf(node)));
};

/** `weight` is OIHW; the input is the node's first, or `x`. */
export function emitConv(
  node: OnnxNode,
  context: OnnxContext,
  weight: Constant,
  bias: Float64Array | undefined,
  x = context.anyActivation(node, 0),
): Activation {
  const where = whereOf(node);
  if (x.integers) throw unsupported(node, 'real numbers', describeValue(x));
  expect(weight.dims.length === 4, 'unsupported_operator', where, 'weights OIHW', [...weight.dims]);
  const kernel = weight.dims.slice(2) as [number, number];
  const stated = intsAttribute(node, 'kernel_shape') ?? kernel;
  const agrees = stated.length === 2 && stated.every((n, i) => n === kernel[i]);
  expect(agrees, 'bad_model', where, `kernel_shape [${kernel}] of its weights`, [...stated]);
  const group = intAttribute(node, 'group', 1);
  if (isVectorAsPicture(x) && kernel.every((n) => n === 1) && group === 1) {
    return convOfVector(node, context, weight, bias, x);
  }
  const spatial = isNchw(x) && !isRepeated(x);
  expect(spatial, 'unsupported_operator', where, 'an input [1, C, H, W]', [...x.dims]);
  requireDense(node, kernel);
  const stride = pair(node, intsAttribute(node, 'strides') ?? [1, 1], 'strides');
  return context.emit({
    op: 'conv',
    name: outputOf(node),
    inputs: [x.name],
    weight: tensorOf(context.weight(weight, node)),
    bias,
    stride,
    group,
    ...bordered(node, x, padsOf(node, x.dims, kernel, stride)),
  });
}

/** Features of a fully connected layer, or pooled and flattened ones, as [1, C, 1, 1]. */
function isVectorAsPicture(x: Activation): boolean {
  const { dims, shape } = x;
  return (
    shape.length === 1 && isFlat(x) && isOnePixel(x) && dims.length === 4 && dims[1] === shape[0]
  );
}

/** On one pixel a 1x1 convolution is a fully connected layer. */
function convOfVector(
  node: OnnxNode,
  context: OnnxContext,
  weight: Constant,
  bias: Float64Array | undefined,
  x: Activation,
): Activation {
  const padded = padsOf(node, x.dims, [1, 1], [1, 1]).some((n) => n !== 0);
  if (padded) throw unsupported(node, 'no padding around one pixel', 'some');
  const matrix = reshaped(weight, weight.dims.slice(0, 2), whereOf(node));
  const name = outputOf(node);
  const tensor = tensorOf(context.weight(matrix, node));
  const y = context.emit({ op: 'fc', name, inputs: [x.name], weight: tensor, bias });
  return { ...y, dims: [...y.dims, 1, 1], axes: [...y.axes, [], []] };
}

/** A dilation matters only between two taps. */
export function requireDense(node: OnnxNode, kernel: readonly number[]): void {
  const dilations = intsAttribute(node, 'dilations') ?? [];
  const dense = dilations.every((n, i) => n === 1 || kernel[i] === 1);
  expect(dense, 'unsupported_operator', whereOf(node), 'dilations of 1', [...dilations]);
}

/** The border of a Pad joins the padding, whose value there is then the border's. */
function bordered(
  node: OnnxNode,
  { border, shape }: Activation,
  pads: Pads,
): Pick<ConvNode, 'pads' | 'padValue'> {
  if (!border) return { pads };
  const { value } = border;
  const mixed = value !== 0 && pads.some((n) => n !== 0);
  if (mixed) throw unsupported(node, 'padding with one value', `${value} and 0`);
  const total = pads.map((n, i) => n + (border.pads[i] as number)) as readonly number[] as Pads;
  const padValue = value === 0 ? undefined : new Float64Array(shape[0]).fill(value);
  return { pads: total, padValue };
}

export type Pads = readonly [number, number, number, number];

/** top, left, bottom, right; `auto_pad` SAME puts the odd pixel at the end (UPPER) or start. */
export function padsOf(
  node: OnnxNode,
  dims: readonly number[],
  kernel: readonly [number, number],
  stride: readonly [number, number],
): Pads {
  const mode = textAttribute(node, 'auto_pad', 'NOTSET');
  if (mode === 'VALID') return [0, 0, 0, 0];
  if (mode === 'NOTSET' || mode === '') {
    const pads = intsAttribute(node, 'pads') ?? [0, 0, 0, 0];
    expect(pads.length === 4, 'bad_model', whereOf(node), 'four pads', [...pads]);
    return pads as readonly number[] as Pads;
  }
  if (mode !== 'SAME_UPPER' && mode !== 'SAME_LOWER') {
    throw unsupported(node, 'auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER', mode);
  }
  const ends = [0, 1].map((axis) => {
    const size = dims[axis + 2] as number;
    const step = stride[axis] as number;
    const steps = Math.ceil(size / step) - 1;
    const total = Math.max(0, steps * step + (kernel[axis] as number) - size);
    const small = Math.floor(total / 2);
    return mode === 'SAME_UPPER' ? [small, total - small] : [total - small, small];
  }) as [[number, number], [number, number]];
  return [ends[0][0], ends[1][0], ends[0][1], ends[1][1]];
}

export function pair(node: OnnxNode, values: readonly number[], what: string): [number, number] {
  expect(values.length === 2, 'unsupported_operator', whereOf(node), `two ${what}`, [...values]);
  return [values[0] as number, values[1] as number];
}

/** A picture in ONNX's own order; `Shape` for what has none. */
export function pictureOf(node: OnnxNode, x: Activation): Extract<Shape, { length: 3 }> {
  const isPicture = isNchw(x) && x.shape.length === 3;
  expect(isPicture, 'unsupported_operator', whereOf(node), 'an input [1, C, H, W]', [...x.dims]);
  return x.shape as Extract<Shape, { length: 3 }>;
}
