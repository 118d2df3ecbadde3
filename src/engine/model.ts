/**
 * A loaded model: turns faces into embeddings. Calls queue and run one after another; each returns
 * what it would return alone. Nothing is allocated per call but the result.
 */

import type { Plan } from '../compile/plan.ts';
import { describe } from '../describe.ts';
import { ArcfaceError } from '../errors.ts';
import { type ChannelOrder, FACE_INPUT_LENGTH, type Face, writeFace } from '../image/face.ts';
import { l2Normalize } from '../similarity.ts';
import type { BoundPlan } from './bind.ts';
import type { Executor } from './executor.ts';
import { ensureMemory } from './memory.ts';

/** Faces that run through the network together; longer lists go in several runs. */
export const MAX_BATCH = 8;

export interface EmbedOptions {
  /** Adds the embedding of the mirrored face, as the LFW protocol does. Doubles the time. */
  readonly flip?: boolean;
  /** Returns a vector of length 1 instead of the network's own output. */
  readonly normalize?: boolean;
  /** Fills `model.profile` with the milliseconds of each layer. */
  readonly profile?: boolean;
  readonly signal?: AbortSignal;
}

export interface ModelInfo {
  readonly model: string;
  readonly dtype: 'f32';
  readonly isa: 'simd' | 'relaxed';
  readonly threads: number;
  /** Why `isa` or `threads` are less than asked for; undefined when nothing was reduced. */
  readonly reason: string | undefined;
  readonly weightsBytes: number;
  readonly arenaBytes: number;
  /** Identifies weights, preprocessing and output: vectors compare only under the same contract. */
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

  constructor(parts: ModelParts) {
    this.#parts = parts;
    this.info = parts.info;
    this.#plans.set(1, parts.single);
  }

  /** Milliseconds per layer of the last run that asked for `profile`. */
  get profile(): readonly LayerTime[] | undefined {
    return this.#profile;
  }

  /** The plan of a batch size as plain data: kernels, reasons, addresses. */
  plan(batch = 1): Plan {
    return this.#planFor(batch).plan;
  }

  /**
   * The network's own output for one aligned 112x112 face (MXNet `fc1`): 512 floats for R100.
   *
   * @throws ArcfaceError 'bad_picture', 'closed', 'aborted', 'worker_died', 'out_of_memory'
   */
  async embed(face: Face, options: EmbedOptions = {}): Promise<Float32Array> {
    const [embedding] = await this.embedBatch([face], options);
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
    checkOptions(options);
    this.#requireOpen();
    const result = this.#queue.then(() => this.#embedAll(faces, options));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Frees memory and ends the workers; a run in progress rejects with 'closed'. */
  dispose(): void {
    this.#parts?.executor.dispose();
    this.#parts = undefined;
    this.#plans.clear();
    this.#current = undefined;
  }

  #requireOpen(): ModelParts {
    if (this.#parts) return this.#parts;
    throw new ArcfaceError('closed', 'model: disposed; load it again to go on');
  }

  async #embedAll(faces: readonly Face[], options: EmbedOptions): Promise<Float32Array[]> {
    const passes = options.flip ? [false, true] : [false];
    const inputs = faces.flatMap((face) => passes.map((flip) => ({ face, flip })));
    const outputs: Float32Array[] = [];
    for (let at = 0; at < inputs.length; at += MAX_BATCH) {
      if (options.signal?.aborted) {
        throw new ArcfaceError('aborted', 'embed: aborted', { cause: options.signal.reason });
      }
      outputs.push(...(await this.#run(inputs.slice(at, at + MAX_BATCH), options)));
    }
    const summed = options.flip ? sumPairs(outputs) : outputs;
    return options.normalize ? summed.map((embedding) => l2Normalize(embedding)) : summed;
  }

  async #run(
    inputs: readonly { face: Face; flip: boolean }[],
    options: EmbedOptions,
  ): Promise<Float32Array[]> {
    const parts = this.#requireOpen();
    const bound = this.#activate(parts, inputs.length);
    inputs.forEach(({ face, flip }, i) => {
      const at = bound.inputAddress + i * FACE_INPUT_LENGTH * 4;
      const view = new Float32Array(parts.memory.buffer, at, FACE_INPUT_LENGTH);
      writeFace(face, view, parts.inputOrder, flip);
    });
    const times = await parts.executor.run(bound, options.profile ?? false);
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

function checkOptions(options: EmbedOptions): void {
  const isObject = typeof options === 'object' && options !== null;
  const signal = isObject ? options.signal : undefined;
  if (isObject && (signal === undefined || typeof signal?.aborted === 'boolean')) return;
  const [what, got] = isObject
    ? ['.signal: expected an AbortSignal', signal]
    : [': expected an object', options];
  throw new ArcfaceError('bad_argument', `embed: options${what}, got ${describe(got)}`);
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

function sumPairs(outputs: readonly Float32Array[]): Float32Array[] {
  const sums: Float32Array[] = [];
  for (let i = 0; i + 1 < outputs.length; i += 2) {
    const mirrored = outputs[i + 1] as Float32Array;
    sums.push((outputs[i] as Float32Array).map((value, j) => value + (mirrored[j] as number)));
  }
  return sums;
}

/** Steps of one operator are one layer. */
function toLayers(plan: Plan, times: readonly number[]): LayerTime[] {
  const layers = new Map<string, LayerTime>();
  plan.steps.forEach((step, i) => {
    const known = layers.get(step.name);
    const ms = (known?.ms ?? 0) + (times[i] as number);
    const kernel = known?.kernel ?? step.kernel;
    layers.set(step.name, { name: step.name, op: step.op, kernel, ms });
  });
  return [...layers.values()];
}
