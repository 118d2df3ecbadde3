/**
 * A loaded model: turns faces into embeddings. A call checks and copies its faces at once, then waits
 * for its turn; each returns what it would return alone. Refuses faces and options before anything
 * runs, and embeddings that are not finite.
 */

import type { Plan } from '../compile/plan.ts';
import { describe } from '../describe.ts';
import { ArcfaceError } from '../errors.ts';
import type { Dtype } from '../graph/dtype.ts';
import {
  type ChannelOrder,
  type CheckedFace,
  checkFace,
  FACE_INPUT_LENGTH,
  type Face,
  writeChecked,
} from '../image/face.ts';
import { abortedError, untilAborted } from '../runtime/abort.ts';
import { l2Normalize } from '../similarity.ts';
import type { BoundPlan } from './bind.ts';
import type { Arriving, Executor } from './executor.ts';
import { ensureMemory } from './memory.ts';
import { type CheckedEmbedOptions, checkEmbedOptions, type EmbedOptions } from './options.ts';

/** Faces that run through the network together; longer lists go in several runs. */
export const MAX_BATCH = 8;

export interface ModelInfo {
  readonly model: string;
  /** How weights are stored; arithmetic is f32. */
  readonly dtype: Dtype;
  readonly isa: 'simd' | 'relaxed';
  readonly threads: number;
  /** Why `isa` or `threads` are less than asked for; undefined when nothing was reduced. */
  readonly reason: string | undefined;
  readonly weightsBytes: number;
  readonly arenaBytes: number;
  /** 'none': the weights are seeded random numbers, and what embeddings say means nothing. */
  readonly training: 'none' | 'unknown';
  /** Identifies source files, output, channel order and preprocessing: vectors compare only under the same contract. */
  readonly contract: string;
}

export interface LayerTime {
  readonly name: string;
  readonly op: string;
  readonly kernel: string;
  readonly ms: number;
}

interface ModelParts {
  readonly memory: WebAssembly.Memory;
  readonly executor: Executor;
  readonly info: ModelInfo;
  readonly single: BoundPlan;
  readonly inputOrder: ChannelOrder;
  compileFor(batch: number): BoundPlan;
}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface adds one guarded method
export class Model {
  readonly info: ModelInfo;
  #parts: ModelParts | undefined;
  readonly #plans = new Map<number, BoundPlan>();
  #current: BoundPlan | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #profile: readonly LayerTime[] | undefined;
  /** Weights of which some are still to come; undefined once a run has had them all. */
  #arriving: Arriving | undefined;

  constructor(parts: ModelParts, arriving?: Arriving) {
    this.#parts = parts;
    this.#arriving = arriving;
    this.info = parts.info;
    this.#plans.set(1, parts.single);
  }

  /** Milliseconds per layer of the last run that asked for `profile`. */
  get profile(): readonly LayerTime[] | undefined {
    return this.#profile;
  }

  /** The plan of a batch size, 1 to 8, as plain data: kernels, reasons, addresses. */
  plan(batch = 1): Plan {
    if (!(Number.isInteger(batch) && batch >= 1 && batch <= MAX_BATCH)) {
      throw new ArcfaceError(
        'bad_argument',
        `plan: expected a batch of 1 to ${MAX_BATCH} faces, got ${describe(batch)}`,
      );
    }
    return this.#planFor(batch).plan;
  }

  /**
   * The network's own output for one aligned 112x112 face (MXNet `fc1`): 512 floats for R100.
   *
   * @throws ArcfaceError 'bad_argument', 'bad_picture', 'bad_weights', 'io', 'closed', 'aborted',
   *   'worker_died', 'out_of_memory'
   */
  async embed(face: Face, options: EmbedOptions = {}): Promise<Float32Array> {
    const [embedding] = await this.#enqueue([face], () => 'face', options);
    return embedding as Float32Array;
  }

  /** One embedding per face, bit for bit what `embed` returns for each. */
  async embedBatch(faces: readonly Face[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    if (!Array.isArray(faces)) {
      throw new ArcfaceError(
        'bad_argument',
        `embedBatch: expected an array of faces, got ${describe(faces)}`,
      );
    }
    return this.#enqueue(faces, (i) => `faces[${i}]`, options);
  }

  /** Frees memory and ends the workers; a run in progress rejects with 'closed'. */
  dispose(): void {
    this.#parts?.executor.dispose();
    this.#arriving?.arrival.stop(closedError());
    this.#arriving = undefined;
    this.#parts = undefined;
    this.#plans.clear();
    this.#current = undefined;
  }

  #requireOpen(): ModelParts {
    if (this.#parts) return this.#parts;
    throw closedError();
  }

  /** Reads all that belongs to the caller before it returns. */
  async #enqueue(
    faces: readonly Face[],
    nameOf: (index: number) => string,
    options: EmbedOptions,
  ): Promise<Float32Array[]> {
    const checked = checkEmbedOptions(options);
    const { inputOrder } = this.#requireOpen();
    // Not `map`, which would leave out the holes of an array.
    const copies = Array.from(faces, (face, i) => checkFace(face, inputOrder, nameOf(i)));
    return untilAborted(checked.signal, 'embed', () => {
      const result = this.#queue.then(() => this.#embedAll(copies, checked));
      this.#queue = result.catch(() => undefined);
      return result;
    });
  }

