/**
 * MXNet's layers with parameters, pooling, reshapes and normalisations: each function appends to the
 * graph and returns its value's name. Refuses forms that this model family does not use.
 *
 * Source: apache/mxnet src/operator/ (defaults) and src/operator/nn/batch_norm.cc (fix_gamma).
 */

import { sizeOf } from '../../graph/limits.ts';
import { flagOf, numberOf, pairOf, textOf, tupleOf } from './attributes.ts';
import type { MxnetContext } from './context.ts';
import { requireThat } from './requirements.ts';
import type { SymbolNode } from './symbol.ts';

export function convolution(node: SymbolNode, at: MxnetContext): string {
  const input = at.value(node, 0);
  const kernel = pairOf(node, 'kernel');
  const dilate = pairOf(node, 'dilate', [1, 1]);
  requireThat(dilate[0] === 1 && dilate[1] === 1, node, 'dilate (1, 1)', `(${dilate})`);
  const layout = textOf(node, 'layout', 'None');
  requireThat(layout === 'None' || layout === 'NCHW', node, 'layout NCHW', layout);
  const filters = numberOf(node, 'num_filter');
  const group = numberOf(node, 'num_group', 1);
  const weight = at.parameter(node, 1, 'weights');
  const channels = at.builder.shapeOf(input)[0];
  at.requireShape(node, weight, [filters, channels / group, ...kernel], 'weights');
  const pad = pairOf(node, 'pad', [0, 0]);
  return at.builder.add({
    op: 'conv',
    name: node.name,
    inputs: [input],
    weight,
    bias: bias(node, at, filters),
    stride: pairOf(node, 'stride', [1, 1]),
    pads: [pad[0], pad[1], pad[0], pad[1]],
    group,
  });
}

export function fullyConnected(node: SymbolNode, at: MxnetContext): string {
  const input = at.value(node, 0);
  const shape = at.builder.shapeOf(input);
  const flattens = flagOf(node, 'flatten', true) || shape.length === 1;
  requireThat(flattens, node, 'flatten True for a picture', 'False');
  const units = numberOf(node, 'num_hidden');
  const weight = at.parameter(node, 1, 'weights');
  at.requireShape(node, weight, [units, sizeOf(shape)], 'weights');
  return at.builder.add({
    op: 'fc',
    name: node.name,
    inputs: [at.builder.flatten(`${node.name}_flatten`, input)],
    weight,
    bias: bias(node, at, units),
  });
}

function bias(node: SymbolNode, at: MxnetContext, length: number): Float64Array | undefined {
  if (flagOf(node, 'no_bias', false)) return undefined;
  return at.vector(node, at.parameter(node, 2, 'a bias'), length, 'a bias');
}

/** Folded in f64. `fix_gamma` (the default!) makes gamma 1 whatever is stored. */
export function batchNorm(node: SymbolNode, at: MxnetContext): string {
  const axis = numberOf(node, 'axis', 1);
  requireThat(axis === 1, node, 'axis 1', axis);
  const eps = numberOf(node, 'eps', 1e-3);
  const input = at.value(node, 0);
  const channels = at.builder.shapeOf(input)[0];
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
  const value = at.builder.affine(node.name, input, scale, shift, { mean, variance });
  at.batchNorms.add(value);
  return value;
}

/** Average over the whole map, said by `global_pool` or by a kernel of that size. */
export function pooling(node: SymbolNode, at: MxnetContext): string {
  const kind = textOf(node, 'pool_type', 'max');
  requireThat(kind === 'avg', node, 'pool_type avg', kind);
  const input = at.value(node, 0);
  if (!flagOf(node, 'global_pool', false)) {
    const [, height, width] = at.builder.shapeOf(input);
    const kernel = pairOf(node, 'kernel');
    const pad = pairOf(node, 'pad', [0, 0]);
    const whole = kernel[0] === height && kernel[1] === width && pad[0] === 0 && pad[1] === 0;
    requireThat(whole, node, `pooling over all of ${height}x${width}`, kernel.join('x'));
  }
  return at.builder.add({ op: 'global_average_pool', name: node.name, inputs: [input] });
}

export function flatten(node: SymbolNode, at: MxnetContext): string {
  return at.builder.flatten(node.name, at.value(node, 0));
}

/** To features, (0, -1) in many spellings, or to the shape that is there. */
export function reshape(node: SymbolNode, at: MxnetContext): string {
  const input = at.value(node, 0);
  const shape = at.builder.shapeOf(input);
  const size = sizeOf(shape);
  const target = tupleOf(node, 'shape') ?? tupleOf(node, 'target_shape') ?? [];
  const [batch, ...rest] = target;
  const known = batch === 0 || batch === 1 || batch === -1;
  const features = rest.length === 1 && (rest[0] === -1 || rest[0] === size);
  if (known && features && target.filter((n) => n === -1).length <= 1) {
    return at.builder.flatten(node.name, input);
  }
  const same = [shape[0], shape[1] ?? 1, shape[2] ?? 1];
  const kept =
    rest.length === 3 && rest.every((n, i) => n === same[i] || (n === 0 && i < shape.length));
  requireThat(known && kept, node, `a reshape to (0, -1) or (0, ${same})`, `(${target})`);
  return input;
}

/** MXNet adds eps under the root; max(|x|, sqrt(eps)) differs by eps / 2 |x|^2 relatively. */
export function l2Normalization(node: SymbolNode, at: MxnetContext): string {
  const mode = textOf(node, 'mode', 'instance');
  requireThat(mode === 'instance' || mode === 'channel', node, 'mode instance', mode);
  const input = at.value(node, 0);
  const shape = at.builder.shapeOf(input);
  requireThat(shape.length === 1, node, 'a vector', `[${shape}]`);
  const eps = Math.sqrt(numberOf(node, 'eps', 1e-10));
  return at.builder.add({ op: 'l2_normalize', name: node.name, inputs: [input], eps });
}
