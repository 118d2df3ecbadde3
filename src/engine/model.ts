/**
 * A loaded model: turns faces into embeddings. A call checks and copies its faces at once, then waits
 * for its turn (`calls.ts`); each returns what it would return alone. Refuses faces and options before
 * anything runs, and embeddings that are not finite.
 */

import type { Plan } from '../compile/plan.ts';
import { describe } from '../describe.ts';
import { ArcfaceError } from '../errors.ts';
import type { Dtype } from '../graph/dtype.ts';
import { guarded, guardedAsync } from '../guard.ts';
import {
  type ChannelOrder,
  type CheckedFace,
  checkFace,
  FACE_INPUT_LENGTH,
  type Face,
  writeChecked,
} from '../image/face.ts';
import type { VectorBits } from '../runtime/vectors.ts';
import { l2Normalize } from '../similarity.ts';
import type { BoundPlan } from './bind.ts';
import { Calls, type GoOn } from './calls.ts';
import { remindCollector } from './collector.ts';
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
  /** Bits of the vectors in use: 256 where the engine was asked to pair them, and does. */
  readonly vectors: VectorBits;
  readonly threads: number;
  /** Why `isa`, `threads` or `vectors` are less than asked for; undefined when nothing was reduced. */
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
  readonly #calls = new Calls();
  readonly #plans = new Map<number, BoundPlan>();
  #current: BoundPlan | undefined;
  #profile: readonly LayerTime[] | undefined;
  /** Weights of which some are still to come; undefined once a run has had them all. */
  #arriving: Arriving | undefined;
  #disposed: Promise<void> | undefined;

  constructor(parts: ModelParts, arriving?: Arriving) {
    this.#parts = parts;
    this.#arriving = arriving;
    this.info = parts.info;
    this.#plans.set(1, parts.single);
  }

  /** Milliseconds per layer of the last run that asked for `profile`. */
  get profile(): readonly LayerTime[] | undefined {
    return Model.#of(this, 'profile').#profile;
  }

  /** The plan of a batch size, 1 to 8, as plain data: kernels, reasons, addresses. */
  plan(batch = 1): Plan {
    const model = Model.#of(this, 'plan');
    if (!(Number.isInteger(batch) && batch >= 1 && batch <= MAX_BATCH)) {
      throw new ArcfaceError(
        'bad_argument',
        `plan: expected a batch of 1 to ${MAX_BATCH} faces, got ${describe(batch)}`,
      );
    }
    return model.#planFor(batch).plan;
  }

  /**
   * The network's own output for one aligned 112x112 face (MXNet `fc1`): 512 floats for R100.
   *
   * @throws ArcfaceError 'bad_argument', 'bad_picture', 'bad_weights', 'io', 'closed', 'aborted',
   *   'worker_died', 'out_of_memory'
   */
  async embed(face: Face, options: EmbedOptions = {}): Promise<Float32Array> {
    const model = Model.#of(this, 'embed');
    const read = (order: ChannelOrder) => [checkFace(face, order)];
    const [embedding] = await model.#embed(read, options);
    return embedding as Float32Array;
  }

  /** One embedding per face, bit for bit what `embed` returns for each. */
  async embedBatch(faces: readonly Face[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    const model = Model.#of(this, 'embedBatch');
    return model.#embed((order) => checkAll(faces, order), options);
  }

  /**
   * Ends the workers and lets go of all memory; calls that are running or waiting reject with 'closed'.
   * Resolves when the workers are gone and the memory is given back, as far as the runtime does that.
   */
  dispose(): Promise<void> {
    const model = Model.#of(this, 'dispose');
    model.#disposed ??= model.#end();
    return model.#disposed;
  }

  /** `self`, unless a method was taken from its model. */
  static #of(self: unknown, method: string): Model {
    if (typeof self === 'object' && self !== null && #calls in self) return self;
    throw new ArcfaceError(
      'bad_argument',
      `${method}: expected a call on a model, as in model.${method}(...), got ${describe(self)}`,
    );
  }

  /** No part of it waits: what does would hold the memory. */
  #end(): Promise<void> {
    const { memory, executor } = this.#requireOpen();
    const error = closedError();
    this.#calls.close(error);
    this.#arriving?.arrival.stop(error);
    this.#arriving = undefined;
    this.#parts = undefined;
    this.#plans.clear();
    this.#current = undefined;
    return remindCollector(memory, executor.dispose());
  }

  #requireOpen(): ModelParts {
    if (this.#parts) return this.#parts;
    throw closedError();
  }

  /** Reads all that belongs to the caller before it returns. */
  async #embed(
    read: (order: ChannelOrder) => CheckedFace[],
    options: EmbedOptions,
  ): Promise<Float32Array[]> {
    const checked = checkEmbedOptions(options);
    const copies = read(this.#requireOpen().inputOrder);
    // Reading the faces may have run code of the caller's.
    this.#requireOpen();
    return this.#calls.add('embed', checked.signal, (goOn) => this.#runAll(copies, checked, goOn));
  }

  async #runAll(
    faces: readonly CheckedFace[],
    { flip, normalize, profile }: CheckedEmbedOptions,
    goOn: GoOn,
  ): Promise<Float32Array[]> {
    const passes = flip ? [false, true] : [false];
    const inputs = faces.flatMap((face) => passes.map((mirrored) => ({ face, mirrored })));
    const outputs: Float32Array[] = [];
    for (let at = 0; at < inputs.length; at += MAX_BATCH) {
      await this.#requireOpen().executor.ready();
      goOn();
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
    else times = await run(parts.executor, bound, profile);
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

export interface Model extends Disposable, AsyncDisposable {}

// Old engines have no such symbols; touching them unguarded would break these.
for (const symbol of [Symbol.dispose, Symbol.asyncDispose]) {
  if (typeof symbol !== 'symbol') continue;
  Object.defineProperty(Model.prototype, symbol, {
    value: Model.prototype.dispose,
    configurable: true,
    writable: true,
  });
}

/** Our own kernels do not fail; others than ours, in `options.wasm`, may trap. */
function run(executor: Executor, bound: BoundPlan, profile: boolean) {
  return guardedAsync('bad_argument', 'embed: kernels', () => executor.run(bound, profile));
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

/** By index, holes included: an array may bring an iterator of its own, without an end. */
function checkAll(faces: readonly Face[], order: ChannelOrder): CheckedFace[] {
  const checked: CheckedFace[] = [];
  const length = lengthOf(faces);
  for (let i = 0; i < length; i++) {
    const where = `faces[${i}]`;
    const face = guarded('bad_picture', where, () => faces[i]);
    checked.push(checkFace(face, order, where));
  }
  return checked;
}

function lengthOf(faces: unknown): number {
  return guarded('bad_argument', 'embedBatch: faces', () => {
    const length = Array.isArray(faces) ? Number(faces.length) : undefined;
    if (Number.isInteger(length)) return length as number;
    throw new ArcfaceError(
      'bad_argument',
      `embedBatch: expected an array of faces, got ${describe(faces)}`,
    );
  });
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