  async #embedAll(
    faces: readonly CheckedFace[],
    { flip, normalize, profile, signal }: CheckedEmbedOptions,
  ): Promise<Float32Array[]> {
    const passes = flip ? [false, true] : [false];
    const inputs = faces.flatMap((face) => passes.map((mirrored) => ({ face, mirrored })));
    const outputs: Float32Array[] = [];
    for (let at = 0; at < inputs.length; at += MAX_BATCH) {
      if (signal && at > 0) await nextTask();
      if (signal?.aborted) throw abortedError('embed', signal);
      outputs.push(...(await this.#run(inputs.slice(at, at + MAX_BATCH), profile)));
    }
    const summed = flip ? sumPairs(outputs) : outputs;
    for (const embedding of summed) requireFinite(embedding, this.info.model);
    return normalize ? summed.map((embedding) => l2Normalize(embedding)) : summed;
  }

  async #run(
    inputs: readonly { face: CheckedFace; mirrored: boolean }[],
    profile: boolean,
  ): Promise<Float32Array[]> {
    const parts = this.#requireOpen();
    const arriving = this.#arriving;
    const overlap = arriving && inputs.length === 1 && !profile && parts.executor.runArriving;
    // A larger plan may grow memory, and a profile shall measure layers only: both wait for all weights.
    if (arriving && !overlap) await arriving.arrival.all();
    const bound = this.#activate(parts, inputs.length);
    inputs.forEach(({ face, mirrored }, i) => {
      const at = bound.inputAddress + i * FACE_INPUT_LENGTH * 4;
      const view = new Float32Array(parts.memory.buffer, at, FACE_INPUT_LENGTH);
      writeChecked(face, view, mirrored);
    });
    let times: number[] | undefined;
    if (overlap) await overlap(bound, arriving);
    else times = await parts.executor.run(bound, profile);
    this.#arriving = undefined;
    this.#requireOpen();
    if (times) this.#profile = toLayers(bound.plan, times);
    const { outputFeatures, outputStride } = bound.plan;
    return inputs.map((_, i) => {
      const at = bound.outputAddress + i * outputStride * 4;
      // A copy in ordinary memory: the arena is overwritten by the next run.
      return new Float32Array(new Float32Array(parts.memory.buffer, at, outputFeatures));
    });
  }

  /** Makes the plan of a batch size the one whose argument blocks lie in memory. */
  #activate(parts: ModelParts, batch: number): BoundPlan {
    const bound = this.#planFor(batch);
    if (this.#current === bound) return bound;
    ensureMemory(parts.memory, bound.endAddress);
    const words = new Int32Array(parts.memory.buffer, bound.argsBase, bound.argWords.length);
    words.set(bound.argWords);
    this.#current = bound;
    return bound;
  }

  #planFor(batch: number): BoundPlan {
    const known = this.#plans.get(batch);
    if (known) return known;
    const bound = this.#requireOpen().compileFor(batch);
    this.#plans.set(batch, bound);
    return bound;
  }
}

export interface Model extends Disposable {}

// Old engines have no Symbol.dispose; touching it unguarded would break them.
if (typeof Symbol.dispose === 'symbol') {
  Object.defineProperty(Model.prototype, Symbol.dispose, {
    value: Model.prototype.dispose,
    configurable: true,
    writable: true,
  });
}

function closedError(): ArcfaceError {
  return new ArcfaceError('closed', 'model: disposed; load it again to go on');
}

function sumPairs(outputs: readonly Float32Array[]): Float32Array[] {
  const sums: Float32Array[] = [];
  for (let i = 0; i + 1 < outputs.length; i += 2) {
    const mirrored = outputs[i + 1] as Float32Array;
    sums.push((outputs[i] as Float32Array).map((value, j) => value + (mirrored[j] as number)));
  }
  return sums;
}

/** No signal fires while promises follow each other: it takes a new task of the event loop. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

function requireFinite(embedding: Float32Array, model: string): void {
  if (embedding.every(Number.isFinite)) return;
  throw new ArcfaceError(
    'bad_weights',
    `embed: expected finite numbers, got NaN or infinity from "${model}"; its values leave the range of f32`,
  );
}

/** Steps of one operator are one layer, under the kernel that the plan names. */
function toLayers({ layers, steps }: Plan, times: readonly number[]): LayerTime[] {
  const sums = new Map<string, number>();
  steps.forEach(({ name }, i) => {
    sums.set(name, (sums.get(name) ?? 0) + (times[i] as number));
  });
  return layers.map(({ name, op, kernel }) => ({ name, op, kernel, ms: sums.get(name) ?? 0 }));
}
