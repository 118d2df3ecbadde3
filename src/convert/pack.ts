/**
 * Receives a folded graph and returns the network of the weights file with its tensors as kernels
 * read them (`graph/layout.ts`): weights in panels of 8 outputs, channel strides rounded up, zeros
 * elsewhere. Tensors are read, cleaned and laid out one at a time, when asked. Refuses patterns the
 * engine has no operator for.
 */

import { ArcfaceError } from '../errors.ts';
import type { Dtype } from '../graph/dtype.ts';
import type { Activation, Graph, GraphNode, Shape, Tensor } from '../graph/graph.ts';
import { canBeSmall, type TensorRole, type TensorSpec, tensorsOf } from '../graph/layout.ts';
import { sizeOf } from '../graph/limits.ts';
import type { Network, NetworkActivation, NetworkOp } from '../graph/network.ts';
import { inferNetworkShapes, inferShapes } from '../graph/shapes.ts';
import { cleanConstants } from './clean.ts';
import { packConvWeight, packDepthwiseWeight, packFcWeight, packVector } from './pack-weights.ts';
import { type PanelShape, type StoredWeights, storeWeights } from './store.ts';

export interface PackedTensor {
  readonly spec: TensorSpec;
  /** Decodes, folds, cleans, lays out and, where they are stored small, rounds. */
  read(): Float32Array | StoredWeights['values'];
}

export interface Packed {
  readonly network: Network;
  /** In file order. */
  readonly tensors: readonly PackedTensor[];
  /** Values cleaned to 0 by tensor name; complete once every tensor has been read. */
  readonly cleaned: ReadonlyMap<string, number>;
}

/** `dtype`: of weights that can be stored small (`canBeSmall`). */
export function packGraph(graph: Graph, dtype: Dtype = 'f32'): Packed {
  const shapes = inferShapes(graph);
  const aliases = flattenAliases(graph, shapes);
  const resolve = (name: string): string => aliases.get(name) ?? name;
  const nodes = graph.nodes.filter((node) => node.op !== 'flatten');
  const plain: Network = {
    name: graph.name.slice(0, 256) || 'model',
    input: { name: graph.input.name, shape: graph.input.shape },
    ops: nodes.map((node) => toOp(node, node.inputs.map(resolve), shapes)),
    output: resolve(graph.output),
  };
  const networkShapes = inferNetworkShapes(plain);
  const inputOf = (op: NetworkOp): Shape => networkShapes.get(op.inputs[0] as string) as Shape;
  const network = { ...plain, ops: plain.ops.map((op) => stored(op, dtype, inputOf(op))) };
  const cleaned = new Map<string, number>();
  const tensors = network.ops.flatMap((op, index) =>
    packedTensors(nodes[index] as GraphNode, tensorsOf(op, inputOf(op)), inputOf(op), cleaned),
  );
  return { network, tensors, cleaned };
}

/** The operator with its weights stored as `dtype`, where they can be. */
function stored(op: NetworkOp, dtype: Dtype, input: Shape): NetworkOp {
  const isProduct = op.op === 'conv' || op.op === 'fc';
  return dtype !== 'f32' && isProduct && canBeSmall(op, input) ? { ...op, dtype } : op;
}

/** The tensors of one operator. Small weights and their scales are made together, when the first is read. */
function packedTensors(
  node: GraphNode,
  specs: readonly TensorSpec[],
  input: Shape,
  cleaned: Map<string, number>,
): PackedTensor[] {
  const made = new Map<TensorRole, Float32Array | StoredWeights['values']>();
  return specs.map((spec) => ({
    spec,
    read: () => {
      const isScale = spec.role === 'weight_scale';
      const weight = isScale ? specs.find(({ role }) => role === 'weight') : spec;
      if (weight === undefined || weight.dtype === 'f32') {
        return packedTensor(node, spec, input, cleaned).read();
      }
      if (!made.has(spec.role)) {
        const values = packedTensor(node, weight, input, cleaned).read() as Float32Array;
        const small = storeWeights(weight.dtype, values, panelShape(weight.shape), weight.name);
        made.set('weight', small.values);
        made.set('weight_scale', small.scales);
      }
      const values = made.get(spec.role) as Float32Array;
      made.delete(spec.role);
      return isScale ? packVector(values, sizeOf(spec.shape), 1) : values;
    },
  }));
}

/** [P, taps, W, 8] or, of one tap, [P, W, 8]. */
function panelShape(shape: readonly number[]): PanelShape {
  const [panels = 0, ...rest] = shape.slice(0, -1);
  const [width = 0] = rest.slice(-1);
  return [panels, rest.length === 2 ? (rest[0] as number) : 1, width];
}

