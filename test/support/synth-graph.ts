/** A synthesised network as the graph an importer would return: nothing folded. */

import type { Graph, GraphNode, Shape } from '../../src/graph/graph.ts';
import { inferNodeShape } from '../../src/graph/shapes.ts';
import type { SynthBatchNorm, SynthModel, SynthNode } from '../../src/synth/model.ts';

export function graphOfSynth(model: SynthModel): Graph {
  const input = { name: model.inputName, shape: [3, 112, 112] as const };
  const nodes: GraphNode[] = [];
  const shapes = new Map<string, Shape>([[input.name, input.shape]]);
  const names = new Map<string, string>([[input.name, input.name]]);
  const add = (node: GraphNode): void => {
    nodes.push(node);
    const inputs = node.inputs.map((name) => shapes.get(name) as Shape);
    shapes.set(node.name, inferNodeShape(node, inputs));
    names.set(node.name, node.name);
  };
  for (const node of model.nodes) {
    const from = 'inputs' in node ? node.inputs : [node.input];
    const inputs = from.map((name) => names.get(name) as string);
    const shape = shapes.get(inputs[0] as string) as Shape;
    if (node.op === 'identity' || node.op === 'dropout') {
      names.set(node.name, inputs[0] as string);
    } else if (node.op === 'fc' && shape.length === 3) {
      add({ op: 'flatten', name: `${node.name}_flatten`, inputs });
      add(convertNode(node, [`${node.name}_flatten`], shape));
    } else {
      add(convertNode(node, inputs, shape));
    }
  }
  return { name: model.name, input, nodes, output: model.output };
}

function convertNode(node: SynthNode, inputs: string[], shape: Shape): GraphNode {
  const { name } = node;
  const filled = (value: number): Float64Array => new Float64Array(shape[0]).fill(value);
  switch (node.op) {
    case 'minus_scalar':
      return { op: 'affine', name, inputs, scale: filled(1), shift: filled(-node.value) };
    case 'mul_scalar':
      return { op: 'affine', name, inputs, scale: filled(node.value), shift: filled(0) };
    case 'batchnorm':
      return { op: 'affine', name, inputs, ...batchNorm(node) };
    case 'conv': {
      const [y, x] = node.pad;
      const { weight, stride, group } = node;
      return { op: 'conv', name, inputs, weight, stride, pads: [y, x, y, x], group };
    }
    case 'prelu':
      return { op: 'prelu', name, inputs, slope: Float64Array.from(node.slope.read()) };
    case 'fc': {
      const bias = Float64Array.from(node.bias.read());
      return { op: 'fc', name, inputs, weight: node.weight, bias };
    }
    case 'add':
      return { op: 'add', name, inputs };
    case 'flatten':
      return { op: 'flatten', name, inputs };
    default:
      throw new Error(`${node.op} has no node of its own`);
  }
}

function batchNorm(node: SynthBatchNorm): { scale: Float64Array; shift: Float64Array } {
  const [gamma, beta, mean, variance] = [node.gamma, node.beta, node.mean, node.variance].map(
    (tensor) => Float64Array.from(tensor.read()),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const scale = variance.map(
    (v, c) => (node.fixGamma ? 1 : (gamma[c] as number)) / Math.sqrt(v + node.eps),
  );
  const shift = beta.map((b, c) => b - (mean[c] as number) * (scale[c] as number));
  return { scale, shift };
}
