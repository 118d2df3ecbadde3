/**
 * What the operators of an ONNX graph are imported into: the values known so far, the nodes of the
 * graph being built with their inferred shapes, notes, quantisation. Refuses values that are not
 * there yet, duplicate names, and files whose constants would unfold to far more than their size.
 */

import { ArcfaceError } from '../../errors.ts';
import type { GraphNode, RunningStatistics, Shape } from '../../graph/graph.ts';
import { describe, expect, MAX_NAME_LENGTH, sizeOf } from '../../graph/limits.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { Quantization } from '../imported.ts';
import { type Constant, numbersOf } from './constant.ts';
import type { OnnxAttribute, OnnxNode } from './model.ts';

/** A value that depends on the picture. */
export interface Activation {
  readonly kind: 'activation';
  /** Graph node (or the input) that computes it. */
  readonly name: string;
  readonly shape: Shape;
  /** Its ONNX dimensions with a batch of 1; reshapes that move no data change only these. */
  readonly dims: readonly number[];
}

/** |x|, known only as the divisor of an L2 normalisation. */
export interface Norm {
  readonly kind: 'norm';
  readonly of: Activation;
  readonly eps: number;
}

export interface ConstantValue {
  readonly kind: 'constant';
  readonly constant: Constant;
}

export type Value = Activation | Norm | ConstantValue;

export type OperatorImport = (node: OnnxNode, context: OnnxContext) => Value;

/** Values of computed constants and scales that one file may make: far above any real network. */
const COMPUTED_BUDGET = 2 ** 22;
/** Weights, counted once per node that uses them, per byte of file. */
const WEIGHTS_PER_BYTE = 4;

interface ContextOptions {
  readonly builder: GraphBuilder;
  readonly opset: number;
  readonly fileBytes: number;
  readonly statedBatch: number | undefined;
}

export class OnnxContext {
  readonly quantization = new Map<string, Quantization>();
  /** Graph nodes whose values are known not to be negative. */
  readonly nonNegative = new Set<string>();
  /** Graph nodes that were batch norms. */
  readonly batchNorms = new Set<string>();
  readonly opset: number;
  /** Batch size that the file states for its input. */
  readonly statedBatch: number | undefined;
  readonly builder: GraphBuilder;
  private readonly values = new Map<string, Value>();
  private readonly noteCounts = new Map<string, number>();
  private weightBudget: number;
  private computedBudget = COMPUTED_BUDGET;

  constructor(options: ContextOptions) {
    this.builder = options.builder;
    this.opset = options.opset;
    this.statedBatch = options.statedBatch;
    this.weightBudget = WEIGHTS_PER_BYTE * options.fileBytes;
  }

  define(name: string, value: Value): void {
    const where = `ONNX value ${describe(name)}`;
    const fits = name.length > 0 && name.length <= MAX_NAME_LENGTH;
    expect(fits, 'bad_model', where, `a name of 1 to ${MAX_NAME_LENGTH} characters`, name.length);
    expect(!this.values.has(name), 'bad_model', where, 'one definition', 2);
    if (value.kind === 'constant' && value.constant.computed) this.spend(value.constant.count);
    this.values.set(name, value);
  }

  get(name: string): Value | undefined {
    return this.values.get(name);
  }

  /** Appends a graph node. `dims` defaults to its shape with a batch of 1. */
  emit(node: GraphNode, dims?: readonly number[]): Activation {
    return this.activationOf(this.builder.add(node), dims);
  }

  /** y = x * scale + shift by channel, under the name of `node`'s output. */
  emitAffine(
    node: OnnxNode,
    x: Activation,
    scale: number | Float64Array,
    shift: number | Float64Array,
    remembered?: RunningStatistics,
  ): Activation {
    const name = this.builder.affine(outputOf(node), x.name, scale, shift, remembered);
    return this.activationOf(name, x.dims);
  }

  emitPRelu(node: OnnxNode, x: Activation, slope: number | Float64Array): Activation {
    return this.activationOf(this.builder.prelu(outputOf(node), x.name, slope), x.dims);
  }

  private activationOf(name: string, dims?: readonly number[]): Activation {
    const shape = this.builder.shapeOf(name);
    return { kind: 'activation', name, shape, dims: dims ?? [1, ...shape] };
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

  activation(node: OnnxNode, index: number): Activation {
    const value = this.input(node, index);
    if (value.kind === 'activation') return value;
    throw unsupported(node, `input ${index} to depend on the picture`, `a ${value.kind}`);
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

export function whereOf(node: OnnxNode): string {
  const name = node.name || node.outputs[0] || '';
  const domain = node.domain ? `${node.domain.slice(0, 30)}:` : '';
  return `ONNX ${domain}${node.opType.slice(0, 40)} ${JSON.stringify(name.slice(0, 120))}`;
}

export function unsupported(node: OnnxNode, expected: string, got: string): ArcfaceError {
  return new ArcfaceError(
    'unsupported_operator',
    `${whereOf(node)}: expected ${expected}, got ${got}`,
  );
}

/** The name of a node's value. */
export function outputOf(node: OnnxNode): string {
  return node.outputs[0] ?? '';
}

export function intAttribute(node: OnnxNode, name: string, fallback: number): number {
  return attribute(node, name, 'int', 0) ?? fallback;
}

export function floatAttribute(node: OnnxNode, name: string, fallback: number): number {
  const value = attribute(node, name, 'float', 0) ?? fallback;
  expect(!Number.isNaN(value), 'bad_model', whereOf(node), `a number as ${name}`, value);
  return value;
}

export function textAttribute(node: OnnxNode, name: string, fallback: string): string {
  return attribute(node, name, 'text', '') ?? fallback;
}

export function intsAttribute(node: OnnxNode, name: string): readonly number[] | undefined {
  return attribute(node, name, 'ints', []);
}

/** Writers of protobuf 3 leave out zeros and empty lists, so a present attribute may hold nothing. */
export function attribute<Key extends keyof OnnxAttribute>(
  node: OnnxNode,
  name: string,
  key: Key,
  empty: NonNullable<OnnxAttribute[Key]>,
): NonNullable<OnnxAttribute[Key]> | undefined {
  const held = node.attributes.get(name);
  if (!held) return undefined;
  const kinds = Object.keys(held);
  const fits = kinds.length === 0 || (kinds.length === 1 && kinds[0] === key);
  expect(fits, 'bad_model', whereOf(node), `attribute ${describe(name)} of kind ${key}`, kinds);
  return held[key] ?? empty;
}

/** [1, C, H, W] that is stored as [C, H, W], or [1, F] as [F]: axis 1 is the channel. */
export function isPlain(value: Activation): boolean {
  const { dims, shape } = value;
  return (
    dims.length === shape.length + 1 && dims[0] === 1 && shape.every((n, i) => n === dims[i + 1])
  );
}

/** Whether axis 1 is the channel and everything else is one picture: [1, C], [1, C, H, W]. */
export function hasChannelAxis(value: Activation): boolean {
  const { dims, shape } = value;
  return (
    dims.length >= 2 && dims[0] === 1 && dims[1] === shape[0] && sizeOf(dims) === sizeOf(shape)
  );
}
