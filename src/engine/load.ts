/**
 * Load: source -> header -> plan -> memory -> weights -> model. Kernels compile while the header and
 * the weights arrive. On any failure the source is closed and memory is left to the collector.
 */

import type { KernelName } from '../compile/kernels.ts';
import { placeConstants } from '../compile/place-constants.ts';
import { compile } from '../compile/schedule.ts';
import { ArcfaceError, isArcfaceError } from '../errors.ts';
import type { WeightsHeader } from '../formats/safetensors.ts';
import { FACE_SIZE } from '../image/face.ts';
import { hasFired } from '../runtime/abort.ts';
import { compileKernels, type Kernels, requireKernels, requireSimd } from '../runtime/kernels.ts';
import type { ByteSource, Platform } from '../runtime/platform.ts';
import { type ModelSource, openSource } from '../runtime/source.ts';
import { askForPairs, type ChosenVectors, chooseVectors } from '../runtime/vectors.ts';
import { Arrival, bytesNeeded } from './arrival.ts';
import { bindPlan } from './bind.ts';
import { createInlineExecutor } from './executor.ts';
import { refuseLongWork, refuseMuchMemory } from './limits.ts';
import { createMemory, WEIGHTS_BASE } from './memory.ts';
import { MAX_BATCH, Model, type ModelInfo } from './model.ts';
import { type CheckedOptions, checkLoadOptions, type LoadOptions, MAX_THREADS } from './options.ts';
import { createPool } from './pool.ts';
import { instantiate, type KernelExports } from './run.ts';
import { CHECK_KERNELS, createFiniteCheck, WeightsReader } from './weights.ts';

/**
 * Loads preconverted weights (`convert` writes them) and returns a model that is ready to embed. A large
 * local file may still be being read then (docs/api.md); the first call waits for what it needs.
 *
 * @throws ArcfaceError 'bad_argument', 'io', 'bad_weights', 'integrity', 'aborted',
 *   'out_of_memory', 'unsupported_runtime'
 */
export type LoadModel = (source: ModelSource, options?: LoadOptions) => Promise<Model>;

/** `LoadModel` on the platform that an entry names. */
export async function loadModelOn(
  platform: Platform,
  source: ModelSource,
  options: LoadOptions = {},
): Promise<Model> {
  const checked = checkLoadOptions(options);
  requireSimd();
  requireKernels(checked, platform);
  const threads = chooseThreads(checked, platform);
  const refused = askForPairs(checked.vectors, platform);
  const compiling = compileKernels(checked, threads.count > 1, platform);
  compiling.catch(() => undefined);
  const choosing = chooseVectors(checked.vectors, refused, compiling, threads.count > 1);
  choosing.catch(() => undefined);
  const bytes = await openSource(source, platform, checked.signal);
  // Not awaited: a source that stalls may never close.
  const close = (): void => void bytes.close().catch(() => undefined);
  try {
    const hasher = checked.integrity ? await createHasher(platform) : undefined;
    const reader = new WeightsReader(bytes, checked, hasher);
    const kernels = { compiling, choosing };
    const { model, arrival } = await assemble(reader, bytes, checked, platform, threads, kernels);
    arrival.read.then(close, close);
    return model;
  } catch (error) {
    close();
    const isOther = !isArcfaceError(error) || error.code === 'io';
    const { signal } = checked;
    if (isOther && signal && hasFired(signal, 'loadModel')) {
      throw new ArcfaceError('aborted', 'loadModel: aborted', { cause: error });
    }
    throw error;
  }
}

/**
 * From this size on a local file goes on being read while the first face is computed, by the one thread
 * there is. Below, that would save a few milliseconds, and a bad file is better refused at once.
 */
const EARLY_BYTES = 32 * 1024 * 1024;

/** Whether the model is handed out before the last byte is there: not to who gave `onProgress`, `signal` or `integrity`. */
function isEarly(source: ByteSource, options: CheckedOptions, threads: number, bytes: number) {
  const { integrity, onProgress, signal } = options;
  const isFollowed = integrity !== undefined || onProgress !== undefined || signal !== undefined;
  return source.turn !== undefined && threads === 1 && !isFollowed && bytes >= EARLY_BYTES;
}

interface Threads {
  readonly count: number;
  readonly reason: string | undefined;
}

function chooseThreads(options: CheckedOptions, platform: Platform): Threads {
  if (options.threads === 1) return { count: 1, reason: undefined };
  const cores = Math.max(1, platform.cores());
  const wanted = options.threads === 'auto' ? cores : options.threads;
  if (wanted === 1) return { count: 1, reason: undefined };
  const refused = platform.threadsRefused();
  if (refused !== undefined) {
    return { count: 1, reason: `one thread instead of ${wanted}: ${refused}` };
  }
  if (wanted > cores) {
    const reason = `${wanted} threads share ${cores === 1 ? 'one processor' : `${cores} processors`}`;
    return { count: wanted, reason: `${reason}: fewer are faster` };
  }
  if (wanted <= MAX_THREADS) return { count: wanted, reason: undefined };
  return { count: MAX_THREADS, reason: `${MAX_THREADS} threads instead of ${wanted}: the most` };
}

