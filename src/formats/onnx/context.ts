/**
 * What the operators of an ONNX graph are imported into: the values known so far, the nodes of the
 * graph being built with their inferred shapes, notes, quantisation. Refuses values that are not
 * there yet, duplicate names, and files whose constants would unfold to far more than their size.
 */

import { ArcfaceError } from '../../errors.ts';
import type { GraphNode, RunningStatistics } from '../../graph/graph.ts';
import { describe, expect, MAX_NAME_LENGTH } from '../../graph/limits.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { Quantization } from '../imported.ts';
import { activationOf, isRepeated, sameLayout } from './activation.ts';
import { type Constant, MAX_CONSTANT_VALUES, numbersOf } from './constant.ts';
import type { OnnxGraph, OnnxNode } from './model.ts';
import { outputOf, unsupported, whereOf } from './refuse.ts';
import { type Activation, describeValue, type Value } from './values.ts';

/** One value, or one per output. */
export type OperatorImport = (node: OnnxNode, context: OnnxContext) => Value | readonly Value[];

/** Values of computed constants and scales that one file may make: far above any real network. */
const COMPUTED_BUDGET = 2 ** 22;
/** Values of constants that may be computed with, counted once per node that does. */
const WORK_BUDGET = 2 ** 25;
/** Weights, counted once per node that uses them, per byte of file. */
const WEIGHTS_PER_BYTE = 4;

interface ContextOptions {
  readonly builder: GraphBuilder;
  readonly opset: number;
  /** Of the model and the files beside it. */
  readonly fileBytes: number;
  readonly statedBatch: number | undefined;
  /** Imports a branch into this context; returns the values of its outputs. */
  readonly importBranch: (branch: OnnxGraph, context: OnnxContext) => readonly Value[];
}

export class OnnxContext {
  readonly quantization = new Map<string, Quantization>();
  /** Between which numbers the values of graph nodes lie, where that is known. */
  readonly ranges = new Map<string, readonly [number, number]>();
  /** Graph nodes that were batch norms. */
  readonly batchNorms = new Set<string>();
  /** Batch size that the file states for its input. */
  readonly statedBatch: number | undefined;
  readonly builder: GraphBuilder;
  private readonly options: ContextOptions;
  private readonly values = new Map<string, Value>();
  private readonly flattened = new Map<string, string>();
  private readonly products = new Map<string, Activation>();
  private readonly noteCounts = new Map<string, number>();
  private weightBudget: number;
  private computedBudget = COMPUTED_BUDGET;
  private workBudget = WORK_BUDGET;

  constructor(options: ContextOptions) {
    this.options = options;
    this.builder = options.builder;
    this.statedBatch = options.statedBatch;
    this.weightBudget = WEIGHTS_PER_BYTE * options.fileBytes;
  }

  opsetOf(node: OnnxNode): number {
    return node.opset ?? this.options.opset;
  }

  importBranch(branch: OnnxGraph): readonly Value[] {
    return this.options.importBranch(branch, this);
  }

  define(name: string, value: Value): void {
    const where = `ONNX value ${describe(name)}`;
    const fits = name.length > 0 && name.length <= MAX_NAME_LENGTH;
    expect(fits, 'bad_model', where, `a name of 1 to ${MAX_NAME_LENGTH} characters`, name.length);
    expect(!this.values.has(name), 'bad_model', where, 'one definition', 2);
    if (value.kind === 'constant' && value.constant.computed) this.spend(value.constant.count);
    this.values.set(name, value);
  }

  /** A value under a name of its own: what a part of `node` hands on to another. Returns that name. */
  handOn(node: OnnxNode, part: string, value: Value): string {
    const name = `${outputOf(node)}/${part}`;
    this.define(name, value);
    return name;
  }

  get(name: string): Value | undefined {
    return this.values.get(name);
  }

  /** Appends a graph node whose value has ONNX's order of axes. */
  emit(node: GraphNode): Activation {
    const name = this.builder.add(node);
    return activationOf(name, this.builder.shapeOf(name));
  }

  /** Appends a graph node that works on each number or channel of `x` alone. */
  emitLike(node: GraphNode, x: Activation): Activation {
    return this.like(x, this.builder.add(node));
  }

  /** y = x * scale + shift by channel of the graph's value, under the name of `node`'s output. */
  emitAffine(
    node: OnnxNode,
    x: Activation,
    scale: number | Float64Array,
    shift: number | Float64Array,
    remembered?: RunningStatistics,
  ): Activation {
    return this.like(x, this.builder.affine(outputOf(node), x.name, scale, shift, remembered));
  }

  emitPRelu(node: OnnxNode, x: Activation, slope: number | Float64Array): Activation {
    return this.like(x, this.builder.prelu(outputOf(node), x.name, slope));
  }

