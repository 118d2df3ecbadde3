/**
 * Where everything of a graph lies in memory, by the host's own code: packing, kernel selection, arena,
 * argument blocks. On request with gaps around scratch and every activation, for harnesses that guard them.
 */

import type { Address } from '../../src/compile/args.ts';
import { extraConstants } from '../../src/compile/constants.ts';
import type { Plan, Step } from '../../src/compile/plan.ts';
import { compile } from '../../src/compile/schedule.ts';
import type { Vectors } from '../../src/compile/site.ts';
import { packGraph } from '../../src/convert/pack.ts';
import { type BoundPlan, bindPlan } from '../../src/engine/bind.ts';
import { alignUp, WEIGHTS_BASE } from '../../src/engine/memory.ts';
import type { Dtype } from '../../src/graph/dtype.ts';
import type { Graph, Shape } from '../../src/graph/graph.ts';
import { channelStride } from '../../src/graph/layout.ts';
import { sizeOf } from '../../src/graph/limits.ts';
import type { Network } from '../../src/graph/network.ts';
import { inferNetworkShapes } from '../../src/graph/shapes.ts';
import { expandWeights } from './expand.ts';

/** Bytes before and after every tensor: more than the widest tile could overrun. */
export const GAP = 256;

export interface PlacementOptions {
  readonly batch: number;
  readonly threads: number;
  /** Fewest channels of a convolution by Winograd. */
  readonly winogradFrom: number;
  /** Gaps around scratch and activations; else they lie as the engine lays them. */
  readonly gaps: boolean;
  /** Bits of the vectors that the plan is made for; 128 if absent. */
  readonly vectors?: Vectors | undefined;
  /** How weights are stored; f32 if absent. */
  readonly dtype?: Dtype | undefined;
  /** True: weights are rounded as for `dtype`, but given to the kernels in f32. */
  readonly expanded?: boolean | undefined;
}

type Constant = Float32Array | Uint16Array | Int8Array;

export function bytesOf({ buffer, byteOffset, byteLength }: Constant): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

export interface Placement {
  readonly network: Network;
  readonly bound: BoundPlan;
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Address and content. */
  readonly constants: readonly (readonly [at: number, values: Constant])[];
  readonly scratch: readonly [from: number, to: number];
  /** Of every value: the input, and what each operator's first step writes. */
  readonly addresses: ReadonlyMap<string, number>;
}

interface PackedGraph {
  readonly network: Network;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly constants: readonly (readonly [name: string, values: Constant])[];
}

/** One graph runs with several numbers of threads: it is packed once. */
const packedGraphs = new WeakMap<Graph, Map<string, PackedGraph>>();

function pack(graph: Graph, { dtype = 'f32', expanded = false }: PlacementOptions): PackedGraph {
  const known = packedGraphs.get(graph) ?? new Map<string, PackedGraph>();
  packedGraphs.set(graph, known);
  const key = `${dtype} ${expanded}`;
  const packed = known.get(key) ?? packAs(graph, dtype, expanded);
  known.set(key, packed);
  return packed;
}

function packAs(graph: Graph, dtype: Dtype, expanded: boolean): PackedGraph {
  const small = packGraph(graph, dtype);
  const network = expanded ? packGraph(graph).network : small.network;
  const shapes = inferNetworkShapes(network);
  const values = new Map(small.tensors.map(({ spec, read }) => [spec.name, read()]));
  if (expanded) {
    for (const { spec } of small.tensors) {
      const scales = values.get(`${spec.name}_scale`);
      if (spec.role !== 'weight' || scales === undefined) continue;
      const shape =
        spec.shape.length === 4 ? spec.shape : [spec.shape[0] ?? 0, 1, spec.shape[1] ?? 0];
      values.set(spec.name, expandWeights(values.get(spec.name) as Constant, scales, shape));
      values.delete(`${spec.name}_scale`);
    }
  }
  const extras = extraConstants(network, shapes);
  const constants = [
    ...values,
    ...extras.map(({ name, values }) => [name, Float32Array.from(values)] as const),
  ];
  return { network, shapes, constants };
}

