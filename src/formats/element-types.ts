/**
 * The number types that model files store constants in, and lazy tensors over the file's own bytes:
 * nothing is copied or decoded before `read()`. Hosts are little-endian, as WebAssembly is.
 */

import type { Tensor } from '../graph/graph.ts';
import { decodeFloat16 } from './float16.ts';

export type ElementType = 'f32' | 'f64' | 'f16' | 'u8' | 'i8' | 'i32' | 'i64';

const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  f32: 4,
  f64: 8,
  f16: 2,
  u8: 1,
  i8: 1,
  i32: 4,
  i64: 8,
};

export function elementBytes(type: ElementType): number {
  return ELEMENT_BYTES[type];
}

/** `bytes` hold exactly the elements of `shape`; they are kept, not copied. */
export function lazyTensor(
  bytes: Uint8Array,
  type: ElementType,
  shape: readonly number[],
): Tensor & { readonly type: ElementType } {
  return { shape, type, read: () => decodeElements(bytes, type) };
}

/** i64 and f64 are rounded to f32. */
export function decodeElements(bytes: Uint8Array, type: ElementType): Float32Array {
  if (type === 'f16') return decodeFloat16(bytes);
  if (type === 'u8') return Float32Array.from(bytes);
  // A copy is aligned whatever the offset in the file was. (Not slice(): a Buffer's shares memory.)
  const { buffer } = new Uint8Array(bytes);
  switch (type) {
    case 'f32':
      return new Float32Array(buffer);
    case 'f64':
      return Float32Array.from(new Float64Array(buffer));
    case 'i8':
      return Float32Array.from(new Int8Array(buffer));
    case 'i32':
      return Float32Array.from(new Int32Array(buffer));
    case 'i64':
      return Float32Array.from(new BigInt64Array(buffer), Number);
  }
}
