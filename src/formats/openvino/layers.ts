/**
 * OpenVINO's layers with weights, pooling and normalisation: each function appends to the graph and
 * returns the layer's value. Weights are the second input (versions 10, 11) or a blob (5 to 7).
 */

import type { Tensor } from '../../graph/graph.ts';
import { sizeOf } from '../../graph/limits.ts';
import {
  badModel,
  flagOf,
  type IrContext,
  type IrValue,
  integersOf,
  numberOf,
  pairOf,
  unsupported,
} from './context.ts';
import type { IrLayer } from './ir.ts';

type Pair = readonly [number, number];

export function convolution(layer: IrLayer, at: IrContext): IrValue {
  const input = at.activation(layer, 0);
  const channels = at.builder.shapeOf(input)[0];
  if (!layer.blobs.has('weights')) return appendConvolution(layer, at, at.constant(layer, 1), 1);
  const group = numberOf(layer, 'group', 1);
  const filters = numberOf(layer, 'output');
  const shape = [filters, channels / group, ...pairOf(layer, 'kernel')];
  const weight = at.blob(layer, 'weights', shape) as Tensor;
  return appendConvolution(layer, at, weight, group);
}

/** Weights [G, O / G, I / G, kh, kw]. */
export function groupConvolution(layer: IrLayer, at: IrContext): IrValue {
  const { shape, read } = at.constant(layer, 1);
  const [group, outPerGroup, ...rest] = shape;
  if (group === undefined || outPerGroup === undefined || rest.length !== 3) {
    throw badModel(layer, 'weights [G, O / G, I / G, kh, kw]', `[${shape}]`);
  }
  return appendConvolution(layer, at, { shape: [group * outPerGroup, ...rest], read }, group);
}

function appendConvolution(layer: IrLayer, at: IrContext, weight: Tensor, group: number): string {
  const dilations = pairOf(layer, 'dilations', [1, 1]);
  if (dilations.some((n) => n !== 1)) throw unsupported(layer, 'dilations 1,1', `${dilations}`);
  const [filters = 0, , kh = 0, kw = 0] = weight.shape;
  const biases = at.blob(layer, 'biases', [filters])?.read();
  const stride = pairOf(layer, 'strides', [1, 1]);
  return at.builder.add({
    op: 'conv',
    name: layer.name,
    inputs: [at.activation(layer, 0)],
    weight,
    bias: biases && Float64Array.from(biases),
    stride,
    pads: padsOf(layer, at, [kh, kw], stride),
    group,
  });
}

/** Explicit, or as much as keeps ceil(size / stride), the odd one at the end or the start. */
function padsOf(
  layer: IrLayer,
  at: IrContext,
  kernel: Pair,
  stride: Pair,
): readonly [number, number, number, number] {
  const mode = layer.data.get('auto_pad') ?? 'explicit';
  if (mode === 'valid') return [0, 0, 0, 0];
  if (mode !== 'same_upper' && mode !== 'same_lower') {
    const begin = pairOf(layer, 'pads_begin', [0, 0]);
    const end = pairOf(layer, 'pads_end', [0, 0]);
    return [begin[0], begin[1], end[0], end[1]];
  }
  const [, height = 1, width = 1] = at.shape(layer, 0);
  const split = (size: number, axis: 0 | 1): Pair => {
    const steps = Math.ceil(size / stride[axis]) - 1;
    const total = Math.max(steps * stride[axis] + kernel[axis] - size, 0);
    const less = Math.floor(total / 2);
    return mode === 'same_upper' ? [less, total - less] : [total - less, less];
  };
  const [top, bottom] = split(height, 0);
  const [left, right] = split(width, 1);
  return [top, left, bottom, right];
}

/** Versions 5 to 7: flattens its input; weights [O, K]. */
export function fullyConnected(layer: IrLayer, at: IrContext): IrValue {
  const input = at.activation(layer, 0);
  const units = numberOf(layer, 'out-size');
  const features = sizeOf(at.builder.shapeOf(input));
  const weight = at.blob(layer, 'weights', [units, features]);
  if (!weight) throw badModel(layer, 'a blob of weights', 'none');
  const biases = at.blob(layer, 'biases', [units])?.read();
  return at.builder.add({
    op: 'fc',
    name: layer.name,
    inputs: [at.builder.flatten(`${layer.name}/flatten`, input)],
    weight,
    bias: biases && Float64Array.from(biases),
  });
}

