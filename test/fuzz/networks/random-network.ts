/**
 * Random networks over the closed list of operators, in folded form: any kernel, stride, padding and group,
 * epilogues, residuals of every origin, values that nobody reads, several readers of one value. Weights keep
 * activations near 1. Small: some hundred thousand multiply-adds.
 */

import type {
  Activation,
  AffineNode,
  ConvNode,
  Graph,
  GraphNode,
  Shape,
  SubsampleNode,
  Tensor,
} from '../../../src/graph/graph.ts';
import { sizeOf } from '../../../src/graph/limits.ts';
import { inferNodeShape } from '../../../src/graph/shapes.ts';
import { graphOf, type Random, uniform } from '../../support/graphs.ts';
import { below, chance, pick } from '../mutate/choose.ts';

interface Value {
  readonly name: string;
  readonly shape: Shape;
}

type Draft = Omit<GraphNode, 'name'> & { op: GraphNode['op'] };

/** Where an operator is to stand. */
interface Place {
  readonly x: Value;
  /** All values before it. */
  readonly values: readonly Value[];
  readonly random: Random;
  readonly mostMacs: number;
}

/** Undefined where the operator does not fit. */
type Make = (place: Place) => Draft | undefined;

const MOST_NODES = 8;
/** Most are small, so that many can be tried; multiply-adds are those of one layer. */
const SIZES = { small: { side: 12, macs: 200_000 }, large: { side: 30, macs: 800_000 } } as const;
const LARGE_SHARE = 0.06;
const CHANNELS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 24, 32, 33];

export function randomGraph(random: Random): Graph {
  const size = chance(random, LARGE_SHARE) ? SIZES.large : SIZES.small;
  const side = (): number => 1 + below(random, size.side);
  const shape = [pick(random, CHANNELS), side(), side()] as const;
  const values: Value[] = [{ name: 'data', shape }];
  const nodes: GraphNode[] = [];
  const count = 1 + below(random, MOST_NODES);
  for (let tries = 0; nodes.length < count && tries < 60; tries++) {
    // The newest value twice as often: chains are what networks are made of.
    const x = chance(random, 0.5) ? (values.at(-1) as Value) : pick(random, values);
    const draft = pick(random, MAKERS)({ x, values, random, mostMacs: size.macs });
    if (draft === undefined) continue;
    const node = { ...draft, name: `n${nodes.length}` } as GraphNode;
    const inputs = node.inputs.map(
      (name) => values.find((value) => value.name === name)?.shape as Shape,
    );
    nodes.push(node);
    values.push({ name: node.name, shape: inferNodeShape(node, inputs) });
  }
  if (nodes.length === 0) nodes.push({ op: 'sigmoid', name: 'n0', inputs: ['data'] });
  return graphOf(shape, nodes);
}

const convolution: Make = ({ x, values, random, mostMacs }) => {
  if (x.shape.length !== 3) return undefined;
  const [channels, height, width] = x.shape;
  const kernel = pick(random, [
    [3, 3],
    [3, 3],
    [1, 1],
    [1 + below(random, 5), 1 + below(random, 5)],
  ] as const);
  const stride = pick(random, [
    [1, 1],
    [1, 1],
    [2, 2],
    [1 + below(random, 3), 1 + below(random, 3)],
  ] as const);
  const same = chance(random, 0.5);
  const pads = [0, 1, 0, 1].map((axis) => {
    return same ? (kernel[axis] as number) >> 1 : below(random, 4);
  }) as unknown as ConvNode['pads'];
  const fits = height + pads[0] + pads[2] >= kernel[0] && width + pads[1] + pads[3] >= kernel[1];
  const group = pick(random, [1, 1, 1, channels, pick(random, divisorsOf(channels))]);
  const outChannels =
    group === 1 ? pick(random, [...CHANNELS, channels]) : group * (1 + below(random, 3));
  if (!fits || outChannels > 64) return undefined;
  const perGroup = channels / group;
  const weight = weights(random, outChannels, perGroup, ...kernel);
  const bare: Draft & Omit<ConvNode, 'name'> = {
    op: 'conv',
    inputs: [x.name],
    weight,
    stride,
    pads,
    group,
  };
  const shape = inferNodeShape({ ...bare, name: 'c' }, [x.shape]);
  if (sizeOf(shape) * perGroup * kernel[0] * kernel[1] > mostMacs) return undefined;
  const residual = chance(random, 0.4) ? sameShape(shape, values, random) : undefined;
  return {
    ...bare,
    inputs: residual === undefined ? [x.name] : [x.name, residual],
    ...(chance(random, 0.8) && { bias: vector(random, outChannels) }),
    ...(chance(random, 0.4) && { padValue: vector(random, channels) }),
    ...activation(random, outChannels),
  };
};

