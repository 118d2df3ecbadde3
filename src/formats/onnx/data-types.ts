/** ONNX's number types: their size, the typed field that may hold them, how to decode one. */

import { decodeFloat16 } from '../float16.ts';

/** TensorProto.DataType. */
export const FLOAT = 1;
export const UINT8 = 2;
export const INT64 = 7;
export const FLOAT16 = 10;
const DOUBLE = 11;
export const BFLOAT16 = 16;

type Field = 'float_data' | 'int32_data' | 'int64_data' | 'double_data' | 'uint64_data';

export interface ElementType {
  readonly name: string;
  readonly bytes: number;
  /** The typed field that may hold it besides `raw_data`. */
  readonly field: Field;
  get(view: DataView, at: number): number;
  /** Smallest and largest value of integers, exact up to 2^53; floats and booleans have none. */
  readonly range?: readonly [number, number];
}

function elementType(
  name: string,
  bytes: number,
  field: Field,
  get: ElementType['get'],
  range?: readonly [number, number],
): ElementType {
  return { name, bytes, field, get, ...(range ? { range } : {}) };
}

function signed(bits: number): [number, number] {
  return [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

function unsigned(bits: number): [number, number] {
  return [0, 2 ** bits - 1];
}

function wide(high: number, low: number): number {
  return high * 2 ** 32 + low;
}

export const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map([
  [FLOAT, elementType('float', 4, 'float_data', (v, at) => v.getFloat32(at, true))],
  [2, elementType('uint8', 1, 'int32_data', (v, at) => v.getUint8(at), [0, 255])],
  [3, elementType('int8', 1, 'int32_data', (v, at) => v.getInt8(at), [-128, 127])],
  [4, elementType('uint16', 2, 'int32_data', (v, at) => v.getUint16(at, true), [0, 65_535])],
  [5, elementType('int16', 2, 'int32_data', (v, at) => v.getInt16(at, true), [-32_768, 32_767])],
  [6, elementType('int32', 4, 'int32_data', (v, at) => v.getInt32(at, true), signed(32))],
  [
    INT64,
    elementType(
      'int64',
      8,
      'int64_data',
      (v, at) => wide(v.getInt32(at + 4, true), v.getUint32(at, true)),
      signed(64),
    ),
  ],
  [9, elementType('bool', 1, 'int32_data', (v, at) => v.getUint8(at))],
  [FLOAT16, elementType('float16', 2, 'int32_data', float16At)],
  [DOUBLE, elementType('double', 8, 'double_data', (v, at) => v.getFloat64(at, true))],
  [12, elementType('uint32', 4, 'uint64_data', (v, at) => v.getUint32(at, true), unsigned(32))],
  [
    13,
    elementType(
      'uint64',
      8,
      'uint64_data',
      (v, at) => wide(v.getUint32(at + 4, true), v.getUint32(at, true)),
      unsigned(64),
    ),
  ],
  [BFLOAT16, elementType('bfloat16', 2, 'int32_data', bfloat16At)],
]);

/** [smallest, largest] of an integer type, else undefined. */
export function integerRange(dataType: number): readonly [number, number] | undefined {
  return ELEMENT_TYPES.get(dataType)?.range;
}

export function isFloatType(dataType: number): boolean {
  return [FLOAT, FLOAT16, DOUBLE, BFLOAT16].includes(dataType);
}

/** For messages: 'int16', or the number of a type that is not known here. */
export function typeName(dataType: number): string {
  return ELEMENT_TYPES.get(dataType)?.name ?? `data type ${dataType}`;
}

function float16At(view: DataView, at: number): number {
  return decodeFloat16(new Uint8Array(view.buffer, view.byteOffset + at, 2))[0] as number;
}

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of an f32. */
function bfloat16At(view: DataView, at: number): number {
  scratch.setUint32(0, view.getUint16(at, true) << 16);
  return scratch.getFloat32(0);
}