/**
 * The engine has no flatten: an FC layer reads [H, W, C] as it lies. Elsewhere flattening must not
 * change the order of values, so there may be one pixel only.
 */
function flattenAliases(graph: Graph, shapes: Map<string, Shape>): Map<string, string> {
  const aliases = new Map<string, string>();
  for (const node of graph.nodes) {
    if (node.op !== 'flatten') continue;
    const input = node.inputs[0] as string;
    const shape = shapes.get(input) as Shape;
    const users = graph.nodes.filter((user) => user.inputs.includes(node.name));
    const other = users.find((user) => user.op !== 'fc' && user.op !== 'flatten');
    const isOrdered = sizeOf(shape) === shape[0];
    if (!isOrdered && (other || graph.output === node.name)) {
      const user = other ? `${other.op} ${JSON.stringify(other.name)}` : 'the output';
      throw new ArcfaceError(
        'unsupported_operator',
        `flatten ${JSON.stringify(node.name)}: expected a fully connected layer to read its ` +
          `[${shape}] values, got ${user}`,
      );
    }
    aliases.set(node.name, aliases.get(input) ?? input);
  }
  return aliases;
}

function toOp(
  node: GraphNode,
  inputs: readonly string[],
  shapes: ReadonlyMap<string, Shape>,
): NetworkOp {
  const { name } = node;
  switch (node.op) {
    case 'conv': {
      const [outChannels = 0, , kh = 0, kw = 0] = node.weight.shape;
      const { op, stride, pads, group } = node;
      const padValue = node.padValue !== undefined;
      const kernel = [kh, kw] as const;
      const sizes = { outChannels, kernel, stride, pads, group, padValue };
      return { op, name, inputs, ...sizes, ...toActivation(node.activation) };
    }
    case 'fc': {
      const outFeatures = (shapes.get(name) as Shape)[0];
      return { op: node.op, name, inputs, outFeatures, ...toActivation(node.activation) };
    }
    case 'clip':
      return { op: node.op, name, inputs, ...toRange(node) };
    case 'l2_normalize':
      return { op: node.op, name, inputs, eps: node.eps };
    case 'flatten':
    case 'subsample':
      throw new ArcfaceError('unsupported_operator', `${node.op} "${name}": expected none here`);
    default:
      return { op: node.op, name, inputs };
  }
}

function toActivation(activation: Activation | undefined): { activation?: NetworkActivation } {
  if (activation === undefined) return {};
  if (activation.kind === 'prelu') return { activation: { kind: 'prelu' } };
  return { activation: { kind: 'clip', ...toRange(activation) } };
}

const MAX_F32 = (2 - 2 ** -23) * 2 ** 127;

/** JSON has no infinity; the largest f32 clips as little. */
function toRange({ min, max }: { min: number; max: number }): { min: number; max: number } {
  return { min: Math.max(min, -MAX_F32), max: Math.min(max, MAX_F32) };
}

function packedTensor(
  node: GraphNode,
  spec: TensorSpec,
  input: Shape,
  cleaned: Map<string, number>,
): PackedTensor {
  const clean = (values: Float32Array): Float32Array => {
    cleaned.set(spec.name, cleanConstants(values, spec.name));
    return values;
  };
  const weight = (tensor: Tensor): Float32Array => clean(tensor.read());
  const read = (): Float32Array => {
    if (spec.role !== 'weight') return packVector(clean(vectorOf(node, spec)), sizeOf(spec.shape));
    if (node.op === 'fc') return packFcWeight(weight(node.weight), input, spec.shape);
    if (node.op !== 'conv') throw new Error(`${node.op} has no weights`);
    if (spec.shape.length === 1) {
      return packDepthwiseWeight(weight(node.weight), node.weight.shape, sizeOf(spec.shape));
    }
    return packConvWeight(weight(node.weight), node.weight.shape, node.group, spec.shape);
  };
  return { spec, read };
}

/** One of the per-channel constants of a node, rounded to f32. */
function vectorOf(node: GraphNode, { role }: TensorSpec): Float32Array {
  return Float32Array.from(vectors(node)[role as Exclude<TensorSpec['role'], 'weight'>] ?? []);
}

function vectors(
  node: GraphNode,
): Partial<Record<Exclude<TensorSpec['role'], 'weight'>, Float64Array | undefined>> {
  switch (node.op) {
    case 'conv':
      return { bias: node.bias, pad: node.padValue, slope: slopeOf(node.activation) };
    case 'fc':
      return { bias: node.bias, slope: slopeOf(node.activation) };
    case 'affine':
      return { scale: node.scale, shift: node.shift };
    case 'prelu':
      return { slope: node.slope };
    default:
      return {};
  }
}

function slopeOf(activation: Activation | undefined): Float64Array | undefined {
  return activation?.kind === 'prelu' ? activation.slope : undefined;
}
