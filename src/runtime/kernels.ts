/**
 * Finds the right kernel binary for this runtime and compiles it. The binaries travel inside most entries of
 * the package as base64, so that no bundler, server or path has to find them; an override may bring a
 * compiled Module (required where compiling from bytes is refused), bytes, or a URL. Refuses runtimes
 * without WebAssembly SIMD, entries without kernels where none are brought, and overrides that cannot be
 * read or compiled.
 */

import { reasonOf } from '../describe.ts';
import { ArcfaceError, isArcfaceError } from '../errors.ts';
import { guardedAsync } from '../guard.ts';
import { untilAborted } from './abort.ts';
import type { EmbeddedKernels, KernelBinary, Platform } from './platform.ts';
import { openSource } from './source.ts';

export type Isa = 'simd' | 'relaxed';
export type WasmOverride = WebAssembly.Module | BufferSource | URL;

export interface Kernels {
  readonly module: WebAssembly.Module;
  readonly isa: Isa;
  /** Why another binary than the asked one is used, or undefined. */
  readonly downgrade: string | undefined;
}

/**
 * (module (func (param v128 v128 v128) (result v128)
 *   local.get 0 local.get 1 local.get 2 f32x4.relaxed_madd))
 */
const RELAXED_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0,
  32, 0, 32, 1, 32, 2, 253, 133, 2, 11,
]);

/** (module (func (result v128) i32.const 0 i8x16.splat)) */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15,
  11,
]);

export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_PROBE);
}

const READ_BYTES = 65536;
/** Ours have tens of kilobytes. */
const MAX_BYTES = 2 ** 24;

/** Throws 'unsupported_runtime' where there is no WebAssembly SIMD. */
export function requireSimd(): void {
  if (typeof WebAssembly !== 'object') {
    throw new ArcfaceError(
      'unsupported_runtime',
      'loadModel: this runtime has no WebAssembly (React Native with Hermes is not supported)',
    );
  }
  if (!WebAssembly.validate(SIMD_PROBE)) {
    throw new ArcfaceError(
      'unsupported_runtime',
      'loadModel: this runtime has no WebAssembly SIMD; expected Chrome 91, Firefox 89, Safari 16.4 or Node 16.4 or newer',
    );
  }
}

/** What the caller said about kernels. */
export interface KernelOptions {
  readonly isa: 'auto' | Isa;
  readonly wasm?: WasmOverride | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Expects that `requireSimd` was called: there is a WebAssembly to compile with. */
export async function compileKernels(
  options: KernelOptions,
  shared: boolean,
  platform: Platform,
): Promise<Kernels> {
  const isa = options.isa === 'auto' ? 'simd' : options.isa;
  if (options.wasm !== undefined) {
    const { wasm, signal } = options;
    const module = await guardedAsync('bad_argument', 'loadModel: options.wasm', () =>
      compileOverride(wasm, platform, signal),
    );
    return { module, isa, downgrade: undefined };
  }
  const held = requireKernels(options, platform);
  const why = isa === 'relaxed' ? relaxedRefused(held, shared) : undefined;
  const chosen = why === undefined ? isa : 'simd';
  return {
    module: await compileOwn(held, chosen, shared),
    isa: chosen,
    downgrade: why === undefined ? undefined : `${why}: the simd kernels are used`,
  };
}

/** Throws 'bad_argument' where neither this entry nor the caller has kernels. */
export function requireKernels(options: KernelOptions, platform: Platform): EmbeddedKernels {
  if (platform.kernels || options.wasm !== undefined) return platform.kernels ?? {};
  throw new ArcfaceError(
    'bad_argument',
    'loadModel: options.wasm: expected a WebAssembly.Module, got undefined; this entry holds no kernels: ' +
      "import 'arcface-wasm/wasm/simd.wasm' and pass what it gives",
  );
}

function relaxedRefused(held: EmbeddedKernels, shared: boolean): string | undefined {
  if (!hasRelaxedSimd()) return 'this runtime has no relaxed SIMD';
  return held[nameOf('relaxed', shared)] ? undefined : 'this entry holds no relaxed kernels';
}

function nameOf(isa: Isa, shared: boolean): KernelBinary {
  return shared ? `${isa}-threads` : isa;
}

async function compileOwn(
  held: EmbeddedKernels,
  isa: Isa,
  shared: boolean,
): Promise<WebAssembly.Module> {
  const name = nameOf(isa, shared);
  const base64 = await held[name]?.();
  if (base64 === undefined) throw missing(name);
  try {
    return await WebAssembly.compile(decodeBase64(base64));
  } catch (cause) {
    throw new ArcfaceError(
      'unsupported_runtime',
      `loadModel: kernels cannot be compiled (${reasonOf(cause)}); a content security policy must have ` +
        "script-src 'wasm-unsafe-eval', or options.wasm a WebAssembly.Module",
      { cause },
    );
  }
}

function missing(name: KernelBinary): ArcfaceError {
  return new ArcfaceError(
    'unsupported_runtime',
    `loadModel: this entry holds no ${name} kernels; pass them as options.wasm`,
  );
}

async function compileOverride(
  override: WasmOverride,
  platform: Platform,
  signal: AbortSignal | undefined,
): Promise<WebAssembly.Module> {
  if (override instanceof WebAssembly.Module) return override;
  const isUrl = override instanceof URL;
  const bytes = isUrl ? await readAll(override, platform, signal) : override;
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    const what = isUrl ? `"${override}"` : 'the given bytes';
    throw new ArcfaceError(
      'bad_argument',
      `loadModel: options.wasm: expected a WebAssembly binary, ${what} cannot be compiled (${reasonOf(cause)}); ` +
        'where bytes may not be compiled, give a WebAssembly.Module',
      { cause },
    );
  }
}

async function readAll(
  url: URL,
  platform: Platform,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const source = await openSource(url, platform, signal);
  try {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (let length = 0; ; ) {
      const part = new Uint8Array(READ_BYTES);
      const at = length;
      const count = await untilAborted(signal, 'loadModel', () => source.read(part, at));
      if (count === 0) return new Uint8Array(await new Blob(parts).arrayBuffer());
      parts.push(part.subarray(0, count));
      length += count;
      if (length <= MAX_BYTES) continue;
      const message = `loadModel: options.wasm: "${url}": expected at most ${MAX_BYTES} bytes, got more`;
      throw new ArcfaceError('bad_argument', message);
    }
  } catch (cause) {
    if (isArcfaceError(cause)) throw cause;
    throw new ArcfaceError('io', `loadModel: options.wasm: "${url}" cannot be read`, { cause });
  } finally {
    // Not awaited: a source that stalls may never close.
    source.close().catch(() => undefined);
  }
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