export function placeGraph(graph: Graph, options: PlacementOptions): Placement {
  const { network, shapes, constants: named } = pack(graph, options);
  const offsets = new Map<string, number>();
  const constants: [number, Constant][] = [];
  let end = GAP;
  for (const [name, values] of named) {
    offsets.set(name, end);
    constants.push([WEIGHTS_BASE + end, values]);
    end = alignUp(end + values.byteLength) + GAP;
  }
  const { batch, threads, vectors = 128, winogradFrom, gaps } = options;
  const work = { network, shapes, constants: offsets, batch, threads, vectors };
  const plan = compile({ ...work, winogradFrom });
  const bound = bindPlan(gaps ? spread(plan) : plan, WEIGHTS_BASE + end);
  const arena = bound.inputAddress - bound.plan.inputOffset;
  const scratch = arena - alignUp(bound.plan.scratchBytes);
  return {
    network,
    bound,
    shapes,
    constants,
    scratch: [scratch, scratch + plan.scratchBytes],
    addresses: addressesOf(bound, graph.input.name),
  };
}

/**
 * The same plan with gaps around scratch and every activation; tensors apart stay apart. Where an
 * operator takes several steps for a batch, the first one's addresses are those of the tensors.
 */
function spread(plan: Plan): Plan {
  const first = new Map<string, Step>();
  for (const step of plan.steps) if (!first.has(step.name)) first.set(step.name, step);
  const starts = [...new Set([...first.values()].flatMap(arenaOffsets).concat(plan.inputOffset))];
  starts.sort((a, b) => a - b);
  const shift = (start: number): number => (starts.indexOf(start) + 1) * GAP;
  const move = (step: Step): Step['args'] =>
    Object.fromEntries(
      Object.entries(step.args).map(([field, value]) => {
        if (!isArena(value)) return [field, value];
        const start = first.get(step.name)?.args[field] as Address;
        return [field, { ...value, offset: value.offset + shift(start.offset) }];
      }),
    );
  return {
    ...plan,
    steps: plan.steps.map((step) => ({ ...step, args: move(step) })),
    arenaBytes: plan.arenaBytes + (starts.length + 1) * GAP,
    scratchBytes: plan.scratchBytes + GAP,
    inputOffset: plan.inputOffset + shift(plan.inputOffset),
  };
}

function isArena(value: unknown): value is Address {
  return typeof value === 'object' && (value as Address).region === 'arena';
}

function arenaOffsets(step: Step): number[] {
  return Object.values(step.args)
    .filter(isArena)
    .map((address) => address.offset);
}

/** Where every value lies: the input, and what each operator's first step writes. */
function addressesOf({ plan, inputAddress, argWords }: BoundPlan, input: string) {
  const addresses = new Map<string, number>([[input, inputAddress]]);
  let word = 0;
  for (const step of plan.steps) {
    const y = step.fields.indexOf('y');
    if (y >= 0 && !addresses.has(step.name)) addresses.set(step.name, argWords[word + y] as number);
    word += step.fields.length;
  }
  return addresses;
}

export function shapeIn(shapes: ReadonlyMap<string, Shape>, name: string): Shape {
  const shape = shapes.get(name);
  if (shape === undefined) throw new Error(`no value "${name}"`);
  return shape;
}

export function pixelsOf(shape: Shape): number {
  return sizeOf(shape.slice(1));
}

/** C-major pictures -> [batch][pixels][channel stride]. */
export function interleave(
  pictures: readonly Float64Array[],
  shape: Shape,
  idle: number,
): Float32Array {
  const [pixels, stride] = [pixelsOf(shape), channelStride(shape[0])];
  const values = new Float32Array(pictures.length * pixels * stride).fill(idle);
  for (const [n, picture] of pictures.entries()) {
    for (const [i, value] of picture.entries()) {
      values[(n * pixels + (i % pixels)) * stride + Math.floor(i / pixels)] = value;
    }
  }
  return values;
}

export function deinterleave(values: Float32Array, shape: Shape, batch: number): Float64Array[] {
  const [pixels, stride] = [pixelsOf(shape), channelStride(shape[0])];
  return Array.from({ length: batch }, (_, n) => {
    const picture = new Float64Array(shape[0] * pixels);
    for (let c = 0, i = 0; c < shape[0]; c++) {
      for (let at = n * pixels * stride + c; i < (c + 1) * pixels; at += stride) {
        picture[i++] = values[at] as number;
      }
    }
    return picture;
  });
}
