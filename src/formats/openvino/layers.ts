/**
 * OpenVINO's layers with weights, and batch norms: each function appends to the graph and returns the
 * layer's value. Weights are the second input (versions 10, 11) or a blob (5 to 7).
 */

import type { Tensor } from '../../graph/graph.ts';
import { sizeOf } from '../../graph/limits.ts';
import { channelsFirst, flatOrder, inputsReversed, isRow } from '../axes.ts';
import { exactValues } from '../broadcast.ts';
import { badModel, flagOf, numberOf, pairOf, unsupported } from './attributes.ts';
import { reshaped, smallValues, transposed } from './constants.ts';
import { calling, type IrContext, requireChannelsOnAxis1, shownDims } from './context.ts';
import type { IrLayer } from './ir.ts';
import type { Activation, Constant } from './values.ts';
import { padsOf } from './windows.ts';

export function convolution(layer: IrLayer, at: IrContext): Activation {
  const group = numberOf(layer, 'group', 1);
  if (!layer.blobs.has('weights')) {
    return appendConvolution(layer, at, at.constant(layer, 1).tensor, group);
  }
  const channels = at.pictureInAnyOrder(layer, 0).shape[0];
  const filters = numberOf(layer, 'output');
  const shape = [filters, channels / group, ...pairOf(layer, 'kernel')];
  return appendConvolution(layer, at, at.blob(layer, 'weights', shape) as Tensor, group);
}

/** Weights [G, O / G, I / G, kh, kw]. */
export function groupConvolution(layer: IrLayer, at: IrContext): Activation {
  const constant = at.constant(layer, 1);
  const { shape } = constant.tensor;
  const [group, outPerGroup, ...rest] = shape;
  if (group === undefined || outPerGroup === undefined || rest.length !== 3) {
    throw badModel(layer, 'weights [G, O / G, I / G, kh, kw]', `[${shape}]`);
  }
  const { tensor } = calling(layer, () => reshaped(constant, [group * outPerGroup, ...rest]));
  return appendConvolution(layer, at, tensor, group);
}

function appendConvolution(
  layer: IrLayer,
  at: IrContext,
  weight: Tensor,
  group: number,
): Activation {
  const x = at.pictureInAnyOrder(layer, 0);
  if (x.reversed && group !== 1)
    throw unsupported(layer, 'group 1 of exchanged channels', `${group}`);
  const dilations = pairOf(layer, 'dilations', [1, 1]);
  if (dilations.some((n) => n !== 1)) throw unsupported(layer, 'dilations 1,1', `${dilations}`);
  const [filters = 0, , kh = 0, kw = 0] = weight.shape;
  const biases = at.blob(layer, 'biases', [filters]);
  const stride = pairOf(layer, 'strides', [1, 1]);
  return at.emit({
    op: 'conv',
    name: layer.name,
    inputs: [x.name],
    weight: x.reversed ? reversedWeight(weight) : weight,
    bias: biases && exactValues(biases),
    stride,
    pads: padsOf(layer, x.shape, [kh, kw], stride),
    group,
  });
}

function reversedWeight(weight: Tensor): Tensor {
  const [, channels = 1, ...sides] = weight.shape;
  return sortedWeight(weight, (values) => inputsReversed(values, channels, sizeOf(sides)));
}

/** Versions 5 to 7: flattens its input; weights [O, K]. */
export function fullyConnected(layer: IrLayer, at: IrContext): Activation {
  const x = at.activation(layer, 0);
  const order = flatOrder(x);
  if (order === undefined) throw unsupported(layer, 'channels first or last', shownDims(x));
  const units = numberOf(layer, 'out-size');
  const stored = at.blob(layer, 'weights', [units, sizeOf(x.shape)]);
  if (!stored) throw badModel(layer, 'a blob of weights', 'none');
  const [channels, height = 1, width = 1] = x.shape;
  const lies = order === 'channels last' ? ([channels, height, width] as const) : x.channelsLast;
  const biases = at.blob(layer, 'biases', [units]);
  return at.emit({
    op: 'fc',
    name: layer.name,
    inputs: [at.builder.flatten(`${layer.name}/flatten`, x.name)],
    weight: lies ? columnsOf(stored, lies) : stored,
    bias: biases && exactValues(biases),
  });
}

/** An activation [1, K] by a constant [K, O], or [O, K] with `transpose_b`. */
export function matMul(layer: IrLayer, at: IrContext): Activation {
  if (flagOf(layer, 'transpose_a', false)) throw unsupported(layer, 'transpose_a false', 'true');
  const x = at.activation(layer, 0);
  if (!isRow(x)) throw unsupported(layer, 'an input [1, K]', shownDims(x));
  const matrix = matrixOf(layer, at.constant(layer, 1));
  const rows = flagOf(layer, 'transpose_b', false);
  const { tensor } = rows ? matrix : calling(layer, () => transposed(matrix, [1, 0]));
  const weight = x.channelsLast ? columnsOf(tensor, x.channelsLast) : tensor;
  return at.emit({ op: 'fc', name: layer.name, inputs: [x.name], weight });
}

/** [O, K]; axes of 1 in front are a batch. */
function matrixOf(layer: IrLayer, constant: Constant): Constant {
  const { shape } = constant.tensor;
  const matrix = shape.slice(-2);
  const isMatrix = matrix.length === 2 && shape.slice(0, -2).every((n) => n === 1);
  if (!isMatrix) throw badModel(layer, 'weights [O, K]', `[${shape}]`);
  return calling(layer, () => reshaped(constant, matrix));
}

/** Weights of features with channels last, for features in the order of the graph. */
function columnsOf(weight: Tensor, picture: readonly [number, number, number]): Tensor {
  return sortedWeight(weight, (values) => channelsFirst(values, picture));
}

/** A weight whose values `sort` puts into the order of the graph when they are read. */
function sortedWeight(
  weight: Tensor,
  sort: <Values extends Float32Array | Float64Array>(values: Values) => Values,
): Tensor {
  const { readExact } = weight;
  return {
    shape: weight.shape,
    read: () => sort(weight.read()),
    ...(readExact && { readExact: () => sort(readExact.call(weight)) }),
  };
}

/** Data is the first input (opset 5) or the third, after gamma and beta (opset 1). */
export function batchNormInference(layer: IrLayer, at: IrContext): Activation {
  const data = at.isConstant(layer, 0) ? 2 : 0;
  const [gamma, beta, mean, variance] = data === 0 ? [1, 2, 3, 4] : [0, 1, 3, 4];
  const x = at.activation(layer, data);
  requireChannelsOnAxis1(layer, x);
  const vector = (index: number | undefined): Float64Array => {
    const constant = at.constant(layer, index as number);
    const { shape } = constant.tensor;
    if (shape.length === 1 && shape[0] === x.shape[0]) {
      const values = calling(layer, () => smallValues(constant));
      return x.channelsLast ? channelsFirst(values, x.channelsLast) : values;
    }
    throw badModel(layer, `${x.shape[0]} values as input ${index}`, `[${shape}]`);
  };
  const eps = layer.data.has('eps') ? numberOf(layer, 'eps') : numberOf(layer, 'epsilon');
  const [remembered, gains] = [{ mean: vector(mean), variance: vector(variance) }, vector(gamma)];
  const scale = remembered.variance.map((v, c) => (gains[c] as number) / Math.sqrt(v + eps));
  const shift = vector(beta).map(
    (b, c) => b - (remembered.mean[c] as number) * (scale[c] as number),
  );
  const y = at.affine(layer, x, scale, shift, remembered);
  at.batchNorms.add(y.name);
  return y;
}
