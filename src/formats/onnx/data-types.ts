/** ONNX's number types: their size, the typed field that may hold them, how to decode one. */

import { decodeFloat16 } from '../float16.ts';

/** TensorProto.DataType. */
export const FLOAT = 1;
export const UINT8 = 2;
export const INT32 = 6;
export const INT64 = 7;
export const BOOL = 9;
export const FLOAT16 = 10;
const DOUBLE = 11;
export const BFLOAT16 = 16;

type Field = 'float_data' | 'int32_data' | 'int64_data' | 'double_data' | 'uint64_data';

export interface ElementType {
  readonly name: string;
  /** Of one value; those below 8 stand several to a byte, the first in the lowest bits. */
  readonly bits: number;
  /** The typed field that may hold it besides `raw_data`. */
  readonly field?: Field | undefined;
  /** Value `index` of raw data. */
  get(view: DataView, index: number): number;
  /** Smallest and largest value of integers, exact up to 2^53; floats and booleans have none. */
  readonly range?: readonly [number, number] | undefined;
}

/** Bytes that `count` values take. */
export function bytesOf({ bits }: ElementType, count: number): number {
  return Math.ceil((count * bits) / 8);
}

/** `at` decodes the value at a byte. */
function wholeBytes(
  name: string,
  bytes: number,
  field: Field,
  at: (view: DataView, byte: number) => number,
  range?: readonly [number, number],
): ElementType {
  return { name, bits: 8 * bytes, field, get: (view, i) => at(view, i * bytes), range };
}

function unsigned(bits: number): [number, number] {
  return [0, 2 ** bits - 1];
}

function signed(bits: number): [number, number] {
  return [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

function wide(high: number, low: number): number {
  return high * 2 ** 32 + low;
}

/** 4 or 2 bits. */
function packed(bits: number, isSigned: boolean): ElementType {
  const name = `${isSigned ? '' : 'u'}int${bits}`;
  const perByte = 8 / bits;
  const get = (view: DataView, index: number): number => {
    const byte = view.getUint8(Math.floor(index / perByte));
    const value = (byte >> (bits * (index % perByte))) & (2 ** bits - 1);
    return isSigned && value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
  };
  return { name, bits, get, range: isSigned ? signed(bits) : unsigned(bits) };
}

export const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map([
  [FLOAT, wholeBytes('float', 4, 'float_data', (v, at) => v.getFloat32(at, true))],
  [UINT8, wholeBytes('uint8', 1, 'int32_data', (v, at) => v.getUint8(at), unsigned(8))],
  [3, wholeBytes('int8', 1, 'int32_data', (v, at) => v.getInt8(at), signed(8))],
  [4, wholeBytes('uint16', 2, 'int32_data', (v, at) => v.getUint16(at, true), unsigned(16))],
  [5, wholeBytes('int16', 2, 'int32_data', (v, at) => v.getInt16(at, true), signed(16))],
  [INT32, wholeBytes('int32', 4, 'int32_data', (v, at) => v.getInt32(at, true), signed(32))],
  [INT64, wholeBytes('int64', 8, 'int64_data', int64At, signed(64))],
  [BOOL, wholeBytes('bool', 1, 'int32_data', (v, at) => v.getUint8(at))],
  [FLOAT16, wholeBytes('float16', 2, 'int32_data', float16At)],
  [DOUBLE, wholeBytes('double', 8, 'double_data', (v, at) => v.getFloat64(at, true))],
  [12, wholeBytes('uint32', 4, 'uint64_data', (v, at) => v.getUint32(at, true), unsigned(32))],
  [13, wholeBytes('uint64', 8, 'uint64_data', uint64At, unsigned(64))],
  [BFLOAT16, wholeBytes('bfloat16', 2, 'int32_data', bfloat16At)],
  [21, packed(4, false)],
  [22, packed(4, true)],
  [25, packed(2, false)],
  [26, packed(2, true)],
]);

/** Types that are known by name and not read. */
const OTHER_TYPES: Readonly<Record<number, string>> = {
  8: 'string',
  14: 'complex64',
  15: 'complex128',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  23: 'float4e2m1',
  24: 'float8e8m0',
};

/** [smallest, largest] of an integer type, else undefined. */
export function integerRange(dataType: number): readonly [number, number] | undefined {
  return ELEMENT_TYPES.get(dataType)?.range;
}

export function isFloatType(dataType: number): boolean {
  return [FLOAT, FLOAT16, DOUBLE, BFLOAT16].includes(dataType);
}

/** For messages: 'int16', or the number of a type that is not known here. */
export function typeName(dataType: number): string {
  const name = ELEMENT_TYPES.get(dataType)?.name ?? OTHER_TYPES[dataType];
  return name ?? `data type ${dataType}`;
}

function int64At(view: DataView, at: number): number {
  return wide(view.getInt32(at + 4, true), view.getUint32(at, true));
}

function uint64At(view: DataView, at: number): number {
  return wide(view.getUint32(at + 4, true), view.getUint32(at, true));
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
