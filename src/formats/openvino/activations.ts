/** OpenVINO's activation functions: each appends to the graph and returns the layer's value. */

import { dimsOf, withRank } from '../axes.ts';
import { stepAtLeast } from '../norm-steps.ts';
import { flagOf, numberOf, textOf, unsupported } from './attributes.ts';
import { smallValues } from './constants.ts';
import { calling, type IrContext, shownDims } from './context.ts';
import type { IrLayer } from './ir.ts';
import type { Activation, Constant, IrValue } from './values.ts';

/** No bound at all, for a value that is an f32. */
const F32_MAX = (2 - 2 ** -23) * 2 ** 127;

type Layer = (layer: IrLayer, at: IrContext) => IrValue;

/** Slopes: the second input, or a blob of one slope or one per channel. */
export function prelu(layer: IrLayer, at: IrContext): IrValue {
  const x = at.activation(layer, 0);
  if (!layer.blobs.has('weights')) {
    const slope = at.constant(layer, 1);
    return at.prelu(layer, ...slopesOf(layer, at, x, slope));
  }
  const shared = flagOf(layer, 'channel_shared', false);
  const slopes = at.blobChannels(layer, 'weights', x, !shared);
  return at.prelu(layer, x, slopes as number | Float64Array);
}

/** A vector of as many slopes as axis 1 has goes along it; everything else broadcasts. */
function slopesOf(
  layer: IrLayer,
  at: IrContext,
  x: Activation,
  slope: Constant,
): [Activation, number | Float64Array] {
  const { shape } = slope.tensor;
  const alongAxis1 = shape.length === 1 && shape[0] !== 1 && shape[0] === dimsOf(x)[1];
  if (alongAxis1 && x.axes[1] !== 'c') throw unsupported(layer, 'channels on axis 1', shownDims(x));
  if (alongAxis1 && !x.channelsLast) return [x, calling(layer, () => smallValues(slope))];
  const view = withRank(x, shape.length);
  return [{ ...x, ...view }, at.channels(layer, slope, view)];
}

export const relu: Layer = (layer, at) =>
  at.prelu(layer, at.activation(layer, 0), numberOf(layer, 'negative_slope', 0));

export function clamp(layer: IrLayer, at: IrContext): IrValue {
  const [min, max] = [numberOf(layer, 'min'), numberOf(layer, 'max')];
  const value = at.input(layer, 0);
  if (value.kind === 'norm') {
    const step = max >= 1e6 ? stepAtLeast(value, min) : undefined;
    if (step) return step;
    throw unsupported(layer, 'a small minimum of a norm', `${min}..${max}`);
  }
  const x = at.activation(layer, 0);
  return at.emit({ op: 'clip', name: layer.name, inputs: [x.name], min, max }, x);
}

export const sigmoid: Layer = (layer, at) => {
  const x = at.activation(layer, 0);
  return at.emit({ op: 'sigmoid', name: layer.name, inputs: [x.name] }, x);
};

/** x * sigmoid(beta * x); beta is an optional input. */
export const swish: Layer = (layer, at) => {
  const x = at.activation(layer, 0);
  const beta = layer.inputs[1] ? at.scalar(layer, 1) : 1;
  const { builder } = at;
  const inner = beta === 1 ? x.name : builder.affine(`${layer.name}/beta`, x.name, beta, 0);
  const gate = builder.add({ op: 'sigmoid', name: `${layer.name}/sigmoid`, inputs: [inner] });
  return at.emit({ op: 'mul', name: layer.name, inputs: [x.name, gate] }, x);
};

const relu6: Layer = (layer, at) => {
  const x = at.activation(layer, 0);
  return at.emit({ op: 'clip', name: layer.name, inputs: [x.name], min: 0, max: 6 }, x);
};

/** Versions 5 to 7. */
export function activation(layer: IrLayer, at: IrContext): IrValue {
  const kind = textOf(layer, 'type', '');
  const known: Readonly<Record<string, Layer>> = { sigmoid, relu, relu6, clamp, swish };
  const layerOf = Object.hasOwn(known, kind) ? known[kind] : undefined;
  if (layerOf) return layerOf(layer, at);
  throw unsupported(layer, `type ${Object.keys(known).join(', ')}`, kind);
}

/** The larger or smaller of an activation and a number. */
export function bound(side: 'min' | 'max'): Layer {
  return (layer, at) => {
    const constant = at.input(layer, 0).kind === 'constant' ? 0 : 1;
    const value = at.input(layer, 1 - constant);
    const limit = at.scalar(layer, constant);
    if (value.kind === 'norm' && side === 'min') {
      const step = stepAtLeast(value, limit);
      if (step) return step;
      throw unsupported(layer, 'a small minimum of a norm', `${limit}`);
    }
    const x = at.activation(layer, 1 - constant);
    const range = { min: -F32_MAX, max: F32_MAX, [side]: limit };
    return at.emit({ op: 'clip', name: layer.name, inputs: [x.name], ...range }, x);
  };
}
