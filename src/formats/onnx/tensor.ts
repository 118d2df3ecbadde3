/**
 * ONNX TensorProto: a view of the file's bytes and how to decode them. Refuses tensors with two
 * kinds of data, data outside the file, and sizes that do not match the dimensions.
 */

import { ArcfaceError } from '../../errors.ts';
import { elementsOf, expect } from '../../graph/limits.ts';
import { decodeFloat16 } from '../float16.ts';
import { countVarints, LENGTH_DELIMITED, WireReader } from '../protobuf.ts';

/** TensorProto.DataType. */
export const FLOAT = 1;
export const INT64 = 7;
export const FLOAT16 = 10;
const BFLOAT16 = 16;

type Values = Float32Array | Float64Array;

type Field = 'float_data' | 'int32_data' | 'int64_data' | 'double_data' | 'uint64_data';

interface ElementType {
  readonly name: string;
  readonly bytes: number;
  /** The typed field that may hold it besides `raw_data`. */
  readonly field: Field;
  get(view: DataView, at: number): number;
  /** Smallest and largest value of the 8-bit types, which quantised tensors use. */
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

function wide(high: number, low: number): number {
  return high * 2 ** 32 + low;
}

const TYPES: ReadonlyMap<number, ElementType> = new Map([
  [FLOAT, elementType('float', 4, 'float_data', (v, at) => v.getFloat32(at, true))],
  [2, elementType('uint8', 1, 'int32_data', (v, at) => v.getUint8(at), [0, 255])],
  [3, elementType('int8', 1, 'int32_data', (v, at) => v.getInt8(at), [-128, 127])],
  [4, elementType('uint16', 2, 'int32_data', (v, at) => v.getUint16(at, true))],
  [5, elementType('int16', 2, 'int32_data', (v, at) => v.getInt16(at, true))],
  [6, elementType('int32', 4, 'int32_data', (v, at) => v.getInt32(at, true))],
  [
    INT64,
    elementType('int64', 8, 'int64_data', (v, at) =>
      wide(v.getInt32(at + 4, true), v.getUint32(at, true)),
    ),
  ],
  [9, elementType('bool', 1, 'int32_data', (v, at) => v.getUint8(at))],
  [FLOAT16, elementType('float16', 2, 'int32_data', float16At)],
  [11, elementType('double', 8, 'double_data', (v, at) => v.getFloat64(at, true))],
  [12, elementType('uint32', 4, 'uint64_data', (v, at) => v.getUint32(at, true))],
  [
    13,
    elementType('uint64', 8, 'uint64_data', (v, at) =>
      wide(v.getUint32(at + 4, true), v.getUint32(at, true)),
    ),
  ],
  [BFLOAT16, elementType('bfloat16', 2, 'int32_data', bfloat16At)],
]);

function float16At(view: DataView, at: number): number {
  return decodeFloat16(new Uint8Array(view.buffer, view.byteOffset + at, 2))[0] as number;
}

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of an f32. */
function bfloat16At(view: DataView, at: number): number {
  scratch.setUint32(0, view.getUint16(at, true) << 16);
  return scratch.getFloat32(0);
}

const FIELDS: ReadonlyMap<number, string> = new Map([
  [4, 'float_data'],
  [5, 'int32_data'],
  [6, 'string_data'],
  [7, 'int64_data'],
  [9, 'raw_data'],
  [10, 'double_data'],
  [11, 'uint64_data'],
]);
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;
const MAX_RANK = 8;

interface TensorData {
  readonly field: string;
  /** Packed or raw bytes; values that came one by one. */
  bytes?: Uint8Array;
  readonly singles: number[];
}

export class OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  readonly count: number;
  private readonly data: TensorData | undefined;

  constructor(name: string, dims: readonly number[], dataType: number, data?: TensorData) {
    this.name = name;
    this.dims = dims;
    this.dataType = dataType;
    this.data = data;
    // A dimension of 0 is legal and holds nothing.
    this.count = dims.includes(0) ? 0 : this.checkCount(elementsOf(dims));
    const held = TYPES.has(dataType) ? this.heldCount() : this.count;
    expect(
      held === this.count,
      'bad_model',
      this.where,
      `${this.count} values by its dimensions`,
      held,
    );
  }

  get where(): string {
    return `ONNX tensor ${JSON.stringify(this.name)}`;
  }

  /** [smallest, largest] for 8-bit integers, else undefined. */
  get range(): readonly [number, number] | undefined {
    return TYPES.get(this.dataType)?.range;
  }

  get isFloat(): boolean {
    const name = TYPES.get(this.dataType)?.name ?? '';
    return name.includes('float') || name === 'double';
  }

