/**
 * Runs one operator of a graph on a small hostile memory: constants, argument blocks, scratch and
 * activations lie apart, and every word that is not given holds a NaN, so that reading an output or
 * anything beyond a tensor poisons the result. Everything is built by the host's own code: packing,
 * kernel selection, arena, argument blocks. Reports the first word that changed where it must not.
 */

import { existsSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import type { Step } from '../../src/compile/plan.ts';
import type { Vectors } from '../../src/compile/site.ts';
import type { BoundPlan } from '../../src/engine/bind.ts';
import { WEIGHTS_BASE } from '../../src/engine/memory.ts';
import { instantiate, type KernelExports } from '../../src/engine/run.ts';
import type { Dtype } from '../../src/graph/dtype.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { channelStride } from '../../src/graph/layout.ts';
import {
  bytesOf,
  deinterleave,
  GAP,
  interleave,
  type Placement,
  pixelsOf,
  placeGraph,
  shapeIn,
} from './kernel-placement.ts';

/** A quiet NaN that no computation makes. */
export const GUARD = 0x7fc0dead;
/** Finite rubbish in the lanes above the channel count: whoever reads them has weight 0. */
const IDLE = 7.5;
const PAGE = 65536;

export interface KernelBinary {
  readonly name: string;
  readonly exports: KernelExports & Record<string, (...args: number[]) => number>;
  readonly memory: WebAssembly.Memory;
}

export const BINARIES = ['simd', 'relaxed', 'debug'] as const;
/** Pages that a shared memory may grow to: 256 MB. */
const SHARED_PAGES = 4096;

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
    const isShared = name.endsWith('-threads');
    const shared = isShared && ({ shared: true, maximum: SHARED_PAGES } as const);
    const memory = new WebAssembly.Memory({ initial: 1, ...shared });
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
  /** Bits of the vectors that the plan is made for; default 128. */
  readonly vectors?: Vectors;
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

/** Guards everywhere but in constants and argument blocks. */
export function fillMemory(
  binary: KernelBinary,
  { bound, constants }: Placement,
): { words: Uint32Array; floats: Float32Array } {
  const words = guardMemory(binary, bound.endAddress + GAP);
  const floats = new Float32Array(words.buffer, 0, words.length);
  const bytes = new Uint8Array(words.buffer);
  for (const [at, values] of constants) bytes.set(bytesOf(values), at);
  new Int32Array(words.buffer).set(bound.argWords, bound.argsBase / 4);
  return { words, floats };
}

/** First word of `after` that differs from `before` outside the byte ranges [from, to). */
export function findDamage(
  before: Uint32Array,
  after: Uint32Array,
  writable: readonly (readonly [from: number, to: number])[],
): string {
  const ranges = [...writable].sort((a, b) => a[0] - b[0]);
  let from = 0;
  for (const [start, end] of [...ranges, [after.length * 4, after.length * 4] as const]) {
    const at = firstChange(before, after, from, start);
    if (at >= 0) return `byte ${at}: a write outside ${JSON.stringify(writable)}`;
    from = Math.max(from, end);
  }
  return '';
}

/** Of whole words in bytes [from, to), or -1. Compared natively first: most of memory is as it was. */
function firstChange(before: Uint32Array, after: Uint32Array, from: number, to: number): number {
  const [first, last] = [Math.ceil(from / 4), Math.ceil(to / 4)];
  if (last <= first) return -1;
  const [a, b] = [before, after].map((words) => {
    return Buffer.from(words.buffer, words.byteOffset + first * 4, (last - first) * 4);
  }) as [Buffer, Buffer];
  if (a.equals(b)) return -1;
  for (let i = first; i < last; i++) if (before[i] !== after[i]) return i * 4;
  return -1;
}

export function runTrial(binary: KernelBinary, trial: Trial): Outcome {
  const { threads = 1, target, given, winogradFrom = 16, vectors, dtype, expanded } = trial;
  const batch = (given.values().next().value as readonly Float64Array[]).length;
  const stored = { vectors, dtype, expanded };
  const placement = placeGraph(trial.graph, {
    batch,
    threads,
    winogradFrom,
    gaps: true,
    ...stored,
  });
  const { bound, shapes, addresses } = placement;
  const { words, floats } = fillMemory(binary, placement);
  for (const [name, pictures] of given) {
    const at = (addresses.get(name) as number) / 4;
    floats.set(interleave(pictures, shapeIn(shapes, name), trial.idle ?? IDLE), at);
  }
  const before = words.slice();
  const steps = bound.plan.steps.flatMap((step, i) => (step.name === target ? [i] : []));
  for (const i of steps) runStep(binary, bound, i, threads);
  const shape = shapeIn(shapes, target);
  const at = addresses.get(target) as number;
  const bytes = batch * pixelsOf(shape) * channelStride(shape[0]) * 4;
  return {
    bits: words.slice(at / 4, (at + bytes) / 4),
    pictures: deinterleave(floats.subarray(at / 4, (at + bytes) / 4), shape, batch),
    kernels: steps.map((i) => kernelOf(bound.plan.steps[i] as Step)),
    overwritten: [...given.keys()].filter((name) => addresses.get(name) === at),
    damage: findDamage(before, words, [[at, at + bytes], placement.scratch]),
  };
}

/** Name with the variant that an argument selects: 'f32_winograd_multiply s2'. */
export function kernelOf({ kernel, args }: Step): string {
  return args.stride === undefined ? kernel : `${kernel} s${args.stride}`;
}

/** The threads of a run, one after the other: each may only write what no other writes. */
function runStep(binary: KernelBinary, bound: BoundPlan, step: number, threads: number): void {
  const kernel = binary.exports[bound.kernels[step] as string] as (...args: number[]) => void;
  for (let thread = threads - 1; thread >= 0; thread--) {
    kernel(bound.argsAddresses[step] as number, thread, threads);
  }
}
