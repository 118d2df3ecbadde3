/**
 * Finds the right kernel binary for this runtime and compiles it. The binaries travel inside the
 * package as base64, so that no bundler, server or path has to find them; an override may bring a
 * compiled Module (required where compiling from bytes is refused), bytes, or a URL.
 */

import { ArcfaceError } from '../errors.ts';

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

export async function compileKernels(
  isa: Isa,
  shared: boolean,
  override?: WasmOverride,
): Promise<Kernels> {
  if (override !== undefined) {
    return { module: await compileOverride(override), isa, downgrade: undefined };
  }
  requireSimd();
  const refused = isa === 'relaxed' && !hasRelaxedSimd();
  const chosen = refused ? 'simd' : isa;
  return {
    module: await WebAssembly.compile(await binary(chosen, shared)),
    isa: chosen,
    downgrade: refused ? 'this runtime has no relaxed SIMD: the simd kernels are used' : undefined,
  };
}

async function compileOverride(override: WasmOverride): Promise<WebAssembly.Module> {
  if (override instanceof WebAssembly.Module) return override;
  try {
    if (!(override instanceof URL)) return await WebAssembly.compile(override);
    const response = await fetch(override);
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (cause) {
    const what = override instanceof URL ? `"${override}"` : 'the given bytes';
    throw new ArcfaceError('bad_argument', `loadModel: options.wasm: ${what} cannot be compiled`, {
      cause,
    });
  }
}

async function binary(isa: Isa, shared: boolean): Promise<Uint8Array<ArrayBuffer>> {
  const module = shared
    ? isa === 'simd'
      ? await import('./binaries/simd-threads.ts')
      : await import('./binaries/relaxed-threads.ts')
    : isa === 'simd'
      ? await import('./binaries/simd.ts')
      : await import('./binaries/relaxed.ts');
  return decodeBase64(module.default);
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
