/**
 * Checks the options of `loadModel` and of `embed`; returns them with defaults. Options are read once,
 * never written. Refuses values of another kind with 'bad_argument'.
 */

import { describe } from '../describe.ts';
import { ArcfaceError } from '../errors.ts';
import type { Isa, WasmOverride } from '../runtime/kernels.ts';

export interface LoadProgress {
  /** Bytes so far. */
  readonly loaded: number;
  /** All bytes, if known. */
  readonly total: number | undefined;
  readonly source: 'file' | 'network' | 'memory' | 'stream';
}

export interface LoadOptions {
  /** Worker threads, 1 to 64, or one per core. Default 1: runs on the calling thread. */
  readonly threads?: number | 'auto';
  /** 'auto' is 'simd' for f32: the same bits in every runtime. 'relaxed' may fuse multiply-adds. */
  readonly isa?: 'auto' | Isa;
  /** Kernels to use instead of the embedded ones (a Module where bytes may not be compiled). */
  readonly wasm?: WasmOverride;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
  /** 'sha256-<base64>' of the whole weights file, as in subresource integrity. */
  readonly integrity?: string;
}

export const MAX_THREADS = 64;

export interface CheckedOptions extends LoadOptions {
  readonly threads: number | 'auto';
  readonly isa: 'auto' | Isa;
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

export function checkLoadOptions(options: LoadOptions): CheckedOptions {
  requireObject('loadModel', options);
  const { threads = 1, isa = 'auto', integrity, onProgress, signal } = options;
  if (
    threads !== 'auto' &&
    !(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)
  ) {
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
  if (integrity !== undefined && !isSha256(integrity)) {
    throw bad('loadModel', 'integrity', "'sha256-' and 44 characters of base64", integrity);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw bad('loadModel', 'onProgress', 'a function', onProgress);
  }
  requireSignal('loadModel', signal);
  return { ...options, threads, isa };
}

export function checkEmbedOptions(options: EmbedOptions): CheckedEmbedOptions {
  requireObject('embed', options);
  const { flip = false, normalize = false, profile = false, signal } = options;
  for (const [name, value] of Object.entries({ flip, normalize, profile })) {
    if (typeof value !== 'boolean') throw bad('embed', name, 'true or false', value);
  }
  requireSignal('embed', signal);
  return { flip, normalize, profile, signal };
}

function requireObject(where: string, options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  throw new ArcfaceError(
    'bad_argument',
    `${where}: options: expected an object, got ${describe(options)}`,
  );
}

function requireSignal(where: string, signal: AbortSignal | undefined): void {
  if (signal === undefined || typeof signal?.addEventListener === 'function') return;
  throw bad(where, 'signal', 'an AbortSignal', signal);
}

function isSha256(text: unknown): boolean {
  return typeof text === 'string' && /^sha256-[A-Za-z0-9+/]{43}=$/.test(text);
}

function bad(where: string, name: string, expected: string, got: unknown): ArcfaceError {
  return new ArcfaceError(
    'bad_argument',
    `${where}: options.${name}: expected ${expected}, got ${describe(got)}`,
  );
}
