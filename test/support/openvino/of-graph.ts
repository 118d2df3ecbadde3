/**
 * An imported graph as the layers of an IR file whose converter was given a mean and a scale: the mean is
 * the first layer or nowhere, the scale is in the weights of the first convolution.
 */

import type { ConvNode, Graph, GraphNode, Shape, Tensor } from '../../../src/graph/graph.ts';
import type { Normalization } from '../../../src/graph/preprocessing.ts';
import { validateGraph } from '../../../src/graph/validate.ts';
import type { SynthTensor } from '../../../src/synth/model.ts';
import type { FusedLayer, FusedNetwork } from './fused-model.ts';

/** `subtract` false leaves the mean to a `<pre-process>` section. */
export function fusedOfGraph(
  graph: Graph,
  { mean, std }: Normalization,
  subtract = true,
): FusedNetwork {
  const shapes = validateGraph(graph);
  const aliases = new Map<string, string>();
  const layers: FusedLayer[] = [];
  if (subtract) {
    const input = graph.input.name;
    layers.push({ ...named('mean', 'mean', input, graph.input.shape), mean: vector(mean) });
    aliases.set(input, 'mean');
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => aliases.get(name) ?? name);
    if (node.op === 'flatten') aliases.set(node.name, inputs[0] as string);
    else layers.push(layerOf(node, inputs, shapes.get(node.name) as Shape));
  }
  const first = layers.findIndex(({ kind }) => kind === 'conv');
  const conv = layers[first] as FusedLayer & { kind: 'conv' };
  layers[first] = { ...conv, weight: dividedInputs(conv.weight, std) };
  return { name: graph.name, inputName: graph.input.name, layers };
}

function layerOf(node: GraphNode, inputs: readonly string[], shape: Shape): FusedLayer {
  const [input = '', other = ''] = inputs;
  switch (node.op) {
    case 'affine': {
      const base = named('scale_shift', node.name, input, shape);
      return { ...base, scale: vector(node.scale), shift: vector(node.shift) };
    }
    case 'prelu':
      return { ...named('prelu', node.name, input, shape), slope: vector(node.slope) };
    case 'add':
      return { ...named('add', node.name, input, shape), other };
    case 'conv':
      return { ...named('conv', node.name, input, shape), ...weighted(node) };
    case 'fc': {
      const square = { stride: [1, 1], pad: [0, 0], group: 1 } as const;
      const bias = node.bias ? vector(node.bias) : zeros(shape[0]);
      return { ...named('fc', node.name, input, shape), weight: node.weight, bias, ...square };
    }
    default:
      throw new Error(`no layer for ${node.op}`);
  }
}

function weighted(node: ConvNode) {
  const [top, left, bottom, right] = node.pads;
  if (top !== bottom || left !== right) throw new Error('no layer for uneven pads');
  const bias = node.bias ? vector(node.bias) : zeros(node.weight.shape[0] as number);
  const { weight, stride, group } = node;
  return { weight, bias, stride, group, pad: [top, left] as const };
}

function named<Kind extends string>(kind: Kind, name: string, input: string, shape: Shape) {
  return { kind, name, input, dims: [1, ...shape] };
}

function vector(values: ArrayLike<number>): SynthTensor {
  return { shape: [values.length], read: () => Float32Array.from(values) };
}

function zeros(length: number): SynthTensor {
  return { shape: [length], read: () => new Float32Array(length) };
}

function dividedInputs({ shape, read }: Tensor | SynthTensor, std: readonly number[]): SynthTensor {
  const [, channels = 1, kh = 1, kw = 1] = shape;
  const divided = (value: number, i: number): number =>
    value / (std[Math.floor(i / (kh * kw)) % channels] as number);
  return { shape, read: () => read().map(divided) };
}
