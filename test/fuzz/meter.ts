/**
 * What a call asks of memory: the largest single request by any constructor or method that takes a length,
 * and how much more memory is held after it than before. A request beyond `limit` is refused on the spot, so
 * that a fault is found instead of the machine's end; whoever swallows that refusal is found all the same.
 */

import { getHeapStatistics } from 'node:v8';

export interface Allocations {
  /** Bytes of the largest request. */
  readonly largest: number;
  /** Growth of heap and buffers, garbage included; less than that where a collection came between. */
  readonly grown: number;
}

export class MemoryRefused extends Error {
  override readonly name = 'MemoryRefused';
}

const TYPED_ARRAYS = [
  ...['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array'],
  ...['Uint32Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'],
] as const;
const WORD_BYTES = 8;
const PAGE_BYTES = 65_536;

type Host = Record<string, unknown>;
type AnyFunction = (...args: unknown[]) => unknown;
type Constructor = new (...args: unknown[]) => object;

let largest = 0;
let limit = Number.POSITIVE_INFINITY;
let heldBefore = 0;
let undo: (() => void)[] = [];

/** Everything is counted until `stopMeter`. */
export function startMeter(limitBytes: number): void {
  largest = 0;
  limit = limitBytes;
  for (const name of TYPED_ARRAYS) {
    const bytes = (globalThis[name] as unknown as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT;
    countConstructor(globalThis as unknown as Host, name, ([first]) => countOf(first) * bytes);
  }
  const host = globalThis as unknown as Host;
  for (const name of ['ArrayBuffer', 'SharedArrayBuffer'])
    countConstructor(host, name, ([n]) => countOf(n));
  countConstructor(host, 'Array', (args) =>
    args.length === 1 ? countOf(args[0]) * WORD_BYTES : 0,
  );
  countConstructor(WebAssembly as unknown as Host, 'Memory', ([type]) => {
    return countOf((type as { initial?: unknown } | undefined)?.initial) * PAGE_BYTES;
  });
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow']) {
    countMethod(Buffer as unknown as Host, name, (_, [n]) => countOf(n));
  }
  const text = String.prototype as unknown as Host;
  countMethod(text, 'repeat', (self, [n]) => String(self).length * countOf(n));
  for (const name of ['padStart', 'padEnd']) countMethod(text, name, (_, [n]) => countOf(n));
  heldBefore = held();
}

/** Everything is as it was before `startMeter`. */
export function stopMeter(): Allocations {
  const grown = held() - heldBefore;
  for (const restore of undo) restore();
  undo = [];
  return { largest, grown };
}

function held(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** A length, or that of what is copied; views of a buffer ask for nothing. */
function countOf(value: unknown): number {
  if (typeof value === 'number') return value;
  const isCopied =
    typeof value === 'object' && value !== null && !('byteLength' in value && !('length' in value));
  const { length } = isCopied ? (value as { length?: unknown }) : {};
  return typeof length === 'number' ? length : 0;
}

function note(bytes: number): void {
  if (!(bytes > largest)) return;
  largest = bytes;
  if (bytes > limit) throw new MemoryRefused(`${bytes} bytes at once, ${limit} are allowed`);
}

function countConstructor(host: Host, name: string, bytesOf: (args: unknown[]) => number): void {
  const original = host[name] as Constructor;
  host[name] = new Proxy(original, {
    construct(target, args, newTarget) {
      note(bytesOf(args));
      // The proxy itself when it is called as usual: prototypes must be those of the original.
      return Reflect.construct(target, args, newTarget === host[name] ? target : newTarget);
    },
    apply(target, self, args) {
      note(bytesOf(args));
      return Reflect.apply(target as unknown as AnyFunction, self, args);
    },
  });
  undo.push(() => {
    host[name] = original;
  });
}

function countMethod(
  host: Host,
  name: string,
  bytesOf: (self: unknown, args: unknown[]) => number,
): void {
  const original = host[name] as AnyFunction;
  host[name] = function (this: unknown, ...args: unknown[]): unknown {
    note(bytesOf(this, args));
    return Reflect.apply(original, this, args);
  };
  undo.push(() => {
    host[name] = original;
  });
}
