/**
 * Appends checked nodes to a graph while an importer walks a file: every shape is inferred at once,
 * so a fault is reported with the node's own name; names are made unique; constants must be finite
 * and stay within a budget, whatever a small hostile file asks for.
 */

import { ArcfaceError } from '../errors.ts';
import type { Graph, GraphNode, RunningStatistics, Shape } from '../graph/graph.ts';
import { elementsOf, expect, MAX_NAME_LENGTH, MAX_NODES, sizeOf } from '../graph/limits.ts';
import { inferNodeShape } from '../graph/shapes.ts';
import type { NormTerm } from './norm-term.ts';

/** f64 values of all affine nodes, slopes and biases: 10 times what iresnet200 has unfolded. */
const MAX_CONSTANTS = 2 ** 22;
/** Weights per byte of a file: two nibbles, read by two nodes. */
export const WEIGHTS_PER_BYTE = 4;

export class GraphBuilder {
  private readonly input: Graph['input'];
  private readonly nodes: GraphNode[] = [];
  private readonly byName = new Map<string, GraphNode>();
  private readonly shapes = new Map<string, Shape>();
  private readonly seen = new Set<Float64Array>();
  private readonly uniform = new Map<string, Float64Array>();
  private constants = 0;
  private weights: number;

  /** `weights`: values of all weights together, each counted once for every node that reads it. */
  constructor(input: Graph['input'], weights = Number.POSITIVE_INFINITY) {
    const bounded = elementsOf(input.shape) !== undefined;
    const where = `input ${JSON.stringify(input.name.slice(0, MAX_NAME_LENGTH))}`;
    expect(bounded, 'bad_model', where, 'three positive sizes', [...input.shape]);
    this.input = input;
    this.weights = weights;
    this.shapes.set(input.name, input.shape);
  }

  get inputName(): string {
    return this.input.name;
  }

  /** The node that computes `name`; undefined for the input. */
  nodeOf(name: string): GraphNode | undefined {
    return this.byName.get(name);
  }

  shapeOf(name: string): Shape {
    return this.shapes.get(name) as Shape;
  }

  /** Appends `node` under a unique form of its name, which is returned. */
  add(node: GraphNode): string {
    const where = `${node.op} ${JSON.stringify(node.name.slice(0, MAX_NAME_LENGTH))}`;
    const named = node.name.length >= 1 && node.name.length <= MAX_NAME_LENGTH;
    expect(named, 'bad_model', where, `a name of 1..${MAX_NAME_LENGTH} characters`, node.name);
    const full = this.nodes.length >= MAX_NODES;
    expect(!full, 'bad_model', where, `at most ${MAX_NODES} nodes`, 'more');
    const inputs = node.inputs.map((name) => this.shapeOf(name));
    const shape = inferNodeShape(node, inputs);
    this.admitConstants(node, where);
    this.admitWeight(node, where);
    const name = this.unique(node.name);
    const added = name === node.name ? node : { ...node, name };
    this.nodes.push(added);
    this.byName.set(name, added);
    this.shapes.set(name, shape);
    return name;
  }

  /**
   * y = x * scale + shift; a number holds for all channels. `remembered`: of a batch norm; a variance that
   * overflowed in f16 makes a scale of 0, and tells nothing.
   */
  affine(
    name: string,
    input: string,
    scale: number | Float64Array,
    shift: number | Float64Array,
    remembered?: RunningStatistics,
  ): string {
    const channels = this.shapeOf(input)[0];
    return this.add({
      op: 'affine',
      name,
      inputs: [input],
      scale: typeof scale === 'number' ? this.filled(channels, scale) : scale,
      shift: typeof shift === 'number' ? this.filled(channels, shift) : shift,
      ...(remembered && isFinitePair(remembered) && { remembered }),
    });
  }

  /** PReLU with one slope for all channels, or one each. */
  prelu(name: string, input: string, slope: number | Float64Array): string {
    const channels = this.shapeOf(input)[0];
    const slopes = typeof slope === 'number' ? this.filled(channels, slope) : slope;
    return this.add({ op: 'prelu', name, inputs: [input], slope: slopes });
  }

