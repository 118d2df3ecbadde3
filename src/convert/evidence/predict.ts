/**
 * What the first batch norms of a graph would see: mean and variance of every channel in front of them,
 * worked out from the statistics of faces. Receives the graph as imported and what is done to pixels in front
 * of it; yields one prediction per batch norm that is reached, the nearest first. No picture is run.
 *
 * Sums of pixels (scales, shifts, mixtures of the channels, one convolution with its padding) have the mean
 * and variance that the statistics give them. Behind an activation they count as normally distributed. A
 * second convolution, or whatever joins two values, ends the way.
 */

import type { AffineNode, Graph, GraphNode, RunningStatistics } from '../../graph/graph.ts';
import type { ChannelOrder, Normalization } from '../../graph/preprocessing.ts';
import { Budget } from './budget.ts';
import { convolveField, mixField, type Part } from './convolve.ts';
import type { FaceStatistics } from './face-statistics.ts';
import { Field } from './field.ts';
import { momentsThrough, pointwiseOf, STEPS } from './pointwise.ts';

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

type State =
  | { readonly kind: 'pixels'; readonly field: Field }
  | { readonly kind: 'sums' | 'activations'; readonly parts: readonly Part[] };

export function* predictBatchNorms(
  graph: Graph,
  form: InputForm,
  faces: FaceStatistics,
): Generator<Prediction> {
  const { name, shape } = graph.input;
  const [channels, height, width] = shape;
  if (channels !== 3) return;
  const scale = Float64Array.from(form.std, (std) => 1 / std);
  const shift = scale.map((s, c) => -(form.mean[c] as number) * s);
  const field = Field.ofFaces(faces, form.order, [height, width]).scaled(scale, shift);
  const states = new Map<string, State>([[name, { kind: 'pixels', field }]]);
  const budget = new Budget();
  for (const node of graph.nodes) {
    const state = states.get(node.inputs[0] ?? '');
    if (!state || node.inputs.length > 1) continue;
    if (node.op === 'affine' && node.remembered) {
      yield { name: node.name, remembered: node.remembered, predicted: momentsOf(state) };
    }
    const next =
      state.kind === 'pixels'
        ? behindPixels(node, state.field, budget)
        : behindSums(node, state, budget);
    if (next) states.set(node.name, next);
  }
}

function behindPixels(node: GraphNode, field: Field, budget: Budget): State | undefined {
  if (node.op === 'affine') return { kind: 'pixels', field: field.scaled(node.scale, node.shift) };
  if (node.op !== 'conv') return undefined;
  const mixed = mixField(node, field);
  if (mixed) return { kind: 'pixels', field: mixed };
  const parts = convolveField(node, field, budget);
  return parts && { kind: 'sums', parts };
}

function behindSums(
  node: GraphNode,
  { kind, parts }: State & { kind: 'sums' | 'activations' },
  budget: Budget,
): State | undefined {
  const values = parts.reduce((sum, { mean }) => sum + mean.length, 0);
  if (node.op === 'affine') {
    if (!budget.spend(values)) return undefined;
    return { kind, parts: parts.map((part) => scaledPart(part, node)) };
  }
  const apply = kind === 'sums' ? pointwiseOf(node) : undefined;
  if (!apply || !budget.spend(values * STEPS)) return undefined;
  const through = (part: Part): Part => ({ ...part, ...momentsThrough(apply, part) });
  return { kind: 'activations', parts: parts.map(through) };
}

function scaledPart({ share, mean, variance }: Part, { scale, shift }: AffineNode): Part {
  return {
    share,
    mean: mean.map((m, c) => m * (scale[c] as number) + (shift[c] as number)),
    variance: variance.map((v, c) => v * (scale[c] as number) ** 2),
  };
}

/** Over all places. */
function momentsOf(state: State): RunningStatistics {
  if (state.kind === 'pixels') {
    const { field } = state;
    const { mean } = field;
    return { mean, variance: mean.map((_, c) => field.covariance(c, c, 0, 0)) };
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
