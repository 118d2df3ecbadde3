/**
 * Checks the options of `loadModel` and of `embed`; returns them with defaults. Options are read once, never
 * written. Refuses values of another kind, and options of another name, with 'bad_argument'.
 */

import { describe } from '../describe.ts';
import { ArcfaceError } from '../errors.ts';
import { guarded } from '../guard.ts';
import { nearest } from '../nearest.ts';
import type { Isa, WasmOverride } from '../runtime/kernels.ts';
import type { VectorBits } from '../runtime/vectors.ts';
import { DEFAULT_LIMITS, type WorkLimits } from './limits.ts';

export interface LoadProgress {
  /** Bytes so far. */
  readonly loaded: number;
  /** All bytes, if known. */
  readonly total: number | undefined;
  readonly source: 'file' | 'network' | 'memory' | 'stream';
}

export interface LoadOptions {
  /** Worker threads, 1 to 64, or one per processor. Default 1: runs on the calling thread. */
  readonly threads?: number | 'auto';
  /** 'auto' is 'simd' for f32: the same bits in every runtime. 'relaxed' may fuse multiply-adds. */
  readonly isa?: 'auto' | Isa;
  /**
   * 256 asks the engine to make 256-bit instructions of pairs of 128-bit ones: the same bits, in less time, by an
   * experimental feature of the engine (docs/adr/0010). `info.vectors` says what is in use. Default 128.
   */
  readonly vectors?: VectorBits;
  /** Kernels to use instead of the embedded ones (a Module where bytes may not be compiled). */
  readonly wasm?: WasmOverride;
  /** Called after every read. What it throws, or a promise of it rejects with, ends the loading. */
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
  /** 'sha256-<base64>' of the whole weights file, as in subresource integrity. */
  readonly integrity?: string;
  /** Work that a network may ask for; more is refused. Infinity for whoever trusts the file. */
  readonly limits?: Partial<WorkLimits>;
}

export const MAX_THREADS = 64;

export interface CheckedOptions {
  readonly threads: number | 'auto';
  readonly isa: 'auto' | Isa;
  readonly vectors: VectorBits;
  readonly wasm: WasmOverride | undefined;
  readonly onProgress: LoadOptions['onProgress'] | undefined;
  readonly signal: AbortSignal | undefined;
  readonly integrity: string | undefined;
  readonly limits: WorkLimits;
}

export interface EmbedOptions {
  /** Adds the embedding of the mirrored face, as the LFW protocol does. Doubles the time. */
  readonly flip?: boolean;
  /** Returns a vector of length 1 instead of the network's own output. */
  readonly normalize?: boolean;
  /** Fills `model.profile` with the milliseconds of each layer. */
  readonly profile?: boolean;
  /** Rejects at once when it fires, with code 'aborted'; a run in progress ends unheard. */
  readonly signal?: AbortSignal;
}

export interface CheckedEmbedOptions {
  readonly flip: boolean;
  readonly normalize: boolean;
  readonly profile: boolean;
  readonly signal: AbortSignal | undefined;
}

const LOAD_NAMES = [
  'threads',
  'isa',
  'vectors',
  'wasm',
  'onProgress',
  'signal',
  'integrity',
  'limits',
] as const;
const EMBED_NAMES = ['flip', 'normalize', 'profile', 'signal'] as const;
const LIMIT_NAMES = ['macs', 'bytes'] as const;

