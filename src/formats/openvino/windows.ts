/**
 * Windows that move over a picture: padding of convolutions and poolings, and the poolings of this
 * family: the average over the whole picture, and maxima over one pixel, which keep every n-th one.
 */

import type { Shape } from '../../graph/graph.ts';
import { dimsOf } from '../axes.ts';
import { flagOf, integersOf, numberOf, pairOf, textOf, unsupported } from './attributes.ts';
import { type IrContext, shownDims } from './context.ts';
import type { IrLayer } from './ir.ts';
import type { Activation } from './values.ts';

type Pair = readonly [number, number];
type Pads = readonly [number, number, number, number];

const MODES = ['explicit', 'notset', 'valid', 'same_upper', 'same_lower'];

/** Explicit, or as much as keeps ceil(size / stride), the odd one at the end or the start. */
export function padsOf(layer: IrLayer, input: Shape, kernel: Pair, stride: Pair): Pads {
  const mode = textOf(layer, 'auto_pad', 'explicit');
  if (!MODES.includes(mode)) throw unsupported(layer, `auto_pad ${MODES.join(', ')}`, mode);
  if (mode === 'valid') return [0, 0, 0, 0];
  if (mode === 'explicit' || mode === 'notset') {
    if (layer.data.has('pads_begin') !== layer.data.has('pads_end')) {
      throw unsupported(layer, 'both pads_begin and pads_end', 'one of them');
    }
    return [...pairOf(layer, 'pads_begin', [0, 0]), ...pairOf(layer, 'pads_end', [0, 0])];
  }
  const [, height = 1, width = 1] = input;
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

/** A border of one value around a picture: pads are the inputs 1 and 2, or attributes in versions 5 to 7. */
export function pad(layer: IrLayer, at: IrContext): Activation {
  const x = at.activation(layer, 0);
  const mode = textOf(layer, 'pad_mode', 'constant');
  if (mode !== 'constant') throw unsupported(layer, 'pad_mode constant', mode);
  const stated = layer.inputs[1] !== undefined;
  const begin = stated ? at.integers(layer, 1) : integersOf(layer, 'pads_begin');
  const end = stated ? at.integers(layer, 2) : integersOf(layer, 'pads_end');
  const value = layer.inputs[3] ? at.scalar(layer, 3) : numberOf(layer, 'pad_value', 0);
  const [h, w] = [x.axes.indexOf('h'), x.axes.indexOf('w')];
  const isSpatial = (pads: readonly number[]): boolean =>
    pads.length === x.axes.length && pads.every((n, axis) => n === 0 || axis === h || axis === w);
  const fits = isSpatial(begin) && isSpatial(end);
  if (!fits || h < 0 || w < 0) {
    throw unsupported(layer, `pads of height and width of ${shownDims(x)}`, `${begin}; ${end}`);
  }
  const pads = [begin[h], begin[w], end[h], end[w]] as [number, number, number, number];
  return at.named(at.builder.border(layer.name, x.name, pads, value), x);
}

/** Versions 5 to 7. */
export function pooling(layer: IrLayer, at: IrContext): Activation {
  const method = textOf(layer, 'pool-method', 'max');
  if (method === 'max') return maxPool(layer, at);
  if (method === 'avg') return averagePool(layer, at);
  throw unsupported(layer, 'pool-method avg or max', method);
}

/** Average over the whole map only. */
export function averagePool(layer: IrLayer, at: IrContext): Activation {
  const x = at.picture(layer, 0);
  const [, height = 1, width = 1] = x.shape;
  const kernel = pairOf(layer, 'kernel');
  const whole = kernel[0] === height && kernel[1] === width && unpadded(layer, x.shape, kernel);
  if (!whole) throw unsupported(layer, `pooling over all of ${height}x${width}`, kernel.join('x'));
  return at.emit({ op: 'global_average_pool', name: layer.name, inputs: [x.name] });
}

/** Over one pixel only: subsampling. */
export function maxPool(layer: IrLayer, at: IrContext): Activation {
  const x = at.picture(layer, 0);
  const kernel = pairOf(layer, 'kernel');
  if (kernel.some((n) => n !== 1) || !unpadded(layer, x.shape, kernel)) {
    const got = `${kernel.join('x')}${unpadded(layer, x.shape, kernel) ? '' : ' with padding'}`;
    throw unsupported(layer, 'max pooling over 1x1, which is subsampling', got);
  }
  const stride = pairOf(layer, 'strides', [1, 1]);
  const rounding = textOf(layer, 'rounding_type', textOf(layer, 'rounding-type', 'floor'));
  const [, ...sides] = x.shape;
  const evenly = sides.every((n, axis) => (n - 1) % (stride[axis] as number) === 0);
  if (rounding !== 'floor' && !evenly) throw unsupported(layer, 'rounding_type floor', rounding);
  return at.named(at.builder.subsample(layer.name, x.name, stride));
}

function unpadded(layer: IrLayer, input: Shape, kernel: Pair): boolean {
  const stride = pairOf(layer, 'strides', [1, 1]);
  return padsOf(layer, input, kernel, stride).every((n) => n === 0);
}

/** Over height and width. */
export function averageOver(
  layer: IrLayer,
  at: IrContext,
  x: Activation,
  axes: ReadonlySet<number>,
): Activation {
  const spatial = x.axes.every((axis, i) =>
    axis === 'h' || axis === 'w' ? axes.has(i) : axis !== 'c' || !axes.has(i),
  );
  if (!spatial || x.shape.length !== 3) {
    throw unsupported(
      layer,
      'a mean over height and width of a picture',
      `axes ${[...axes]} of [${dimsOf(x)}]`,
    );
  }
  const pooled = at.emit({ op: 'global_average_pool', name: layer.name, inputs: [x.name] });
  const keeps = flagOf(layer, 'keep_dims', false);
  const kept = x.axes.flatMap((axis, i) =>
    keeps || !axes.has(i) ? [axis === 'c' ? axis : ('1' as const)] : [],
  );
  return { ...pooled, axes: kept };
}
