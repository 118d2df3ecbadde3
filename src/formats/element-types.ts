/**
 * The number types that model files store constants in, and lazy tensors over the file's own bytes:
 * nothing is copied or decoded before `read()`. Hosts are little-endian, as WebAssembly is.
 */

import type { Tensor } from '../graph/graph.ts';
import { decodeFloat16 } from './float16.ts';

interface Type {
  readonly bits: number;
  /** Values that f32 may have to round are read into float64. */
  decode(bytes: Uint8Array, count: number): Float32Array | Float64Array;
  /** Least and largest value; absent for floats. */
  readonly range?: readonly [number, number];
}

const signed = (bits: number): [number, number] => [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
const unsigned = (bits: number): [number, number] => [0, 2 ** bits - 1];

// biome-ignore format: one table
const TYPES = {
  f32: { bits: 32, decode: (bytes) => new Float32Array(bufferOf(bytes)) },
  f64: { bits: 64, decode: (bytes) => new Float64Array(bufferOf(bytes)) },
  f16: { bits: 16, decode: (bytes) => decodeFloat16(bytes) },
  bf16: { bits: 16, decode: (bytes) => decodeBfloat16(bytes) },
  u8: { bits: 8, range: unsigned(8), decode: (bytes) => Float32Array.from(bytes) },
  i8: { bits: 8, range: signed(8), decode: (bytes) => Float32Array.from(new Int8Array(bufferOf(bytes))) },
  u16: { bits: 16, range: unsigned(16), decode: (bytes) => Float32Array.from(new Uint16Array(bufferOf(bytes))) },
  i16: { bits: 16, range: signed(16), decode: (bytes) => Float32Array.from(new Int16Array(bufferOf(bytes))) },
  u32: { bits: 32, range: unsigned(32), decode: (bytes) => Float64Array.from(new Uint32Array(bufferOf(bytes))) },
  i32: { bits: 32, range: signed(32), decode: (bytes) => Float64Array.from(new Int32Array(bufferOf(bytes))) },
  u64: { bits: 64, range: unsigned(64), decode: (bytes) => Float64Array.from(new BigUint64Array(bufferOf(bytes)), Number) },
  i64: { bits: 64, range: signed(64), decode: (bytes) => Float64Array.from(new BigInt64Array(bufferOf(bytes)), Number) },
  u4: { bits: 4, range: unsigned(4), decode: (bytes, count) => decodeNibbles(bytes, count, (n) => n) },
  i4: { bits: 4, range: signed(4), decode: (bytes, count) => decodeNibbles(bytes, count, (n) => (n ^ 8) - 8) },
  bool: { bits: 8, range: [0, 1], decode: (bytes) => Float32Array.from(bytes, (byte) => (byte ? 1 : 0)) },
} as const satisfies Readonly<Record<string, Type>>;

export type ElementType = keyof typeof TYPES;

/** Bytes of `count` values; those of less than a byte are packed without gaps. */
export function bytesOf(type: ElementType, count: number): number {
  return Math.ceil((count * TYPES[type].bits) / 8);
}

/** Least and largest value of an integer type; undefined for floats. */
export function integerRange(type: ElementType): readonly [number, number] | undefined {
  return (TYPES[type] as Type).range;
}

/** `bytes` hold exactly the elements of `shape`; they are kept, not copied. */
export function lazyTensor(
  bytes: Uint8Array,
  type: ElementType,
  shape: readonly number[],
): Tensor & { readonly type: ElementType } {
  const count = shape.reduce((product, n) => product * n, 1);
  const decode = (): Float32Array | Float64Array => TYPES[type].decode(bytes, count);
  const roundsToF32 = type === 'f64' || /^[iu](32|64)$/.test(type);
  const tensor = { shape, type, read: () => Float32Array.from(decode()) };
  if (roundsToF32) return { ...tensor, readExact: () => decode() as Float64Array };
  return { ...tensor, read: () => decode() as Float32Array };
}

/** A copy is aligned whatever the offset in the file was. (Not slice(): a Buffer's shares memory.) */
function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** The upper half of an f32. */
function decodeBfloat16(bytes: Uint8Array): Float32Array {
  const words = Uint32Array.from(new Uint16Array(bufferOf(bytes)), (half) => half << 16);
  return new Float32Array(words.buffer);
}

/** The lower four bits of a byte come first. */
function decodeNibbles(
  bytes: Uint8Array,
  count: number,
  value: (nibble: number) => number,
): Float32Array {
  const nibble = (at: number): number => ((bytes[at >> 1] as number) >> (4 * (at & 1))) & 15;
  return Float32Array.from({ length: count }, (_, at) => value(nibble(at)));
}