/** An activation [1, K] by a constant [K, O], or [O, K] with `transpose_b`. */
export function matMul(layer: IrLayer, at: IrContext): IrValue {
  if (flagOf(layer, 'transpose_a', false)) throw unsupported(layer, 'transpose_a false', 'true');
  const input = at.activation(layer, 0);
  const constant = at.constant(layer, 1);
  if (constant.shape.length !== 2) throw badModel(layer, 'weights [O, K]', `[${constant.shape}]`);
  const rows = flagOf(layer, 'transpose_b', false);
  const weight = rows ? constant : transposed(constant);
  return at.builder.add({ op: 'fc', name: layer.name, inputs: [input], weight });
}

/** [K, O] -> [O, K], when read. */
export function transposed({ shape, read }: Tensor): Tensor {
  const [rows = 0, columns = 0] = shape;
  const turn = (): Float32Array => {
    const from = read();
    const to = new Float32Array(from.length);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) to[c * rows + r] = from[r * columns + c] as number;
    }
    return to;
  };
  return { shape: [columns, rows], read: turn };
}

export function reduceMean(layer: IrLayer, at: IrContext): IrValue {
  const input = at.activation(layer, 0);
  const shape = at.builder.shapeOf(input);
  const axes = at.integers(layer, 1).map((axis) => (axis < 0 ? axis + 4 : axis));
  const spatial = shape.length === 3 && axes.length === 2 && axes.includes(2) && axes.includes(3);
  if (!spatial) throw unsupported(layer, 'a mean over the axes 2, 3 of a picture', `${axes}`);
  const name = layer.name;
  const pooled = at.builder.add({ op: 'global_average_pool', name, inputs: [input] });
  const keeps = flagOf(layer, 'keep_dims', false);
  return keeps ? pooled : at.builder.flatten(`${name}/flatten`, pooled);
}

/** Average over the whole map only. */
export function averagePool(layer: IrLayer, at: IrContext): IrValue {
  const method = layer.data.get('pool-method') ?? 'avg';
  if (method !== 'avg') throw unsupported(layer, 'pool-method avg', method);
  const input = at.activation(layer, 0);
  const [, height, width] = at.builder.shapeOf(input);
  const kernel = pairOf(layer, 'kernel');
  const pads = [...pairOf(layer, 'pads_begin', [0, 0]), ...pairOf(layer, 'pads_end', [0, 0])];
  const whole = kernel[0] === height && kernel[1] === width && pads.every((n) => n === 0);
  if (!whole) throw unsupported(layer, `pooling over all of ${height}x${width}`, kernel.join('x'));
  return at.builder.add({ op: 'global_average_pool', name: layer.name, inputs: [input] });
}

/** `eps_mode` add puts eps under the root: max(|x|, sqrt(eps)) differs by eps / 2 |x|^2 relatively. */
export function normalizeL2(layer: IrLayer, at: IrContext): IrValue {
  const input = at.activation(layer, 0);
  const shape = at.builder.shapeOf(input);
  const axes = at.integers(layer, 1);
  const whole = shape.length === 1 && axes.length === 1 && (axes[0] === 1 || axes[0] === -1);
  if (!whole) throw unsupported(layer, 'a vector normalised over axis 1', `[${shape}], ${axes}`);
  const eps = Math.sqrt(Math.max(numberOf(layer, 'eps'), 0));
  return at.builder.add({ op: 'l2_normalize', name: layer.name, inputs: [input], eps });
}

/** The form of versions 5 to 7, with the target in an attribute or in the output's dimensions. */
export function legacyReshapeTarget(layer: IrLayer): readonly number[] {
  return layer.data.has('dim') ? integersOf(layer, 'dim') : (layer.outputs[0]?.dims ?? []);
}