  /** Decodes all values into `out`, which has `count` elements. */
  decodeInto(out: Values): void {
    const type = this.elementType();
    const { bytes, singles, field } = this.data ?? { singles: [], field: 'raw_data' };
    if (!bytes) this.decodeIntegersOrFloats(out, singles, type);
    else if (field === 'int32_data' || field === 'int64_data' || field === 'uint64_data') {
      const reader = new WireReader(bytes);
      const integers = Array.from({ length: this.count }, () => reader.varint());
      this.decodeIntegersOrFloats(out, integers, type);
    } else if (this.dataType === FLOAT && out instanceof Float32Array) {
      new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes);
    } else if (this.dataType === FLOAT16) out.set(decodeFloat16(bytes));
    else {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0; i < out.length; i++) out[i] = type.get(view, i * type.bytes);
    }
  }

  private decodeIntegersOrFloats(out: Values, values: readonly number[], type: ElementType): void {
    const { dataType } = this;
    const isHalf = dataType === FLOAT16 || dataType === BFLOAT16;
    const view = new DataView(new ArrayBuffer(2));
    for (let i = 0; i < out.length; i++) {
      const value = values[i] as number;
      // Half floats are stored as the integer of their bits.
      if (isHalf) view.setUint16(0, value, true);
      out[i] = isHalf ? type.get(view, 0) : value;
    }
  }

  private elementType(): ElementType {
    const type = TYPES.get(this.dataType);
    if (type) return type;
    const names = [...TYPES.values()].map((t) => t.name).join(', ');
    const message = `${this.where}: expected one of ${names}, got data type ${this.dataType}`;
    throw new ArcfaceError('bad_model', message);
  }

  private heldCount(): number | string {
    if (!this.data) return 0;
    const { field, bytes, singles } = this.data;
    const type = this.elementType();
    if (field === 'raw_data') {
      const count = (bytes?.length ?? 0) / type.bytes;
      return Number.isInteger(count) ? count : `${bytes?.length} bytes of ${type.name}`;
    }
    const fits = `${type.field} or raw_data for ${type.name}`;
    expect(field === type.field, 'bad_model', this.where, fits, field);
    if (!bytes) return singles.length;
    if (field === 'float_data') return bytes.length / 4;
    if (field === 'double_data') return bytes.length / 8;
    return countVarints(bytes) ?? 'an integer that is cut off';
  }

  private checkCount(count: number | undefined): number {
    expect(count !== undefined, 'bad_model', this.where, 'positive dimensions of a sane size', [
      ...this.dims,
    ]);
    return count;
  }
}

export function readTensor(reader: WireReader): OnnxTensor {
  let name = '';
  let dataType = 0;
  const dims: number[] = [];
  let data: TensorData | undefined;
  let external = false;
  while (reader.next()) {
    const { field } = reader;
    const dataField = FIELDS.get(field);
    if (field === 1) reader.ints(dims, MAX_RANK);
    else if (field === 2) dataType = reader.int();
    else if (field === 8) name = reader.text();
    else if (field === DATA_LOCATION) external = reader.int() === 1 || external;
    else if (field === EXTERNAL_DATA) {
      external = true;
      reader.skip();
    } else if (dataField) data = readData(reader, dataField, data);
    else reader.skip();
  }
  if (external) throw externalData(name);
  return new OnnxTensor(name, dims, dataType, data);
}

function readData(reader: WireReader, field: string, earlier?: TensorData): TensorData | undefined {
  if (earlier && earlier.field !== field) {
    reader.fail(`a tensor with one kind of data, ${earlier.field}`, `${field} as well`);
  }
  const data = earlier ?? { field, singles: [] };
  if (field === 'string_data') reader.skip();
  else if (reader.wire === LENGTH_DELIMITED) {
    const bytes = reader.bytes();
    if (bytes.length === 0) return earlier;
    if (data.bytes || data.singles.length > 0) reader.fail('tensor data in one piece', 'several');
    data.bytes = bytes;
  } else {
    if (data.bytes) reader.fail('tensor data in one piece', 'several');
    if (field === 'float_data') data.singles.push(reader.float());
    else if (field === 'double_data') data.singles.push(reader.double());
    else data.singles.push(reader.int());
  }
  return data;
}

function externalData(name: string): ArcfaceError {
  return new ArcfaceError(
    'bad_model',
    `ONNX tensor ${JSON.stringify(name)}: expected its values inside the file, got external data; ` +
      'save the model as one file (onnx.save_model with save_as_external_data=False)',
  );
}
