/**
 * What the first batch norms of a graph would see: mean and variance of every channel in front of them, worked
 * out from the statistics of faces. Receives the graph as imported and what is done to pixels in front of it;
 * yields one prediction per batch norm that is reached, the nearest first. No picture is run.
 *
 * Sums of pixels (scales, shifts, mixtures of the channels, one convolution with its padding) have the mean and
 * variance that the statistics give them. Behind an activation they count as normally distributed. A second
 * convolution, or whatever joins two values, ends the way.
 */

import type {
  AffineNode,
  ConvNode,
  Graph,
  GraphNode,
  RunningStatistics,
} from '../../graph/graph.ts';
import type { ChannelOrder, Normalization } from '../../graph/preprocessing.ts';
import { convolveField, type Field, mixField, type Part } from './convolve.ts';
import { covarianceAt, type FaceStatistics, REACH } from './face-statistics.ts';
import { momentsThrough, pointwiseOf } from './pointwise.ts';

/** What the graph's input gets: (x - mean) / std of pixels 0..255, whose channels stand in `order`. */
export interface InputForm extends Normalization {
  readonly order: ChannelOrder;
}

export interface Prediction {
  /** Of the batch norm. */
  readonly name: string;
  readonly remembered: RunningStatistics;
  readonly predicted: RunningStatistics;
}

/** Of one prediction: a stem of 64 channels takes 0.4 million products if 3x3, 35 million if 7x7. */
const MAX_PRODUCTS = 1e8;
const MAX_OUTPUTS = 1024;

type State =
  | { readonly kind: 'pixels'; readonly field: Field }
  | { readonly kind: 'sums' | 'activations'; readonly parts: readonly Part[] };

export function* predictBatchNorms(
  graph: Graph,
  form: InputForm,
  faces: FaceStatistics,
): Generator<Prediction> {
  const { name, shape } = graph.input;
  if (shape[0] !== 3) return;
  const scale = Float64Array.from(form.std, (std) => 1 / std);
  const shift = scale.map((s, c) => -(form.mean[c] as number) * s);
  const input = scaledField(facesAs(faces, form.order, shape), scale, shift);
  const states = new Map<string, State>([[name, { kind: 'pixels', field: input }]]);
  for (const node of graph.nodes) {
    const state = states.get(node.inputs[0] ?? '');
    if (!state || node.inputs.length > 1) continue;
    if (node.op === 'affine' && node.remembered) {
      yield { name: node.name, remembered: node.remembered, predicted: momentsOf(state) };
    }
    const next = step(node, state);
    if (next) states.set(node.name, next);
  }
}

/** Pixels 0..255 in the order in which the network gets them. */
function facesAs(
  faces: FaceStatistics,
  order: ChannelOrder,
  [, height, width]: readonly [number, number, number],
): Field {
  const pixel = (c: number): number => (order === 'rgb' ? c : 2 - c);
  return {
    height,
    width,
    mean: Float64Array.from([0, 1, 2], (c) => faces.mean[pixel(c)] as number),
    covariance: (a, b, dy, dx) => covarianceAt(faces, [pixel(a), pixel(b)], [dy, dx]),
  };
}

function scaledField(field: Field, scale: Float64Array, shift: Float64Array): Field {
  return {
    ...field,
    mean: field.mean.map((m, c) => m * (scale[c] as number) + (shift[c] as number)),
    covariance: (a, b, dy, dx) =>
      (scale[a] as number) * (scale[b] as number) * field.covariance(a, b, dy, dx),
  };
}

function step(node: GraphNode, state: State): State | undefined {
  if (node.op === 'affine') return scaled(state, node);
  if (state.kind === 'pixels') {
    if (node.op !== 'conv' || !isSmall(node)) return undefined;
    const mixed = mixField(node, state.field);
    if (mixed) return { kind: 'pixels', field: mixed };
    return { kind: 'sums', parts: convolveField(node, state.field) };
  }
  const apply = state.kind === 'sums' ? pointwiseOf(node) : undefined;
  if (!apply) return undefined;
  const through = (part: Part): Part => ({ ...part, ...momentsThrough(apply, part) });
  return { kind: 'activations', parts: state.parts.map(through) };
}

function scaled(state: State, { scale, shift }: AffineNode): State {
  if (state.kind === 'pixels')
    return { kind: 'pixels', field: scaledField(state.field, scale, shift) };
  const parts = state.parts.map(({ share, mean, variance }) => ({
    share,
    mean: mean.map((m, c) => m * (scale[c] as number) + (shift[c] as number)),
    variance: variance.map((v, c) => v * (scale[c] as number) ** 2),
  }));
  return { kind: state.kind, parts };
}

function isSmall({ weight }: ConvNode): boolean {
  const [outputs = 0, , kh = 0, kw = 0] = weight.shape;
  const ways = kh * kw;
  const products = outputs * (3 * kh * kw) ** 2 * ways;
  const isStem = outputs <= MAX_OUTPUTS && kh <= REACH + 1 && kw <= REACH + 1;
  return isStem && products <= MAX_PRODUCTS;
}

/** Over all places. */
function momentsOf(state: State): RunningStatistics {
  if (state.kind === 'pixels') {
    const { mean, covariance } = state.field;
    return { mean, variance: mean.map((_, c) => covariance(c, c, 0, 0)) };
  }
  const { parts } = state;
  const average = (of: (part: Part, c: number) => number): Float64Array =>
    Float64Array.from((parts[0] as Part).mean, (_, c) =>
      parts.reduce((sum, part) => sum + part.share * of(part, c), 0),
    );
  const mean = average((part, c) => part.mean[c] as number);
  const square = (value: number): number => value * value;
  const variance = average(
    (part, c) =>
      (part.variance[c] as number) + square((part.mean[c] as number) - (mean[c] as number)),
  );
  return { mean, variance };
}
