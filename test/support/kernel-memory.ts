/**
 * Runs one operator of a graph on a small hostile memory: constants, argument blocks, scratch and
 * activations lie apart, and every word that is not given holds a NaN, so that reading an output or
 * anything beyond a tensor poisons the result. Everything is built by the host's own code: packing,
 * kernel selection, arena, argument blocks. Reports the first word that changed where it must not.
 */

import { existsSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import type { Address } from '../../src/compile/args.ts';
import { extraConstants } from '../../src/compile/constants.ts';
import type { Plan, Step } from '../../src/compile/plan.ts';
import { compile } from '../../src/compile/schedule.ts';
import { packGraph } from '../../src/convert/pack.ts';
import { type BoundPlan, bindPlan } from '../../src/engine/bind.ts';
import { alignUp, WEIGHTS_BASE } from '../../src/engine/memory.ts';
import { instantiate, type KernelExports } from '../../src/engine/run.ts';
import type { Dtype } from '../../src/graph/dtype.ts';
import type { Graph, Shape } from '../../src/graph/graph.ts';
import { channelStride } from '../../src/graph/layout.ts';
import { sizeOf } from '../../src/graph/limits.ts';
import type { Network } from '../../src/graph/network.ts';
import { inferNetworkShapes } from '../../src/graph/shapes.ts';
import { expandWeights } from './expand.ts';

/** Bytes of NaN before and after every tensor: more than the widest tile could overrun. */
const GAP = 256;
/** A quiet NaN that no computation makes. */
const GUARD = 0x7fc0dead;
/** Finite rubbish in the lanes above the channel count: whoever reads them has weight 0. */
const IDLE = 7.5;
const PAGE = 65536;

export interface KernelBinary {
  readonly name: string;
  readonly exports: KernelExports & Record<string, (...args: number[]) => number>;
  readonly memory: WebAssembly.Memory;
}

export const BINARIES = ['simd', 'relaxed', 'debug'] as const;

export function binaryPath(name: string): URL {
  return new URL(`../../dist/wasm/${name}.wasm`, import.meta.url);
}

/** Those of `names` that this runtime can run; says why when it cannot run one. */
export function kernelBinaries(names: readonly string[] = BINARIES): KernelBinary[] {
  // Node 20 has relaxed SIMD behind a flag, which counts for modules compiled later.
  setFlagsFromString('--experimental-wasm-relaxed-simd');
  return names.flatMap((name) => {
    const bytes = existsSync(binaryPath(name)) ? readFileSync(binaryPath(name)) : undefined;
    if (bytes === undefined || !WebAssembly.validate(bytes)) {
      const reason = bytes ? 'this runtime does not validate it' : 'it is not built';
      console.warn(`${name}.wasm is not tested: ${reason}`);
      return [];
    }
    const memory = new WebAssembly.Memory({ initial: 1 });
    const exports = instantiate(new WebAssembly.Module(bytes), memory) as KernelBinary['exports'];
    return [{ name, exports, memory }];
  });
}

export interface Trial {
  readonly graph: Graph;
  /** The operator under test: only its steps run, on given values. */
  readonly target: string;
  /** C-major f32 values of everything the target reads, one array per picture. */
  readonly given: ReadonlyMap<string, readonly Float64Array[]>;
  readonly threads?: number;
  /** Fewest channels of a convolution by Winograd; default 16, Infinity asks for direct convolution. */
  readonly winogradFrom?: number;
  /** How weights are stored; f32 if absent. */
  readonly dtype?: Dtype;
  /** True: weights are rounded as for `dtype`, but given to the kernels in f32. */
  readonly expanded?: boolean;
  /** Content of the lanes above the channel count; default rubbish. */
  readonly idle?: number;
}

export interface Outcome {
  /** [batch][pixels][channel stride], the bits as they lie in memory. */
  readonly bits: Uint32Array;
  /** C-major, one array per picture. */
  readonly pictures: readonly Float64Array[];
  readonly kernels: readonly string[];
  /** Given values that the output overwrote as planned. */
  readonly overwritten: readonly string[];
  /** The first change outside output and scratch, or ''. */
  readonly damage: string;
}

/** Every word of [0, bytes) becomes the guard, but for the kernels' own constants at its start. */
export function guardMemory({ memory }: KernelBinary, bytes: number): Uint32Array {
  const missing = Math.ceil(bytes / PAGE) - memory.buffer.byteLength / PAGE;
  if (missing > 0) memory.grow(missing);
  return new Uint32Array(memory.buffer, 0, Math.ceil(bytes / 4)).fill(GUARD, WEIGHTS_BASE / 4);
}

/** First word of `after` that differs from `before` outside the byte ranges [from, to). */
export function findDamage(
  before: Uint32Array,
  after: Uint32Array,
  writable: readonly (readonly [from: number, to: number])[],
): string {
  for (let i = 0; i < before.length; i++) {
    if (before[i] === after[i]) continue;
    const range = writable.find(([from, to]) => i * 4 >= from && i * 4 < to);
    if (range === undefined) return `byte ${i * 4}: a write outside ${JSON.stringify(writable)}`;
    i = Math.ceil(range[1] / 4) - 1;
  }
  return '';
}

export function runTrial(binary: KernelBinary, trial: Trial): Outcome {
  const { threads = 1, target, given } = trial;
  const prepared = prepare(trial, threads);
  const { bound, shapes } = prepared;
  const words = guardMemory(binary, bound.endAddress + GAP);
  const floats = new Float32Array(words.buffer, 0, words.length);
  const bytes = new Uint8Array(words.buffer);
  for (const [at, values] of prepared.constants) bytes.set(bytesOf(values), at);
  new Int32Array(words.buffer).set(bound.argWords, bound.argsBase / 4);
  const addresses = addressesOf(bound, trial.graph.input.name);
  for (const [name, pictures] of given) {
    const at = (addresses.get(name) as number) / 4;
    floats.set(interleave(pictures, shapeIn(shapes, name), trial.idle ?? IDLE), at);
  }
  const before = words.slice();
  const steps = bound.plan.steps.flatMap((step, i) => (step.name === target ? [i] : []));
  for (const i of steps) runStep(binary, bound, i, threads);
  const shape = shapeIn(shapes, target);
  const batch = bound.plan.batch;
  const at = addresses.get(target) as number;
  const size = batch * pixelsOf(shape) * channelStride(shape[0]) * 4;
  return {
    bits: words.slice(at / 4, (at + size) / 4),
    pictures: deinterleave(floats.subarray(at / 4, (at + size) / 4), shape, batch),
    kernels: steps.map((i) => kernelOf(bound.plan.steps[i] as Step)),
    overwritten: [...given.keys()].filter((name) => addresses.get(name) === at),
    damage: findDamage(before, words, [[at, at + size], prepared.scratch]),
  };
}

/** Name with the variant that an argument selects: 'f32_winograd_multiply s2'. */
function kernelOf({ kernel, args }: Step): string {
  return args.stride === undefined ? kernel : `${kernel} s${args.stride}`;
}

/** The threads of a run, one after the other: each may only write what no other writes. */
function runStep(binary: KernelBinary, bound: BoundPlan, step: number, threads: number): void {
  const kernel = binary.exports[bound.kernels[step] as string] as (...args: number[]) => void;
  for (let thread = threads - 1; thread >= 0; thread--) {
    kernel(bound.argsAddresses[step] as number, thread, threads);
  }
}

interface Prepared {
  readonly bound: BoundPlan;
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Address and content. */
  readonly constants: readonly (readonly [at: number, values: Constant])[];
  readonly scratch: readonly [from: number, to: number];
}

type Constant = Float32Array | Uint16Array | Int8Array;

function bytesOf({ buffer, byteOffset, byteLength }: Constant): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

interface PackedGraph {
  readonly network: Network;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly constants: readonly (readonly [name: string, values: Constant])[];
}

/** One trial runs with several numbers of threads: it is packed once. */
const packedGraphs = new WeakMap<Graph, Map<string, PackedGraph>>();

function pack({ graph, dtype = 'f32', expanded = false }: Trial): PackedGraph {
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

function prepare(trial: Trial, threads: number): Prepared {
  const { given, winogradFrom = 16 } = trial;
  const { network, shapes, constants: named } = pack(trial);
  const offsets = new Map<string, number>();
  const constants: [number, Constant][] = [];
  let end = GAP;
  for (const [name, values] of named) {
    offsets.set(name, end);
    constants.push([WEIGHTS_BASE + end, values]);
    end = alignUp(end + values.byteLength) + GAP;
  }
  const batch = (given.values().next().value as readonly Float64Array[]).length;
  const plan = compile({ network, shapes, constants: offsets, batch, threads, winogradFrom });
  const bound = bindPlan(spread(plan), WEIGHTS_BASE + end);
  const arena = bound.inputAddress - bound.plan.inputOffset;
  const scratch = arena - alignUp(plan.scratchBytes + GAP);
  return { bound, shapes, constants, scratch: [scratch, scratch + plan.scratchBytes] };
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

function shapeIn(shapes: ReadonlyMap<string, Shape>, name: string): Shape {
  const shape = shapes.get(name);
  if (shape === undefined) throw new Error(`trial: no value "${name}"`);
  return shape;
}

function pixelsOf(shape: Shape): number {
  return sizeOf(shape.slice(1));
}

/** C-major pictures -> [batch][pixels][channel stride]. */
function interleave(pictures: readonly Float64Array[], shape: Shape, idle: number): Float32Array {
  const [pixels, stride] = [pixelsOf(shape), channelStride(shape[0])];
  const values = new Float32Array(pictures.length * pixels * stride).fill(idle);
  for (const [n, picture] of pictures.entries()) {
    for (const [i, value] of picture.entries()) {
      values[(n * pixels + (i % pixels)) * stride + Math.floor(i / pixels)] = value;
    }
  }
  return values;
}

function deinterleave(values: Float32Array, shape: Shape, batch: number): Float64Array[] {
  const [pixels, stride] = [pixelsOf(shape), channelStride(shape[0])];
  return Array.from({ length: batch }, (_, n) =>
    Float64Array.from({ length: shape[0] * pixels }, (_, i) => {
      const at = (n * pixels + (i % pixels)) * stride + Math.floor(i / pixels);
      return values[at] as number;
    }),
  );
}
