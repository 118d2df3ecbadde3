/**
 * MXNet's layers with parameters, and pooling: each function appends to the graph and returns its value.
 * Refuses forms that this model family does not use.
 *
 * Source: apache/mxnet src/operator/ (defaults) and src/operator/nn/batch_norm.cc (fix_gamma).
 */

import { sizeOf } from '../../graph/limits.ts';
import { flatOrder } from '../axes.ts';
import { flagOf, numberOf, pairOf, textOf, tupleOf } from './attributes.ts';
import { type MxnetContext, shownDims } from './context.ts';
import { requireThat } from './requirements.ts';
import type { SymbolNode } from './symbol.ts';
import type { Activation } from './values.ts';

export function convolution(node: SymbolNode, at: MxnetContext): Activation {
  const { name, shape } = at.picture(node, 0);
  const kernel = pairOf(node, 'kernel');
  const dilate = pairOf(node, 'dilate', [1, 1]);
  requireThat(dilate[0] === 1 && dilate[1] === 1, node, 'dilate (1, 1)', `(${dilate})`);
  requireChannelsFirst(node);
  const filters = numberOf(node, 'num_filter');
  const group = numberOf(node, 'num_group', 1);
  const weight = at.parameter(node, 1, 'weights');
  at.requireShape(node, weight, [filters, shape[0] / group, ...kernel], 'weights');
  const pad = pairOf(node, 'pad', [0, 0]);
  return at.emit({
    op: 'conv',
    name: node.name,
    inputs: [name],
    weight,
    bias: bias(node, at, filters),
    stride: pairOf(node, 'stride', [1, 1]),
    pads: [pad[0], pad[1], pad[0], pad[1]],
    group,
  });
}

export function fullyConnected(node: SymbolNode, at: MxnetContext): Activation {
  const x = at.value(node, 0);
  const flattens = flagOf(node, 'flatten', true) || x.axes.length === 2;
  requireThat(flattens, node, 'flatten True for a picture', 'False');
  requireThat(!x.channelsLast && flatOrder(x) === 'channels first', node, 'channels first', 'last');
  const units = numberOf(node, 'num_hidden');
  const weight = at.parameter(node, 1, 'weights');
  at.requireShape(node, weight, [units, sizeOf(x.shape)], 'weights');
  return at.emit({
    op: 'fc',
    name: node.name,
    inputs: [at.builder.flatten(`${node.name}_flatten`, x.name)],
    weight,
    bias: bias(node, at, units),
  });
}

function bias(node: SymbolNode, at: MxnetContext, length: number): Float64Array | undefined {
  if (flagOf(node, 'no_bias', false)) return undefined;
  return at.vector(node, at.parameter(node, 2, 'a bias'), length, 'a bias');
}

/** Folded in f64. `fix_gamma` (the default!) makes gamma 1 whatever is stored. */
export function batchNorm(node: SymbolNode, at: MxnetContext): Activation {
  const axis = numberOf(node, 'axis', 1);
  requireThat(axis === 1, node, 'axis 1', axis);
  const eps = numberOf(node, 'eps', 1e-3);
  const x = at.value(node, 0);
  const channels = x.shape[0];
  const onAxis1 = !x.channelsLast && (x.axes[1] === 'c' || channels === 1);
  requireThat(onAxis1, node, 'channels on axis 1', shownDims(x));
  const vector = (index: number, role: string): Float64Array => {
    // Files before 0.9 do not list the running statistics among the inputs.
    const listed = index < node.inputs.length;
    const param = listed
      ? at.parameter(node, index, role)
      : at.named(node, `${node.name}_${role}`, role);
    return at.vector(node, param, channels, role);
  };
  const gamma = flagOf(node, 'fix_gamma', true) ? undefined : vector(1, 'gamma');
  const [beta, mean, variance] = [
    vector(2, 'beta'),
    vector(3, 'moving_mean'),
    vector(4, 'moving_var'),
  ];
  const scale = variance.map((v, c) => (gamma?.[c] ?? 1) / Math.sqrt(v + eps));
  const shift = beta.map((b, c) => b - (mean[c] as number) * (scale[c] as number));
  const value = at.affine(node, x, scale, shift, { mean, variance });
  at.batchNorms.add(value.name);
  return value;
}

/** The average over the whole map, or the maximum over one pixel, which keeps every n-th one. */
export function pooling(node: SymbolNode, at: MxnetContext): Activation {
  const kind = textOf(node, 'pool_type', 'max');
  requireThat(kind === 'avg' || kind === 'max', node, 'pool_type avg or max', kind);
  requireChannelsFirst(node);
  const x = at.picture(node, 0);
  const [, height = 1, width = 1] = x.shape;
  const global = flagOf(node, 'global_pool', false);
  const kernel = global ? ([height, width] as const) : pairOf(node, 'kernel');
  const pad = global ? [0, 0] : pairOf(node, 'pad', [0, 0]);
  const unpadded = pad.every((n) => n === 0);
  if (kind === 'max') return subsampled(node, at, x, kernel, unpadded);
  const whole = kernel[0] === height && kernel[1] === width && unpadded;
  requireThat(whole, node, `pooling over all of ${height}x${width}`, kernel.join('x'));
  return at.emit({ op: 'global_average_pool', name: node.name, inputs: [x.name] });
}

function subsampled(
  node: SymbolNode,
  at: MxnetContext,
  x: Activation,
  kernel: readonly [number, number],
  unpadded: boolean,
): Activation {
  const one = kernel.every((n) => n === 1) && unpadded;
  const got = `${kernel.join('x')}${unpadded ? '' : ' with padding'}`;
  requireThat(one, node, 'max pooling over 1x1, which is subsampling', got);
  const stride = pairOf(node, 'stride', [1, 1]);
  const convention = textOf(node, 'pooling_convention', 'valid');
  const [, ...sides] = x.shape;
  const evenly = sides.every((n, axis) => (n - 1) % (stride[axis] as number) === 0);
  const sound = convention === 'valid' || (convention === 'full' && evenly);
  requireThat(sound, node, 'pooling_convention valid', convention);
  return at.seen(at.builder.subsample(node.name, x.name, stride));
}

/** A border of one value around a picture: pad_width is two numbers per axis. */
export function pad(node: SymbolNode, at: MxnetContext): Activation {
  const x = at.picture(node, 0);
  const mode = textOf(node, 'mode', 'none');
  requireThat(mode === 'constant', node, 'mode constant', mode);
  const widths = tupleOf(node, 'pad_width') ?? [];
  const spatial = widths.length === 8 && widths.slice(0, 4).every((n) => n === 0);
  requireThat(spatial, node, 'pad_width of height and width', `(${widths})`);
  const [top = 0, bottom = 0, left = 0, right = 0] = widths.slice(4);
  const value = numberOf(node, 'constant_value', 0);
  return at.seen(at.builder.border(node.name, x.name, [top, left, bottom, right], value));
}

function requireChannelsFirst(node: SymbolNode): void {
  const layout = textOf(node, 'layout', 'None');
  requireThat(layout === 'None' || layout === 'NCHW', node, 'layout NCHW', layout);
}