export function checkLoadOptions(given: LoadOptions): CheckedOptions {
  const options = readOptions('loadModel: options', given, LOAD_NAMES);
  const { threads = 1, isa = 'auto', vectors = 128 } = options;
  const { wasm, integrity, onProgress, signal } = options;
  if (!isThreads(threads)) {
    throw bad(
      'loadModel',
      'threads',
      `a whole number from 1 to ${MAX_THREADS}, or 'auto'`,
      threads,
    );
  }
  if (isa !== 'auto' && isa !== 'simd' && isa !== 'relaxed') {
    throw bad('loadModel', 'isa', "'auto', 'simd' or 'relaxed'", isa);
  }
  if (vectors !== 128 && vectors !== 256) throw bad('loadModel', 'vectors', '128 or 256', vectors);
  if (integrity !== undefined && !isSha256(integrity)) {
    throw bad('loadModel', 'integrity', "'sha256-' and 44 characters of base64", integrity);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw bad('loadModel', 'onProgress', 'a function', onProgress);
  }
  return {
    threads,
    isa,
    vectors,
    // Whatever it is, compiling it shows whether it is right.
    wasm: wasm as WasmOverride | undefined,
    onProgress: onProgress as LoadOptions['onProgress'],
    signal: checkSignal('loadModel', signal),
    integrity,
    limits: checkLimits(options.limits),
  };
}

export function checkEmbedOptions(given: EmbedOptions): CheckedEmbedOptions {
  const { flip, normalize, profile, signal } = readOptions('embed: options', given, EMBED_NAMES);
  return {
    flip: checkSwitch('flip', flip),
    normalize: checkSwitch('normalize', normalize),
    profile: checkSwitch('profile', profile),
    signal: checkSignal('embed', signal),
  };
}

/** The options of these names, each read once. */
function readOptions<Name extends string>(
  where: string,
  options: unknown,
  names: readonly Name[],
): { readonly [K in Name]?: unknown } {
  return guarded('bad_argument', where, () => {
    if (typeof options !== 'object' || options === null || isOther(options, names)) {
      const expected = `an object with ${names.join(', ')}`;
      throw new ArcfaceError(
        'bad_argument',
        `${where}: expected ${expected}, got ${describe(options)}`,
      );
    }
    const unknown = Object.keys(options).find((key) => !(names as readonly string[]).includes(key));
    if (unknown !== undefined) throw unknownOption(where, unknown, names);
    const values = names.map((name) => [name, (options as { [key: string]: unknown })[name]]);
    return Object.fromEntries(values);
  });
}

/** An array, a promise, a signal: nothing that options were written into. */
function isOther(options: object, names: readonly string[]): boolean {
  const prototype = Object.getPrototypeOf(options);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return !isPlain && !names.some((name) => name in options);
}

function unknownOption(where: string, key: string, names: readonly string[]): ArcfaceError {
  const meant = nearest(key, names);
  const advice = meant === undefined ? `expected ${names.join(', ')}` : `did you mean ${meant}?`;
  return new ArcfaceError('bad_argument', `${where}: there is no ${describe(key)}; ${advice}`);
}

function isThreads(threads: unknown): threads is number | 'auto' {
  if (threads === 'auto') return true;
  return Number.isInteger(threads) && Number(threads) >= 1 && Number(threads) <= MAX_THREADS;
}

function checkSwitch(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  throw bad('embed', name, 'true or false', value);
}

function checkSignal(where: string, signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  const isSignal = guarded('bad_argument', `${where}: options.signal`, () => {
    return typeof (signal as AbortSignal | null)?.addEventListener === 'function';
  });
  if (isSignal && Object(signal) === signal) return signal as AbortSignal;
  throw bad(where, 'signal', 'an AbortSignal', signal);
}

function checkLimits(given: unknown): WorkLimits {
  if (given === undefined) return DEFAULT_LIMITS;
  const limits = readOptions('loadModel: options.limits', given, LIMIT_NAMES);
  const limit = (name: keyof WorkLimits): number => {
    const value = limits[name] === undefined ? DEFAULT_LIMITS[name] : limits[name];
    if (typeof value === 'number' && value > 0) return value;
    throw bad('loadModel', `limits.${name}`, 'a number above 0, or Infinity', value);
  };
  return { macs: limit('macs'), bytes: limit('bytes') };
}

function isSha256(text: unknown): text is string {
  return typeof text === 'string' && /^sha256-[A-Za-z0-9+/]{43}=$/.test(text);
}

function bad(where: string, name: string, expected: string, got: unknown): ArcfaceError {
  return new ArcfaceError(
    'bad_argument',
    `${where}: options.${name}: expected ${expected}, got ${describe(got)}`,
  );
}
