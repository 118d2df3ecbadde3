/** Checks the options of `loadModel`; returns them with defaults. Options are read, never written. */

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

export function checkLoadOptions(options: LoadOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) {
    throw new ArcfaceError(
      'bad_argument',
      `loadModel: options: expected an object, got ${describe(options)}`,
    );
  }
  const { threads = 1, isa = 'auto', integrity, onProgress, signal } = options;
  if (
    threads !== 'auto' &&
    !(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)
  ) {
    throw bad('threads', `a whole number from 1 to ${MAX_THREADS}, or 'auto'`, threads);
  }
  if (isa !== 'auto' && isa !== 'simd' && isa !== 'relaxed') {
    throw bad('isa', "'auto', 'simd' or 'relaxed'", isa);
  }
  if (integrity !== undefined && !isSha256(integrity)) {
    throw bad('integrity', "'sha256-' and 44 characters of base64", integrity);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw bad('onProgress', 'a function', onProgress);
  }
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw bad('signal', 'an AbortSignal', signal);
  }
  return { ...options, threads, isa };
}

function isSha256(text: unknown): boolean {
  return typeof text === 'string' && /^sha256-[A-Za-z0-9+/]{43}=$/.test(text);
}

function bad(name: string, expected: string, got: unknown): ArcfaceError {
  return new ArcfaceError(
    'bad_argument',
    `loadModel: options.${name}: expected ${expected}, got ${describe(got)}`,
  );
}
