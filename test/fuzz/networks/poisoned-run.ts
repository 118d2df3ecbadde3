/**
 * A whole network, operator by operator, in a memory that holds NaN wherever no living tensor is: what is dead
 * is filled with NaN, and so is scratch before each operator. After each one
 * - not a word outside its output and scratch may have changed (stray writes);
 * - its output is the float64 reference of its actual inputs, in kernel tolerance, and finite in every lane: a
 *   read of anything dead brings NaN, a read of another tensor brings other numbers (stray reads).
 */

import type { BoundPlan } from '../../../src/engine/bind.ts';
import { DTYPES, type Dtype } from '../../../src/graph/dtype.ts';
import type { Graph, GraphNode, Shape } from '../../../src/graph/graph.ts';
import { channelStride } from '../../../src/graph/layout.ts';
import type { Network, NetworkOp } from '../../../src/graph/network.ts';
import { evaluateNode } from '../../../src/reference/evaluate.ts';
import type { Random } from '../../support/graphs.ts';
import {
  fillMemory,
  findDamage,
  GUARD,
  type KernelBinary,
  kernelOf,
} from '../../support/kernel-memory.ts';
import {
  deinterleave,
  interleave,
  type Placement,
  pixelsOf,
  placeGraph,
  shapeIn,
} from '../../support/kernel-placement.ts';
import { firstFault, toleranceOf } from '../../support/kernel-tolerance.ts';
import { runSteps } from './thread-order.ts';

export interface PoisonedRun {
  readonly graph: Graph;
  /** C-major, one array per picture. */
  readonly pictures: readonly Float64Array[];
  readonly threads: number;
  readonly winogradFrom: number;
  readonly gaps: boolean;
  readonly dtype: Dtype;
  /** Weights rounded as for `dtype`, but given to the kernels in f32. */
  readonly expanded: boolean;
  /** Decides in which order threads come, and who does whose work. */
  readonly random: Random;
}

/** What went wrong, or the bits of the output of every picture. */
export type PoisonedOutcome =
  | { readonly fault: 'stray write' | 'wrong result'; readonly detail: string }
  | { readonly fault?: undefined; readonly bits: readonly Uint32Array[] };

/** Distance of neighbouring numbers, of the largest of a group. */
const STEPS = { F32: 0, F16: 2 ** -10, I8: 1 / 127 } as const;

interface Live {
  readonly placement: Placement;
  readonly words: Uint32Array;
  readonly floats: Float32Array;
  readonly batch: number;
  readonly dtype: Dtype;
}

export function runPoisoned(binary: KernelBinary, run: PoisonedRun): PoisonedOutcome {
  const { graph, pictures, dtype } = run;
  const batch = pictures.length;
  const placement = placeGraph(graph, { ...run, batch });
  const live: Live = { placement, ...fillMemory(binary, placement), batch, dtype };
  const { network, bound } = placement;
  const input = rangeOf(live, network.input.name);
  live.floats.set(interleave(pictures, network.input.shape, 0), input[0] / 4);
  for (const [i, op] of network.ops.entries()) {
    const node = graph.nodes.find(({ name }) => name === op.name) as GraphNode;
    const inputs = op.inputs.map((name) => valuesOf(live, name));
    poison(live.words, placement.scratch);
    const before = copyOf(live.words);
    runSteps(binary, bound, op.name, run.threads, run.random);
    const output = rangeOf(live, op.name);
    const damage = findDamage(before, live.words, [output, placement.scratch]);
    if (damage) return { fault: 'stray write', detail: `${describeOp(bound, op)}: ${damage}` };
    const wrong = wrongResult(live, op, node, inputs);
    if (wrong) return { fault: 'wrong result', detail: `${describeOp(bound, op)}: ${wrong}` };
    for (const name of dyingAt(network, i)) poisonUnlessReused(live, name, network, i);
  }
  return { bits: pictureBits(live, network.output) };
}

