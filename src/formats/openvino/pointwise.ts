/**
 * OpenVINO's element-wise layers: each function appends to the graph and returns the layer's value.
 * Constants become one value per channel; constants that vary otherwise are refused.
 */

import { sizeOf } from '../../graph/limits.ts';
import { channelValues } from '../broadcast.ts';
import { badModel, type IrContext, type IrValue, numberOf, unsupported } from './context.ts';
import type { IrLayer } from './ir.ts';

type Layer = (layer: IrLayer, at: IrContext) => IrValue;

/** Two activations of one shape, or an activation and a constant in either order. */
export function add(layer: IrLayer, at: IrContext): IrValue {
  const side = constantSide(layer, at);
  if (side === undefined) {
    const inputs = [at.activation(layer, 0), at.activation(layer, 1)];
    return at.builder.add({ op: 'add', name: layer.name, inputs });
  }
  const value = at.activation(layer, 1 - side);
  return at.builder.affine(layer.name, value, 1, at.channels(layer, side, value));
}

/** As `add`; two activations are a value and its gate [C, 1, 1], in either order. */
export function multiply(layer: IrLayer, at: IrContext): IrValue {
  const side = constantSide(layer, at);
  if (side !== undefined) {
    const value = at.activation(layer, 1 - side);
    return at.builder.affine(layer.name, value, at.channels(layer, side, value), 0);
  }
  const inputs = [at.activation(layer, 0), at.activation(layer, 1)] as const;
  const shape = at.builder.shapeOf(inputs[1]);
  const ordered = sizeOf(shape) === shape[0] ? inputs : [inputs[1], inputs[0]];
  return at.builder.add({ op: 'gate', name: layer.name, inputs: ordered });
}

export function subtract(layer: IrLayer, at: IrContext): IrValue {
  const value = at.activation(layer, 0);
  const shift = at.channels(layer, 1, value).map((c) => -c);
  return at.builder.affine(layer.name, value, 1, shift);
}

export function divide(layer: IrLayer, at: IrContext): IrValue {
  const value = at.activation(layer, 0);
  const scale = at.channels(layer, 1, value).map((c) => 1 / c);
  return at.builder.affine(layer.name, value, scale, 0);
}

function constantSide(layer: IrLayer, at: IrContext): 0 | 1 | undefined {
  if (layer.inputs.length !== 2) throw badModel(layer, '2 inputs', `${layer.inputs.length}`);
  const [first, second] = [at.isConstant(layer, 0), at.isConstant(layer, 1)];
  if (first && second) throw unsupported(layer, 'an activation', 'arithmetic on constants');
  if (first) return 0;
  return second ? 1 : undefined;
}

/** Versions 5 to 7. */
export function eltwise(layer: IrLayer, at: IrContext): IrValue {
  const coefficients = layer.data.get('coeff') ?? '';
  if (!/^[1.0,\s]*$/.test(coefficients)) throw unsupported(layer, 'coeff of 1', coefficients);
  const operation = layer.data.get('operation') ?? 'sum';
  if (operation === 'sum') return add(layer, at);
  if (operation === 'mul' || operation === 'prod') return multiply(layer, at);
  if (operation === 'sub') return subtract(layer, at);
  throw unsupported(layer, 'operation sum, mul or sub', operation);
}

/** Versions 5 to 7: x * weights + biases. */
export function scaleShift(layer: IrLayer, at: IrContext): IrValue {
  const value = at.activation(layer, 0);
  const channels = at.builder.shapeOf(value)[0];
  const scale = at.blobChannels(layer, 'weights', channels) ?? 1;
  const shift = at.blobChannels(layer, 'biases', channels) ?? 0;
  return at.builder.affine(layer.name, value, scale, shift);
}

/** Versions 5 to 7: (shift + scale * x) ^ power, of which power 1 is taken. */
export function power(layer: IrLayer, at: IrContext): IrValue {
  const exponent = numberOf(layer, 'power', 1);
  if (exponent !== 1) throw unsupported(layer, 'power 1', `${exponent}`);
  const [scale, shift] = [numberOf(layer, 'scale', 1), numberOf(layer, 'shift', 0)];
  return at.builder.affine(layer.name, at.activation(layer, 0), scale, shift);
}

/** Slopes: the second input, of rank 1 or broadcastable, or a blob. */
export function prelu(layer: IrLayer, at: IrContext): IrValue {
  const value = at.activation(layer, 0);
  const shape = at.builder.shapeOf(value);
  if (layer.blobs.has('weights')) {
    const slope = at.blobChannels(layer, 'weights', shape[0]) as Float64Array;
    return at.builder.prelu(layer.name, value, slope);
  }
  const constant = at.constant(layer, 1);
  const [length] = constant.shape;
  const perChannel = constant.shape.length === 1 && length === shape[0];
  const slope = perChannel ? Float64Array.from(constant.read()) : channelValues(constant, shape);
  if (slope) return at.builder.prelu(layer.name, value, slope);
  throw badModel(layer, `slopes for the channels of [1,${shape}]`, `[${constant.shape}]`);
}

export function relu(layer: IrLayer, at: IrContext): IrValue {
  return at.builder.prelu(
    layer.name,
    at.activation(layer, 0),
    numberOf(layer, 'negative_slope', 0),
  );
}

export function clamp(layer: IrLayer, at: IrContext): IrValue {
  const [min, max] = [numberOf(layer, 'min'), numberOf(layer, 'max')];
  return at.builder.add({
    op: 'clip',
    name: layer.name,
    inputs: [at.activation(layer, 0)],
    min,
    max,
  });
}

export function sigmoid(layer: IrLayer, at: IrContext): IrValue {
  const inputs = [at.activation(layer, 0)];
  return at.builder.add({ op: 'sigmoid', name: layer.name, inputs });
}

/** Versions 5 to 7. */
export function activation(layer: IrLayer, at: IrContext): IrValue {
  const kind = layer.data.get('type')?.toLowerCase() ?? '';
  const known: Readonly<Record<string, Layer>> = { sigmoid, relu, clamp };
  const layerOf = Object.hasOwn(known, kind) ? known[kind] : undefined;
  if (layerOf) return layerOf(layer, at);
  throw unsupported(layer, `type ${Object.keys(known).join(', ')}`, kind);
}

export function fakeQuantize(layer: IrLayer): IrValue {
  const instead = 'a float model (FP32 or FP16)';
  throw unsupported(layer, instead, 'FakeQuantize, an int8 model');
}