const fullyConnected: Make = ({ x, random, mostMacs }) => {
  const features = sizeOf(x.shape);
  const outFeatures = 1 + below(random, 40);
  if (features * outFeatures > mostMacs) return undefined;
  const weight = weights(random, outFeatures, features);
  const bias = chance(random, 0.8) && { bias: vector(random, outFeatures) };
  return { op: 'fc', inputs: [x.name], weight, ...bias, ...activation(random, outFeatures) };
};

const ofTwo: Make = ({ x, values, random }) => {
  const other = sameShape(x.shape, values, random);
  const op = chance(random, 0.7) ? 'add' : 'mul';
  return other === undefined ? undefined : { op, inputs: [x.name, other] };
};

/** Of the same picture, any numbers of channels; a value beside itself now and then. */
const concat: Make = ({ x, values, random }) => {
  const sides = x.shape.slice(1).join();
  const fitting = values.filter(
    ({ shape }) =>
      shape.length === x.shape.length &&
      shape.slice(1).join() === sides &&
      shape[0] + x.shape[0] <= 64,
  );
  return fitting.length === 0
    ? undefined
    : { op: 'concat', inputs: [x.name, pick(random, fitting).name] };
};

const subsample: Make = ({ x, random }) => {
  if (x.shape.length !== 3) return undefined;
  const stride = [1 + below(random, 3), 1 + below(random, 3)] as const;
  const offset = x.shape.slice(1).map((side) => below(random, Math.min(3, side)));
  const draft: Omit<SubsampleNode, 'name'> = {
    op: 'subsample',
    inputs: [x.name],
    stride,
    offset: offset as [number, number],
  };
  return draft;
};

const gate: Make = ({ x, values, random }) => {
  const fitting = values.filter(({ shape }) => shape[0] === x.shape[0] && isOnePixel(shape));
  if (fitting.length === 0) return undefined;
  return { op: 'gate', inputs: [x.name, pick(random, fitting).name] };
};

/** Of one pixel: only fully connected layers read more, and do so without. */
const flatten: Make = ({ x }) => {
  const isOrdered = x.shape.length === 3 && isOnePixel(x.shape) && x.name !== 'data';
  return isOrdered ? { op: 'flatten', inputs: [x.name] } : undefined;
};

function isOnePixel(shape: Shape): boolean {
  return sizeOf(shape) === shape[0];
}

const MAKERS: readonly Make[] = [
  ...[
    convolution,
    convolution,
    convolution,
    convolution,
    convolution,
    ofTwo,
    ofTwo,
    gate,
    concat,
    subsample,
  ],
  ...[fullyConnected, fullyConnected, flatten],
  ({ x, random }) => {
    const channels = x.shape[0];
    const affine: Omit<AffineNode, 'name'> = {
      op: 'affine',
      inputs: [x.name],
      scale: vector(random, channels),
      shift: vector(random, channels),
    };
    return affine;
  },
  ({ x, random }) => ({ op: 'prelu', inputs: [x.name], slope: vector(random, x.shape[0], 2) }),
  ({ x }) => ({ op: 'clip', inputs: [x.name], min: -0.5, max: 0.75 }),
  ({ x }) => ({ op: 'sigmoid', inputs: [x.name] }),
  ({ x }) => (x.shape.length === 3 ? { op: 'global_average_pool', inputs: [x.name] } : undefined),
  ({ x }) => (x.shape.length === 3 ? { op: 'equalize_norms', inputs: [x.name] } : undefined),
  ({ x }) => ({ op: 'l2_normalize', inputs: [x.name], eps: 1e-10 }),
];

function divisorsOf(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);
}

/** A value of that very shape, the input of the operator among them. */
function sameShape(shape: Shape, values: readonly Value[], random: Random): string | undefined {
  const fitting = values.filter((value) => value.shape.join() === shape.join());
  return fitting.length === 0 ? undefined : pick(random, fitting).name;
}

function activation(random: Random, channels: number): { activation?: Activation } {
  const kind = below(random, 3);
  if (kind === 0) return {};
  if (kind === 1) return { activation: { kind: 'clip', min: -0.25, max: 0.5 } };
  return { activation: { kind: 'prelu', slope: vector(random, channels, 2) } };
}

/** Values that f32 holds exactly, in [-most, most). */
export function vector(random: Random, length: number, most = 1): Float64Array {
  return uniform(random, length, -most, most).map(Math.fround);
}

/** Of variance 1 / fan-in: an output is about as large as its inputs. */
function weights(random: Random, ...shape: number[]): Tensor {
  const most = Math.min(1, Math.sqrt(3 / sizeOf(shape.slice(1))));
  const values = Float32Array.from(uniform(random, sizeOf(shape), -most, most));
  return { shape, read: () => values.slice() };
}
