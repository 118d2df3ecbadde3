/** A seeded network as a graph, by the definitions of its layers: what every file form must equal. */

import type { Graph, GraphNode } from '../../src/graph/graph.ts';
import { resNet } from '../../src/synth/architectures.ts';
import { SynthBuilder } from '../../src/synth/builder.ts';
import type { SynthBatchNorm, SynthModel, SynthNode } from '../../src/synth/model.ts';
import { mulberry32 } from './graphs.ts';

/** LResNet-E-IR with one unit per stage (`identity` units need two) and few channels. */
export function tinyModel(seed = 7): SynthModel {
  const spec = { units: [1, 2, 1, 1], channels: [4, 4, 8, 8, 12], embedding: 16 } as const;
  return resNet('tiny', spec, seed);
}

/** Every layer once, in few bytes: for mutations by the thousand. A larger `stride` makes it smaller. */
export function microModel(stride = 2): SynthModel {
  const builder = new SynthBuilder(5);
  const side = Math.floor(111 / stride) + 1;
  let x = builder.normalizeInput('data');
  x = builder.conv('conv0', x, { channels: 4, kernel: 3, stride, pad: 1 });
  const body = builder.prelu('relu0', builder.batchNorm('bn0', x, { eps: 2e-5 }));
  x = builder.batchNorm('unit_bn1', body, { eps: 1e-3 });
  x = builder.conv('unit_conv1', x, { channels: 4, kernel: 3, stride: 1, pad: 1, depthwise: true });
  x = builder.add('plus', builder.batchNorm('unit_bn2', x, { eps: 2e-5 }), body);
  x = builder.pass('dropout', 'dropout0', builder.batchNorm('bn1', x, { eps: 2e-5 }));
  x = builder.fc('pre_fc1', x, 4 * side * side, 2);
  builder.batchNorm('fc1', x, { eps: 2e-5, fixGamma: true });
  return { name: 'micro', seed: 5, inputName: 'data', nodes: builder.nodes, output: 'fc1' };
}

/** Raw pixels 0..255, [3, 112, 112]. */
export function pixels(seed = 1): Float32Array {
  const random = mulberry32(seed);
  return Float32Array.from({ length: 3 * 112 * 112 }, () => Math.floor(random() * 256));
}

export function graphOfSynth(model: SynthModel): Graph {
  const nodes: GraphNode[] = [];
  const alias = new Map<string, string>();
  const channels = new Map([[model.inputName as string, 3]]);
  const from = (name: string): string => alias.get(name) ?? name;
  for (const node of model.nodes) {
    const inputs = (node.op === 'add' ? node.inputs : [node.input]).map(from);
    const width = channels.get(inputs[0] as string) as number;
    if (node.op === 'identity' || node.op === 'dropout') {
      alias.set(node.name, inputs[0] as string);
      continue;
    }
    if (node.op === 'fc') {
      const flat = `${node.name}_flat`;
      nodes.push({ op: 'flatten', name: flat, inputs });
      nodes.push(graphNode(node, [flat], width));
    } else {
      nodes.push(graphNode(node, inputs, width));
    }
    const outWidth = node.op === 'conv' || node.op === 'fc' ? node.weight.shape[0] : width;
    channels.set(node.name, outWidth as number);
  }
  const input = { name: model.inputName, shape: [3, 112, 112] } as const;
  return { name: model.name, input, nodes, output: model.output };
}

function graphNode(node: SynthNode, inputs: readonly string[], width: number): GraphNode {
  const { name } = node;
  const filled = (value: number): Float64Array => new Float64Array(width).fill(value);
  switch (node.op) {
    case 'minus_scalar':
      return { op: 'affine', name, inputs, scale: filled(1), shift: filled(-node.value) };
    case 'mul_scalar':
      return { op: 'affine', name, inputs, scale: filled(node.value), shift: filled(0) };
    case 'conv': {
      const pads = [node.pad[0], node.pad[1], node.pad[0], node.pad[1]] as const;
      const { weight, stride, group } = node;
      return { op: 'conv', name, inputs, weight, stride, pads, group };
    }
    case 'batchnorm':
      return { op: 'affine', name, inputs, ...batchNorm(node) };
    case 'prelu':
      return { op: 'prelu', name, inputs, slope: Float64Array.from(node.slope.read()) };
    case 'add':
    case 'flatten':
      return { op: node.op, name, inputs };
    case 'fc': {
      const bias = Float64Array.from(node.bias.read());
      return { op: 'fc', name, inputs, weight: node.weight, bias };
    }
    default:
      throw new Error(`graphOfSynth: ${node.op} is an alias`);
  }
}

function batchNorm(node: SynthBatchNorm): { scale: Float64Array; shift: Float64Array } {
  const [gamma, beta, mean, variance] = [node.gamma, node.beta, node.mean, node.variance].map(
    (tensor) => tensor.read(),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const scale = Float64Array.from(variance, (v, c) => {
    const factor = node.fixGamma ? 1 : (gamma[c] as number);
    return factor / Math.sqrt(v + node.eps);
  });
  const shift = scale.map((s, c) => (beta[c] as number) - (mean[c] as number) * s);
  return { scale, shift };
}

/** Largest |difference|, relative to the largest |expected|. */
export function relativeDifference(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i] as number));
    difference = Math.max(difference, Math.abs((got[i] as number) - (expected[i] as number)));
  }
  return difference / largest;
}

export function concatenate(chunks: Iterable<Uint8Array>): Uint8Array {
  return new Uint8Array(Buffer.concat([...chunks]));
}