  /** Every `stride`th row and column from `offset` on; all of them are the input itself. */
  subsample(
    name: string,
    input: string,
    stride: readonly [number, number],
    offset: readonly [number, number] = [0, 0],
  ): string {
    const keepsAll = stride.every((n) => n === 1) && offset.every((n) => n === 0);
    return keepsAll ? input : this.add({ op: 'subsample', name, inputs: [input], stride, offset });
  }

  /** `value` all around the picture: a depthwise convolution of one tap, whose weights are 1. */
  border(
    name: string,
    input: string,
    pads: readonly [top: number, left: number, bottom: number, right: number],
    value: number,
  ): string {
    const channels = this.shapeOf(input)[0];
    const read = (): Float32Array => new Float32Array(channels).fill(1);
    return this.add({
      op: 'conv',
      name,
      inputs: [input],
      weight: { shape: [channels, 1, 1, 1], read },
      stride: [1, 1],
      pads,
      group: channels,
      ...(value !== 0 && { padValue: new Float64Array(channels).fill(value) }),
    });
  }

  /** x / max(|x|, eps): `term` has come to be |x|, or 1 / |x| where it is a factor. */
  l2Normalize(name: string, { of, eps }: NormTerm): string {
    return this.add({ op: 'l2_normalize', name, inputs: [of], eps });
  }

  /** C-major features; a vector stays what it is. */
  flatten(name: string, input: string): string {
    if (this.shapeOf(input).length === 1) return input;
    return this.add({ op: 'flatten', name, inputs: [input] });
  }

  /** Of the nodes that `output` needs: steps that turned out to be part of a larger one are left out. */
  build(name: string, output: string): Graph {
    expect(output !== this.input.name, 'bad_model', 'output', 'a computed value', output);
    const live = new Set([output]);
    for (const node of [...this.nodes].reverse()) {
      if (live.has(node.name)) for (const input of node.inputs) live.add(input);
    }
    const nodes = this.nodes.filter((node) => live.has(node.name));
    return { name, input: this.input, nodes, output };
  }

  private filled(length: number, value: number): Float64Array {
    const key = `${length}:${value}`;
    let values = this.uniform.get(key);
    if (!values) {
      this.reserve(length);
      values = new Float64Array(length).fill(value);
      this.uniform.set(key, values);
      this.seen.add(values);
    }
    return values;
  }

  private admitConstants(node: GraphNode, where: string): void {
    for (const values of constantsOf(node)) {
      const fault = values.findIndex((value) => !Number.isFinite(value));
      expect(fault < 0, 'bad_model', where, 'finite constants', values[fault]);
      if (this.seen.has(values)) continue;
      this.reserve(values.length);
      this.seen.add(values);
    }
  }

  private admitWeight(node: GraphNode, where: string): void {
    if (node.op !== 'conv' && node.op !== 'fc') return;
    this.weights -= sizeOf(node.weight.shape);
    const expected = 'weights of its own';
    expect(this.weights >= 0, 'bad_model', where, expected, 'some that very many share');
  }

  private reserve(count: number): void {
    this.constants += count;
    if (this.constants <= MAX_CONSTANTS) return;
    const message = `graph: expected at most ${MAX_CONSTANTS} per-channel constants, got more`;
    throw new ArcfaceError('bad_model', message);
  }

  private unique(name: string): string {
    if (!this.shapes.has(name)) return name;
    const stem = name.slice(0, MAX_NAME_LENGTH - 8);
    let number = this.nodes.length;
    while (this.shapes.has(`${stem}#${number}`)) number++;
    return `${stem}#${number}`;
  }
}

function isFinitePair({ mean, variance }: RunningStatistics): boolean {
  return mean.every(Number.isFinite) && variance.every(Number.isFinite);
}

function constantsOf(node: GraphNode): Float64Array[] {
  switch (node.op) {
    case 'conv':
    case 'fc':
      return node.bias ? [node.bias] : [];
    case 'affine':
      return [
        node.scale,
        node.shift,
        ...(node.remembered ? [node.remembered.mean, node.remembered.variance] : []),
      ];
    case 'prelu':
      return [node.slope];
    case 'clip':
      return [Float64Array.of(node.min, node.max)];
    case 'l2_normalize':
      return [Float64Array.of(node.eps)];
    default:
      return [];
  }
}