function wrongResult(
  live: Live,
  op: NetworkOp,
  node: GraphNode,
  inputs: readonly (readonly Float64Array[])[],
): string {
  const { shapes, bound } = live.placement;
  const shape = shapeIn(shapes, op.inputs[0] as string);
  const kernels = bound.plan.steps.filter(({ name }) => name === op.name).map(kernelOf);
  const scale = scaleOf(node, inputs.flat());
  const tolerance = toleranceOf(node, shape, kernels) * scale + storedError(live, node, scale);
  for (const [n, got] of valuesOf(live, op.name).entries()) {
    const own = inputs.map((pictures) => pictures[n] as Float64Array);
    const fault = firstFault(got, evaluateNode(node, own, shape), tolerance);
    if (fault) return `picture ${n} ${fault}`;
  }
  const [from, to] = rangeOf(live, op.name);
  const lane = live.floats.subarray(from / 4, to / 4).findIndex((value) => !Number.isFinite(value));
  return lane < 0 ? '' : `lane ${lane} is not finite`;
}

/** Tolerances are stated for values in [-1, 1]. */
function scaleOf(node: GraphNode, inputs: readonly Float64Array[]): number {
  let x = 1;
  for (const values of inputs) for (const value of values) x = Math.max(x, Math.abs(value));
  if (node.op === 'gate' || node.op === 'mul') return x * x;
  // Norms of locations: of as many values as there are channels, of which nobody has more than these.
  return node.op === 'equalize_norms' ? 8 * x : x;
}

/** What weights lose that are not stored in f32: half a step of the largest, of every summand. */
function storedError({ dtype }: Live, node: GraphNode, scale: number): number {
  if (dtype === 'f32' || (node.op !== 'conv' && node.op !== 'fc')) return 0;
  const weights = node.weight.read();
  const largest = weights.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const summands = weights.length / (node.weight.shape[0] as number);
  const gain = node.activation?.kind === 'prelu' ? 2 : 1;
  return summands * largest * scale * gain * (STEPS[DTYPES[dtype].stored] / 2);
}

/** Values that this operator is the last to read, and its own if nobody ever does. */
function dyingAt(network: Network, at: number): string[] {
  const op = network.ops[at] as NetworkOp;
  const isRead = (name: string): boolean =>
    name === network.output ||
    network.ops.slice(at + 1).some(({ inputs }) => inputs.includes(name));
  return [...new Set([...op.inputs, op.name])].filter((name) => !isRead(name));
}

/** The output may lie where a dead operand lay. */
function poisonUnlessReused(live: Live, name: string, network: Network, at: number): void {
  const own = rangeOf(live, name);
  const op = network.ops[at] as NetworkOp;
  const isReused = name !== op.name && rangeOf(live, op.name)[0] === own[0];
  if (!isReused) poison(live.words, own);
}

let copy = new Uint32Array();

/** Valid until the next call: a copy for each operator would leave the collector most of the work. */
function copyOf(words: Uint32Array): Uint32Array {
  if (copy.length < words.length) copy = new Uint32Array(2 * words.length);
  const own = copy.subarray(0, words.length);
  own.set(words);
  return own;
}

function poison(words: Uint32Array, [from, to]: readonly [number, number]): void {
  words.fill(GUARD, from / 4, to / 4);
}

/** Bytes of a value, all pictures of the batch. */
function rangeOf({ placement, batch }: Live, name: string): readonly [from: number, to: number] {
  const from = placement.addresses.get(name) as number;
  return [from, from + batch * bytesOf(shapeIn(placement.shapes, name))];
}

function bytesOf(shape: Shape): number {
  return pixelsOf(shape) * channelStride(shape[0]) * 4;
}

function valuesOf(live: Live, name: string): Float64Array[] {
  const [from, to] = rangeOf(live, name);
  const shape = shapeIn(live.placement.shapes, name);
  return deinterleave(live.floats.subarray(from / 4, to / 4), shape, live.batch);
}

function pictureBits(live: Live, name: string): Uint32Array[] {
  return valuesOf(live, name).map((picture) => new Uint32Array(Float32Array.from(picture).buffer));
}

function describeOp({ plan }: BoundPlan, op: NetworkOp): string {
  const kernels = plan.steps.filter(({ name }) => name === op.name).map(kernelOf);
  return `${op.name} ${op.op} by ${kernels.join(', ')}`;
}
