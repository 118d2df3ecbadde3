/**
 * Multiply-accumulates of a graph, and its GFLOPs and MParams as the Open Model Zoo counts them:
 * not the graph as stated but what its Model Optimizer leaves of it. Batch norms behind a
 * convolution or a fully connected layer are absorbed into a bias, whether the file still has them
 * or not, so unfolded, folded and IR forms of one network give one number.
 *
 * Source: the counting rules of openvinotoolkit/model_analyzer, `layer_provider.py`; two
 * generations of the intermediate representation (IR) count differently:
 *
 *                                        mxnet: IR v5-7          onnx: IR v10
 *   convolution, fully connected         2 per MAC, bias free    2 per MAC + 1 per biased output
 *   affine that stays, per element       2                       2
 *   affine in front of the FC layer      absorbed                stays
 *   affine of the input, per element     0                       2
 *   PReLU, clip, per element             2                       2
 *   addition, per element                3                       1
 *   subsampling, per element             1                       1
 */

import type { AffineNode, Graph, GraphNode, Shape } from './graph.ts';
import { sizeOf } from './limits.ts';
import { inferShapes } from './shapes.ts';

export type ZooRule = 'mxnet' | 'onnx';

export interface ZooCount {
  /** Multiplications and additions counted separately. */
  readonly flops: number;
  /** Constants of the optimised network. */
  readonly parameters: number;
}

export interface GraphCounts {
  /** Products of convolutions and fully connected layers. */
  readonly macs: number;
  readonly convolutions: number;
  readonly zoo: Readonly<Record<ZooRule, ZooCount>>;
}

/** Counts one graph, unfolded or folded. Refuses what shape inference refuses. */
export function countGraph(graph: Graph): GraphCounts {
  const tally = new Tally(graph);
  return {
    macs: tally.sum((node) => tally.macs(node)),
    convolutions: graph.nodes.filter((node) => node.op === 'conv').length,
    zoo: { mxnet: tally.zoo('mxnet'), onnx: tally.zoo('onnx') },
  };
}

/** MACs of a convolution or fully connected layer: outputs times the products behind each. */
export function layerMacs(outShape: readonly number[], weightShape: readonly number[]): number {
  return sizeOf(outShape) * sizeOf(weightShape.slice(1));
}

const NOTHING: ZooCount = { flops: 0, parameters: 0 };
/** Operations per output element, where both rules agree. */
const PER_ELEMENT = {
  prelu: 2,
  clip: 2,
  sigmoid: 3,
  mul: 1,
  gate: 1,
  subsample: 1,
  // Square, sum, product.
  equalize_norms: 3,
  l2_normalize: 4,
} as const;
const PER_ADDITION: Readonly<Record<ZooRule, number>> = { mxnet: 3, onnx: 1 };

class Tally {
  private readonly nodes: readonly GraphNode[];
  private readonly inputName: string;
  private readonly output: string;
  private readonly shapes: Map<string, Shape>;
  private readonly byName: Map<string, GraphNode>;
  private readonly users = new Map<string, GraphNode[]>();

  constructor(graph: Graph) {
    this.nodes = graph.nodes;
    this.inputName = graph.input.name;
    this.output = graph.output;
    this.shapes = inferShapes(graph);
    this.byName = new Map(graph.nodes.map((node) => [node.name, node]));
    for (const node of graph.nodes) {
      for (const input of node.inputs) {
        this.users.set(input, [...(this.users.get(input) ?? []), node]);
      }
    }
  }

  sum(count: (node: GraphNode) => number): number {
    return this.nodes.reduce((total, node) => total + count(node), 0);
  }

  zoo(rule: ZooRule): ZooCount {
    const counts = this.nodes.map((node) => this.count(node, rule));
    return {
      flops: counts.reduce((total, { flops }) => total + flops, 0),
      parameters: counts.reduce((total, { parameters }) => total + parameters, 0),
    };
  }

  macs(node: GraphNode): number {
    if (node.op !== 'conv' && node.op !== 'fc') return 0;
    return layerMacs(this.shapes.get(node.name) as Shape, node.weight.shape);
  }