  /** The layout of `x` for graph value `name`. */
  like(x: Activation, name: string): Activation {
    return sameLayout(x, name, this.builder.shapeOf(name));
  }

  /** The graph's value as C-major features; a vector stays what it is. */
  flat(x: Activation, node: OnnxNode): Activation {
    return this.flatNamed(x, x.flatName ?? `${outputOf(node)}/flatten`);
  }

  flatNamed(x: Activation, flatName: string): Activation {
    let name = this.flattened.get(x.name);
    if (name === undefined) {
      name = this.builder.flatten(flatName, x.name);
      this.flattened.set(x.name, name);
    }
    const range = this.ranges.get(x.name);
    if (range) this.ranges.set(name, range);
    return this.like(x, name);
  }

  /** Input `index` of a node, whatever it is; undefined if optional and absent. */
  optional(node: OnnxNode, index: number): Value | undefined {
    const name = node.inputs[index];
    if (!name) return undefined;
    const value = this.values.get(name);
    expect(value !== undefined, 'bad_model', whereOf(node), 'inputs that come before it', name);
    return value;
  }

  input(node: OnnxNode, index: number): Value {
    const value = this.optional(node, index);
    expect(value !== undefined, 'bad_model', whereOf(node), `input ${index}`, undefined);
    return value;
  }

  /** Input `index`, which depends on the picture, whatever its form. */
  anyActivation(node: OnnxNode, index: number): Activation {
    const value = this.input(node, index);
    const x = this.realised(value);
    if (x) return x;
    throw unsupported(node, `input ${index} to depend on the picture`, describeValue(value));
  }

  /** The value as one of the graph: squares are computed now. undefined for what is none. */
  realised(value: Value): Activation | undefined {
    if (value.kind === 'activation') return value;
    if (value.kind !== 'squares') return undefined;
    const { name, of } = value;
    const known = this.products.get(name);
    if (known) return known;
    const product = this.emitLike({ op: 'mul', name, inputs: [of.name, of.name] }, of);
    this.products.set(name, product);
    return product;
  }

  /** Input `index` as the graph has it: real numbers, without a border, each once. */
  activation(node: OnnxNode, index: number): Activation {
    const x = this.rearrangeable(node, index);
    if (x.integers) throw unsupported(node, 'real numbers', describeValue(x));
    return x;
  }

  /** The same for operators that only pick or move numbers, to which integers are as good. */
  rearrangeable(node: OnnxNode, index: number): Activation {
    const x = this.anyActivation(node, index);
    if (x.border)
      throw unsupported(node, 'padding in front of a convolution only', 'a padded value');
    if (isRepeated(x)) throw unsupported(node, 'a value that is not repeated', `[${x.dims}]`);
    return x;
  }

  constant(node: OnnxNode, index: number): Constant {
    const value = this.input(node, index);
    if (value.kind === 'constant') return value.constant;
    throw unsupported(node, `a constant input ${index}`, 'a value that depends on the picture');
  }

  optionalConstant(node: OnnxNode, index: number): Constant | undefined {
    return this.optional(node, index) && this.constant(node, index);
  }

  /** `count` values in float64; `what` names them in errors. */
  vector(constant: Constant, count: number, what: string, node: OnnxNode): Float64Array {
    const where = whereOf(node);
    expect(constant.count === count, 'bad_model', where, `${count} ${what}`, constant.count);
    return numbersOf(constant, where);
  }

  /** Accounts for a weight tensor that a node will keep. */
  weight(constant: Constant, node: OnnxNode): Constant {
    this.weightBudget -= constant.count;
    if (this.weightBudget < 0) {
      const message = `${whereOf(node)}: expected weights of its own, got some that very many share`;
      throw new ArcfaceError('bad_model', message);
    }
    return constant;
  }

  /** Accounts for constants that are computed with, whether or not something is kept of them. */
  work(inputs: readonly (Constant | undefined)[]): void {
    for (const input of inputs) this.workBudget -= Math.min(input?.count ?? 0, MAX_CONSTANT_VALUES);
    if (this.workBudget >= 0) return;
    const message = `ONNX graph: expected at most ${WORK_BUDGET} constants to compute with, got more`;
    throw new ArcfaceError('bad_model', message);
  }

  /** Accounts for values that are computed and kept. */
  spend(count: number): void {
    this.computedBudget -= count;
    if (this.computedBudget >= 0) return;
    const message = `ONNX graph: expected at most ${COMPUTED_BUDGET} computed constants, got more`;
    throw new ArcfaceError('bad_model', message);
  }

  /** A sentence for people; equal sentences are counted. */
  note(sentence: string): void {
    this.noteCounts.set(sentence, (this.noteCounts.get(sentence) ?? 0) + 1);
  }

  get notes(): string[] {
    return [...this.noteCounts].map(([text, n]) => (n > 1 ? `${text} (${n} nodes)` : text));
  }
}