async function createHasher(platform: Platform) {
  if (platform.createHasher) return platform.createHasher();
  throw new ArcfaceError(
    'unsupported_runtime',
    'loadModel: options.integrity: this runtime has no incremental SHA-256; use fetch with integrity and pass the Response',
  );
}

async function assemble(
  reader: WeightsReader,
  source: ByteSource,
  options: CheckedOptions,
  platform: Platform,
  threads: Threads,
  { compiling, choosing }: { compiling: Promise<Kernels>; choosing: Promise<ChosenVectors> },
): Promise<{ model: Model; arrival: Arrival }> {
  const header = await reader.readHeader();
  requireFaceInput(header);
  refuseLongWork(header.network, header.shapes, options.limits);
  const { offsets: constants, extras, end } = placeConstants(header);
  const workBase = WEIGHTS_BASE + end;
  const vectors = await choosing;
  const compileFor = (batch: number) =>
    bindPlan(
      compile({
        network: header.network,
        shapes: header.shapes,
        constants,
        batch,
        threads: threads.count,
        vectors: vectors.bits,
      }),
      workBase,
    );
  const single = compileFor(1);
  refuseMuchMemory(single.plan, options.limits);
  const most = workBase + (single.endAddress - workBase) * MAX_BATCH * 2;
  const memory = createMemory(single.endAddress, threads.count > 1, most);
  const instantiating = compiling.then(({ module }) =>
    instantiateFitting(module, memory, single.kernels),
  );
  const early = isEarly(source, options, threads.count, header.dataBytes);
  const arrival = startReading(reader, source, header, memory, instantiating, early);
  if (!early) await arrival.all();
  const [kernels, exports] = await Promise.all([compiling, instantiating]);
  for (const extra of extras) {
    const at = WEIGHTS_BASE + (constants.get(extra.name) as number);
    new Float32Array(memory.buffer, at, extra.values.length).set(extra.values);
  }
  const executor =
    threads.count > 1
      ? createPool(platform, kernels.module, memory, threads.count)
      : createInlineExecutor(exports);
  const info: ModelInfo = {
    model: header.network.name,
    dtype: header.metadata.dtype,
    isa: kernels.isa,
    vectors: vectors.bits,
    threads: threads.count,
    reason: reasonOf(threads.reason, kernels.downgrade, vectors.reason),
    weightsBytes: header.dataBytes,
    arenaBytes: single.plan.arenaBytes,
    training: header.metadata.training,
    contract: header.metadata.contract,
  };
  const arriving = early ? { arrival, needed: bytesNeeded(header) } : undefined;
  const { inputOrder } = header.metadata;
  const parts = { memory, executor, info, compileFor, single, inputOrder };
  return { model: new Model(parts, arriving), arrival };
}

/** All that was reduced, in one sentence; undefined when nothing was. */
function reasonOf(...reasons: readonly (string | undefined)[]): string | undefined {
  return reasons.filter(Boolean).join('; ') || undefined;
}

/** All tensors into `memory`, checked when their layer runs (`early`) or as they come. */
function startReading(
  reader: WeightsReader,
  source: ByteSource,
  header: WeightsHeader,
  memory: WebAssembly.Memory,
  instantiating: Promise<KernelExports>,
  early: boolean,
): Arrival {
  const checking = instantiating.then((kernels) =>
    createFiniteCheck(header, kernels, WEIGHTS_BASE),
  );
  // A single read at a time leaves the computing thread its core.
  const lanes = early ? 1 : source.lanes;
  return new Arrival(source.turn ?? (async () => {}), checking, (onRead) => {
    // Who waits for the last byte has nothing else to do meanwhile.
    const checkFirst = async (bytes: number) => {
      (await checking)(bytes);
      onRead(bytes);
    };
    return reader.readTensors(header, memory, WEIGHTS_BASE, early ? onRead : checkFirst, lanes);
  });
}

/** Only kernels that were brought along can fail here: another build, or another module altogether. */
function instantiateFitting(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  needed: readonly KernelName[],
): KernelExports {
  let cause: unknown;
  try {
    const exports = instantiate(module, memory);
    const names = [...needed, ...CHECK_KERNELS, 'barrier'] as const;
    if (names.every((name) => typeof exports[name] === 'function')) return exports;
  } catch (error) {
    cause = error;
  }
  throw new ArcfaceError(
    'bad_argument',
    "loadModel: options.wasm: expected this version's kernels, with '-threads' for more than one thread, got others",
    { cause },
  );
}

function requireFaceInput(header: WeightsHeader): void {
  const shape = header.network.input.shape.join('x');
  const expected = `3x${FACE_SIZE}x${FACE_SIZE}`;
  if (shape === expected) return;
  throw new ArcfaceError(
    'bad_weights',
    `weights file: expected a network with input ${expected}, got ${shape}`,
  );
}