  private count(node: GraphNode, rule: ZooRule): ZooCount {
    const elements = sizeOf(this.shapes.get(node.name) as Shape);
    switch (node.op) {
      case 'conv':
      case 'fc':
        return this.countProduct(node, rule, elements);
      case 'affine':
        return this.countAffine(node, rule, elements);
      case 'prelu':
        return countSlopes(node.slope, elements);
      case 'add':
        return { flops: PER_ADDITION[rule] * elements, parameters: 0 };
      case 'global_average_pool':
        return { flops: sizeOf(this.shapes.get(node.inputs[0] ?? '') as Shape), parameters: 0 };
      case 'flatten':
      case 'concat':
        return NOTHING;
      default:
        return { flops: PER_ELEMENT[node.op] * elements, parameters: 0 };
    }
  }

  private countProduct(
    node: GraphNode & { op: 'conv' | 'fc' },
    rule: ZooRule,
    elements: number,
  ): ZooCount {
    const biases = this.isBiased(node) ? (node.weight.shape[0] as number) : 0;
    const parts = [
      { flops: 2 * this.macs(node), parameters: sizeOf(node.weight.shape) + biases },
      { flops: rule === 'onnx' && biases > 0 ? elements : 0, parameters: 0 },
    ];
    const { activation } = node;
    if (activation?.kind === 'prelu') parts.push(countSlopes(activation.slope, elements));
    if (activation?.kind === 'clip') parts.push({ flops: 2 * elements, parameters: 0 });
    if (node.inputs.length === 2) {
      parts.push({ flops: PER_ADDITION[rule] * elements, parameters: 0 });
    }
    if (node.op === 'conv' && node.padValue) {
      parts.push(this.countOnValue(node.inputs[0] ?? '', node.padValue.length, rule));
    }
    return {
      flops: parts.reduce((total, part) => total + part.flops, 0),
      parameters: parts.reduce((total, part) => total + part.parameters, 0),
    };
  }

  private countAffine(node: AffineNode, rule: ZooRule, elements: number): ZooCount {
    const before = this.byName.get(node.inputs[0] ?? '');
    const alone = this.users.get(node.inputs[0] ?? '')?.length === 1;
    // A chain of affines is one: its first element counts, the others ride along.
    if (before?.op === 'affine' && alone) return NOTHING;
    if (alone && this.absorbs(before)) return NOTHING;
    if (rule === 'mxnet' && this.isAbsorbedByFc(node)) return NOTHING;
    if (before === undefined) return this.countOnValue(this.inputName, 0, rule);
    return { flops: 2 * elements, parameters: 2 * node.scale.length };
  }

  /** A scale and shift on the value `name`; those of the input never count as parameters. */
  private countOnValue(name: string, channels: number, rule: ZooRule): ZooCount {
    const elements = sizeOf(this.shapes.get(name) as Shape);
    if (name !== this.inputName) return { flops: 2 * elements, parameters: 2 * channels };
    return { flops: rule === 'onnx' ? 2 * elements : 0, parameters: 0 };
  }

  private absorbs(node: GraphNode | undefined): boolean {
    const product = node?.op === 'conv' || node?.op === 'fc';
    return product && node.activation === undefined && node.name !== this.output;
  }

  private isBiased(node: GraphNode & { op: 'conv' | 'fc' }): boolean {
    if (node.bias) return true;
    const users = this.users.get(node.name) ?? [];
    return users.length === 1 && users[0]?.op === 'affine' && this.absorbs(node);
  }

  /** The affine's only way on leads, over other affines and a flatten, into FC layers. */
  private isAbsorbedByFc(node: GraphNode): boolean {
    const users = this.users.get(node.name) ?? [];
    if (users.length !== 1 || node.name === this.output) return false;
    const [user] = users as [GraphNode];
    if (user.op === 'fc') return true;
    return (user.op === 'flatten' || user.op === 'affine') && this.isAbsorbedByFc(user);
  }
}

/** Slopes of 0 everywhere are a ReLU, which has no constants. */
function countSlopes(slope: Float64Array, elements: number): ZooCount {
  const isRelu = slope.every((value) => value === 0);
  return { flops: 2 * elements, parameters: isRelu ? 0 : slope.length };
}
