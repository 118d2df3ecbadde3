/**
 * The map of linear memory and its growth:
 *
 *   0        reserved: address 0 means "none"
 *   256      words of the threads: barrier at 256 and 320, items taken by each from 384
 *   640      constants of the kernels (`memoryBase` in asconfig.json)
 *   1024     weights: the file's tensors byte for byte, then extra constants
 *   work     argument blocks | scratch of all threads | arena       of the plan in use
 *
 * Creates and grows memory; refuses with 'out_of_memory' and leaves the old state usable.
 */

import { ArcfaceError } from '../errors.ts';

const PAGE = 65536;
/** A wasm32 memory has at most 4 GiB. */
const MAX_PAGES = 65536;

export const WEIGHTS_BASE = 1024;

export function alignUp(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

function pagesFor(bytes: number): number {
  const pages = Math.ceil(bytes / PAGE);
  if (pages <= MAX_PAGES) return pages;
  throw new ArcfaceError(
    'out_of_memory',
    `memory: expected at most 4 GiB, got ${bytes} bytes; use a smaller batch or model`,
  );
}

/** `maximumBytes` is address space that a shared memory reserves, not memory it uses. */
export function createMemory(
  bytes: number,
  shared: boolean,
  maximumBytes: number,
): WebAssembly.Memory {
  const initial = pagesFor(bytes);
  const maximum = Math.min(MAX_PAGES, Math.ceil(maximumBytes / PAGE));
  try {
    return shared
      ? new WebAssembly.Memory({ initial, maximum, shared })
      : new WebAssembly.Memory({ initial });
  } catch (cause) {
    throw new ArcfaceError(
      'out_of_memory',
      `memory: ${bytes} bytes cannot be allocated; close other models or use a smaller one`,
      { cause },
    );
  }
}

/** Makes memory at least `bytes` long; views made before are detached by a growth. */
export function ensureMemory(memory: WebAssembly.Memory, bytes: number): void {
  const missing = pagesFor(bytes) - memory.buffer.byteLength / PAGE;
  if (missing <= 0) return;
  try {
    memory.grow(missing);
  } catch (cause) {
    throw new ArcfaceError(
      'out_of_memory',
      `memory: cannot grow by ${missing * PAGE} bytes to ${bytes}; use a smaller batch`,
      { cause },
    );
  }
}
