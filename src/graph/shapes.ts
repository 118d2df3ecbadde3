/**
 * Shape inference, one rule per operator, for both forms of a network: the graph a model file
 * states and the folded network a weights file states. Refuses operators whose inputs do not fit,
 * with the node's name, what was expected and what was got.
 */

import type { ErrorCode } from '../errors.ts';
import type { Graph, GraphNode, Shape, SubsampleNode } from './graph.ts';
import { elementsOf, expect, isIntegerIn, MAX_ELEMENTS, MAX_EXTENT, sizeOf } from './limits.ts';
import type { Network, NetworkOp } from './network.ts';

/** Sizes of a convolution, whichever form states them. */
export interface ConvExtents {
  readonly outChannels: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly group: number;
}

interface Rule {
  readonly where: string;
  readonly code: ErrorCode;
  readonly inputs: readonly Shape[];
}

export function inferShapes(graph: Graph): Map<string, Shape> {
  return infer(graph.input, graph.nodes, 'bad_model', graphNodeShape);
}

/** The shape of one node's value from the shapes of its inputs: for importers that build a graph. */
export function inferNodeShape(node: GraphNode, inputs: readonly Shape[]): Shape {
  const at: Rule = { where: whereOf(node), code: 'bad_model', inputs };
  return bounded(graphNodeShape(node, at), at);
}

export function inferNetworkShapes(network: Network): Map<string, Shape> {
  return infer(network.input, network.ops, 'bad_weights', networkOpShape);
}

export function convExtents(weight: readonly number[], node: ConvLike): ConvExtents {
  const [outChannels = 0, , kh = 0, kw = 0] = weight;
  return { outChannels, kernel: [kh, kw], stride: node.stride, pads: node.pads, group: node.group };
}

type ConvLike = Pick<ConvExtents, 'stride' | 'pads' | 'group'>;

function infer<Node extends { op: string; name: string; inputs: readonly string[] }>(
  input: { name: string; shape: Shape },
  nodes: readonly Node[],
  code: ErrorCode,
  rule: (node: Node, at: Rule) => Shape,
): Map<string, Shape> {
  const inputName = JSON.stringify(input.name);
  const sound = input.shape.length === 3 && elementsOf(input.shape) !== undefined;
  expect(sound, code, `input ${inputName}`, 'three positive sizes', [...input.shape]);
  const shapes = new Map<string, Shape>([[input.name, input.shape]]);
  for (const node of nodes) {
    const where = whereOf(node);
    const inputs = node.inputs.map((name) => {
      const shape = shapes.get(name);
      expect(shape !== undefined, code, where, 'inputs that come before it', name);
      return shape;
    });
    expect(!shapes.has(node.name), code, where, 'a name of its own', 'a name already taken');
    shapes.set(node.name, bounded(rule(node, { where, code, inputs }), { where, code }));
  }
  return shapes;
}

function whereOf(node: { op: string; name: string }): string {
  return `${node.op} ${JSON.stringify(node.name)}`;
}

function bounded(shape: Shape, { where, code }: Pick<Rule, 'where' | 'code'>): Shape {
  const fits = elementsOf(shape) !== undefined;
  expect(fits, code, where, `at most ${MAX_ELEMENTS} outputs`, [...shape]);
  return shape;
}

function graphNodeShape(node: GraphNode, at: Rule): Shape {
  switch (node.op) {
    case 'conv': {
      const { weight } = node;
      const sound = weight.shape.length === 4 && elementsOf(weight.shape) !== undefined;
      expect(sound, at.code, at.where, 'weights [O, I / group, kh, kw]', [...weight.shape]);
      const shape = convShape(convExtents(weight.shape, node), at);
      const channels = (at.inputs[0] as Shape)[0];
      expectCount(weight.shape[1], channels / node.group, 'input channels per group', at);
      expectLength(node.bias, shape[0], 'biases', at);
      expectLength(node.padValue, channels, 'padding values', at);
      expectSlopes(node.activation, shape[0], at);
      return shape;
    }
    case 'fc': {
      const { weight } = node;
      const sound = weight.shape.length === 2 && elementsOf(weight.shape) !== undefined;
      expect(sound, at.code, at.where, 'weights [O, K]', [...weight.shape]);
      const outFeatures = weight.shape[0] as number;
      expectCount(weight.shape[1], sizeOf(single(at)), 'input features', at);
      expectLength(node.bias, outFeatures, 'biases', at);
      expectSlopes(node.activation, outFeatures, at);
      return [outFeatures];
    }
    case 'affine': {
      const shape = single(at);
      expectLength(node.scale, shape[0], 'scales', at);
      expectLength(node.shift, shape[0], 'shifts', at);
      return shape;
    }
    case 'prelu': {
      const shape = single(at);
      expectLength(node.slope, shape[0], 'slopes', at);
      return shape;
    }
    case 'subsample':
      return subsampleShape(node, at);
    case 'flatten':
      return [sizeOf(single(at))];
    default:
      return pointwiseShape(node, at);
  }
}

function subsampleShape({ stride, offset = [0, 0] }: SubsampleNode, at: Rule): Shape {
  const [channels, ...sides] = single(at);
  expect(sides.length === 2, at.code, at.where, 'an input [C, H, W]', [channels, ...sides]);
  const positive = stride.every((n) => isIntegerIn(n, 1, MAX_EXTENT));
  expect(positive, at.code, at.where, `strides of 1..${MAX_EXTENT}`, [...stride]);
  const inside = offset.every((n, axis) => isIntegerIn(n, 0, (sides[axis] as number) - 1));
  expect(inside, at.code, at.where, `an offset inside ${sides.join('x')}`, [...offset]);
  const kept = (axis: 0 | 1): number =>
    Math.ceil(((sides[axis] as number) - offset[axis]) / stride[axis]);
  return [channels, kept(0), kept(1)];
}

