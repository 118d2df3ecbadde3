/** Trials of one operator on seeded values in [-1, 1) that are exact in f32. */

import type { Activation, ConvNode, FcNode, GraphNode, Tensor } from '../../src/graph/graph.ts';
import { sizeOf } from '../../src/graph/limits.ts';
import { inferShapes } from '../../src/graph/shapes.ts';
import { graphOf, mulberry32, type Random, randomTensor, uniform } from './graphs.ts';
import type { Trial } from './kernel-memory.ts';

export interface ConvCase {
  readonly seed: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly outChannels: number;
  readonly kernel: readonly [number, number];
  readonly stride?: readonly [number, number];
  readonly pads?: readonly [number, number, number, number];
  readonly group?: number;
  readonly bias?: boolean;
  readonly padValue?: boolean;
  readonly activation?: 'prelu' | 'clip' | undefined;
  /** 'kept': somebody reads it later; 'last': this is its last use, so it is overwritten. */
  readonly residual?: 'kept' | 'last' | undefined;
  readonly batch?: number;
}

/** Values that f32 holds exactly. */
export function values(random: Random, length: number, low = -1, high = 1): Float64Array {
  return uniform(random, length, low, high).map(Math.fround);
}

/** Negative slopes and slopes above 1 among them. */
function activationOf(random: Random, kind: 'prelu' | 'clip', channels: number): Activation {
  if (kind === 'clip') return { kind, min: -0.25, max: 0.5 };
  return { kind, slope: values(random, channels, -2, 2) };
}

/** Pictures for the named values of `graph`. */
export function give(
  random: Random,
  graph: Trial['graph'],
  names: readonly string[],
  batch = 1,
): Trial['given'] {
  const shapes = inferShapes(graph);
  const picture = (name: string) => values(random, sizeOf(shapes.get(name) ?? []));
  return new Map(names.map((name) => [name, Array.from({ length: batch }, () => picture(name))]));
}

export function convTrial(one: ConvCase): Trial {
  const random = mulberry32(one.seed);
  const { channels, outChannels, kernel, group = 1, batch = 1, residual } = one;
  const weight = randomTensor(random, outChannels, channels / group, ...kernel);
  const node: ConvNode = {
    ...geometry(one, weight),
    op: 'conv',
    name: 'c',
    inputs: residual ? ['data', 'r'] : ['data'],
    bias: one.bias === false ? undefined : values(random, outChannels),
    padValue: one.padValue ? values(random, channels) : undefined,
    activation: one.activation && activationOf(random, one.activation, outChannels),
  };
  const nodes: GraphNode[] = [node];
  // The residual's values are given: its operator only has to have the right shape.
  if (residual) {
    nodes.unshift({ ...geometry(one, weight), op: 'conv', name: 'r', inputs: ['data'] });
  }
  if (residual === 'kept') nodes.push({ op: 'add', name: 'later', inputs: ['c', 'r'] });
  const graph = graphOf([channels, one.height, one.width], nodes);
  return { graph, target: 'c', given: give(random, graph, node.inputs, batch) };
}

function geometry({ stride = [1, 1], pads = [0, 0, 0, 0], group = 1 }: ConvCase, weight: Tensor) {
  return { weight, stride, pads, group };
}

/** A fully connected layer on [C, H, W], flattened. */
export function fcTrial(
  seed: number,
  shape: readonly [number, number, number],
  outFeatures: number,
  batch: number,
  activation?: 'prelu' | 'clip',
): Trial {
  const random = mulberry32(seed);
  const node: FcNode = {
    op: 'fc',
    name: 'y',
    inputs: ['data'],
    weight: randomTensor(random, outFeatures, sizeOf(shape)),
    bias: values(random, outFeatures),
    activation: activation && activationOf(random, activation, outFeatures),
  };
  const graph = graphOf(shape, [node]);
  return { graph, target: 'y', given: give(random, graph, ['data'], batch) };
}
