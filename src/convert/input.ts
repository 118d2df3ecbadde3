/**
 * What a converted model does to its input before its first layer: normalisation as one more
 * affine, which folding then absorbs, and channel order by exchanging what reads the channels.
 * Refuses a mean or standard deviation that is no usable number.
 */

import { ArcfaceError } from '../errors.ts';
import type { ConvNode, Graph, GraphNode, Tensor } from '../graph/graph.ts';
import { sizeOf } from '../graph/limits.ts';
import { isNothing, type Normalization } from '../graph/preprocessing.ts';

/** y = (x - mean) / std in front of everything else; mean and std in the order of the graph's channels. */
export function bakeNormalization(graph: Graph, { mean, std }: Normalization): Graph {
  const badMean = mean.find((m) => !Number.isFinite(m));
  if (badMean !== undefined) throw badArgument('mean', 'finite numbers', badMean);
  const badStd = std.find((s) => !Number.isFinite(s) || s === 0);
  if (badStd !== undefined) throw badArgument('std', 'numbers other than 0', badStd);
  if (isNothing({ mean, std })) return graph;
  const { name: inputName } = graph.input;
  const names = new Set([inputName, ...graph.nodes.map((node) => node.name)]);
  let name = 'normalize';
  while (names.has(name)) name += '_';
  const swap = (input: string): string => (input === inputName ? name : input);
  const affine: GraphNode = {
    op: 'affine',
    name,
    inputs: [inputName],
    scale: Float64Array.from(std, (s) => 1 / s),
    shift: Float64Array.from(mean, (m, c) => -m / (std[c] as number)),
  };
  const nodes = graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(swap) }));
  return { ...graph, nodes: [affine, ...nodes] };
}

/**
 * The graph that computes from channels in reverse order what `graph` computes: RGB becomes BGR.
 * Goes through channel-wise nodes up to the first convolutions, whose input channels it exchanges.
 */
export function reverseInputChannels(graph: Graph): Graph {
  const reversed = new Set([graph.input.name]);
  const nodes = graph.nodes.map((node) => {
    if (!node.inputs.some((input) => reversed.has(input))) return node;
    if (node.op === 'conv' && !isDepthwise(node)) return reverseConv(node);
    reversed.add(node.name);
    return reverseChannelwise(node);
  });
  if (reversed.has(graph.output)) throw cannotReverse('the output');
  return { ...graph, nodes };
}

function reverseConv(node: GraphNode & { op: 'conv' }): GraphNode {
  if (node.group !== 1 || node.inputs.length > 1) throw cannotReverse(`conv "${node.name}"`);
  const padValue = node.padValue?.slice().reverse();
  return { ...node, weight: reverseBlocks(node.weight, 1), padValue };
}

/** One filter per channel, such as a scale that is written as a convolution. */
function isDepthwise({ group, weight, inputs }: ConvNode): boolean {
  return inputs.length === 1 && group === weight.shape[0] && weight.shape[1] === 1 && group > 1;
}

function reverseChannelwise(node: GraphNode): GraphNode {
  switch (node.op) {
    case 'conv':
      return {
        ...node,
        weight: reverseBlocks(node.weight, 0),
        bias: node.bias?.slice().reverse(),
        padValue: node.padValue?.slice().reverse(),
      };
    case 'affine': {
      const [scale, shift] = [node.scale.slice().reverse(), node.shift.slice().reverse()];
      return { ...node, scale, shift, remembered: undefined };
    }
    case 'prelu':
      return { ...node, slope: node.slope.slice().reverse() };
    case 'clip':
    case 'sigmoid':
    case 'subsample':
      return node;
    default:
      throw cannotReverse(`${node.op} "${node.name}"`);
  }
}

/** [O, I, kh, kw] with `axis` 0 or 1 backwards. */
function reverseBlocks(weight: Tensor, axis: 0 | 1): Tensor {
  const count = weight.shape[axis] as number;
  const block = sizeOf(weight.shape.slice(axis + 1));
  const reverse = <Values extends Float32Array | Float64Array>(values: Values): Values => {
    const reversed = values.slice() as Values;
    for (let at = 0; at < values.length; at += block) {
      const to = at + (count - 1 - 2 * ((at / block) % count)) * block;
      reversed.set(values.subarray(at, at + block), to);
    }
    return reversed;
  };
  const { readExact } = weight;
  return {
    shape: weight.shape,
    read: () => reverse(weight.read()),
    ...(readExact && { readExact: () => reverse(readExact.call(weight)) }),
  };
}

function badArgument(what: string, expected: string, got: number): ArcfaceError {
  return new ArcfaceError('bad_argument', `${what}: expected ${expected}, got ${got}`);
}

function cannotReverse(what: string): ArcfaceError {
  return new ArcfaceError(
    'unsupported_operator',
    `input channels: expected a dense convolution to read them, got ${what}; ` +
      'convert with the channel order of the model file',
  );
}