function networkOpShape(op: NetworkOp, at: Rule): Shape {
  switch (op.op) {
    case 'conv':
      return convShape(op, at);
    case 'fc':
      single(at);
      return [op.outFeatures];
    case 'affine':
    case 'prelu':
      return single(at);
    default:
      return pointwiseShape(op, at);
  }
}

type Pointwise = Extract<GraphNode, NetworkOp> | { readonly op: 'clip' | 'l2_normalize' };

function pointwiseShape(node: Pick<Pointwise, 'op'>, at: Rule): Shape {
  switch (node.op) {
    case 'clip':
    case 'sigmoid':
    case 'l2_normalize':
      return single(at);
    case 'global_average_pool': {
      const shape = single(at);
      expect(shape.length === 3, at.code, at.where, 'an input [C, H, W]', [...shape]);
      return [shape[0], 1, 1];
    }
    case 'equalize_norms': {
      const shape = single(at);
      expect(shape.length === 3, at.code, at.where, 'an input [C, H, W]', [...shape]);
      return shape;
    }
    case 'add':
    case 'mul': {
      const [a, b] = pair(at);
      expect(sameExtent(a, b), at.code, at.where, `two inputs of shape [${a}]`, [...b]);
      return a;
    }
    case 'concat': {
      const [a, b] = pair(at);
      const [, height = 1, width = 1] = a;
      const expected = `a second input [C, ${height}, ${width}]`;
      expect(sameExtent([b[0], height, width], b), at.code, at.where, expected, [...b]);
      const channels = a[0] + b[0];
      return a.length === 1 && b.length === 1 ? [channels] : [channels, height, width];
    }
    case 'gate': {
      const [x, gate] = pair(at);
      const fits = gate[0] === x[0] && sizeOf(gate) === x[0];
      expect(fits, at.code, at.where, `a gate of ${x[0]} values`, [...gate]);
      return x;
    }
    default:
      expect(false, at.code, at.where, 'an operator of the closed list', node.op);
  }
}

function convShape(conv: ConvExtents, at: Rule): readonly [number, number, number] {
  const { code, where, inputs } = at;
  const { kernel, stride, pads, group, outChannels } = conv;
  expect(inputs.length === 1 || inputs.length === 2, code, where, '1 or 2 inputs', inputs.length);
  const [input, residual] = inputs as [Shape, Shape?];
  expect(input.length === 3, code, where, 'an input [C, H, W]', [...input]);
  const positive = [...kernel, ...stride].every((n) => isIntegerIn(n, 1, MAX_EXTENT));
  expect(positive, code, where, `kernel and stride of 1..${MAX_EXTENT}`, [...kernel, ...stride]);
  const padded = pads.length === 4 && pads.every((n) => isIntegerIn(n, 0, MAX_EXTENT));
  expect(padded, code, where, `four pads of 0..${MAX_EXTENT}`, [...pads]);
  const divides =
    isIntegerIn(group, 1, input[0]) && input[0] % group === 0 && outChannels % group === 0;
  expect(divides, code, where, `a group that divides ${input[0]} and ${outChannels}`, group);
  const height = Math.floor((input[1] + pads[0] + pads[2] - kernel[0]) / stride[0]) + 1;
  const width = Math.floor((input[2] + pads[1] + pads[3] - kernel[1]) / stride[1]) + 1;
  const fits = height >= 1 && width >= 1;
  expect(fits, code, where, `a padded input of at least ${kernel.join('x')}`, [...input]);
  const shape = [outChannels, height, width] as const;
  const matches = residual === undefined || sameExtent(shape, residual);
  expect(matches, code, where, `a residual of shape [${shape}]`, residual && [...residual]);
  return shape;
}

function single({ code, where, inputs }: Rule): Shape {
  expect(inputs.length === 1, code, where, '1 input', inputs.length);
  return inputs[0] as Shape;
}

function pair({ code, where, inputs }: Rule): readonly [Shape, Shape] {
  expect(inputs.length === 2, code, where, '2 inputs', inputs.length);
  return inputs as readonly Shape[] as readonly [Shape, Shape];
}

/** [F], or one pixel: what can be an embedding. */
export function isVector(shape: Shape): boolean {
  return sizeOf(shape) === shape[0];
}

/** [C] and [C, 1, 1] hold the same values in the same places. */
function sameExtent(a: Shape, b: Shape): boolean {
  return a[0] === b[0] && (a[1] ?? 1) === (b[1] ?? 1) && (a[2] ?? 1) === (b[2] ?? 1);
}

function expectCount(got: number | undefined, expected: number, what: string, at: Rule): void {
  expect(got === expected, at.code, at.where, `weights for ${expected} ${what}`, got);
}

function expectLength(
  values: Float64Array | undefined,
  length: number,
  what: string,
  at: Rule,
): void {
  const fits = values === undefined || values.length === length;
  expect(fits, at.code, at.where, `${length} ${what}`, values?.length);
}

function expectSlopes(
  activation: { kind: string; slope?: Float64Array } | undefined,
  length: number,
  at: Rule,
): void {
  if (activation?.kind === 'prelu') expectLength(activation.slope, length, 'slopes', at);
}
