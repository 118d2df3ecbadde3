/**
 * ONNX TensorProto: a view of bytes, of the file or of one beside it, and how to decode them. Refuses
 * tensors with two kinds of data, data outside the file, and sizes that do not match the dimensions.
 */

import { ArcfaceError } from '../../errors.ts';
import { elementsOf, expect } from '../../graph/limits.ts';
import { decodeFloat16 } from '../float16.ts';
import { countVarints, LENGTH_DELIMITED, WireReader } from '../protobuf.ts';
import {
  BFLOAT16,
  bytesOf,
  ELEMENT_TYPES,
  type ElementType,
  FLOAT,
  FLOAT16,
  typeName,
} from './data-types.ts';
import {
  type ExternalFiles,
  type ExternalRange,
  externalBytes,
  externalRange,
  readExternalEntry,
} from './external.ts';

type Values = Float32Array | Float64Array;

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
  /** Where its values lie, if that is not in this file. */
  readonly external: ExternalRange | undefined;
  private data: TensorData | undefined;

  constructor(
    name: string,
    dims: readonly number[],
    dataType: number,
    data?: TensorData,
    external?: ExternalRange,
  ) {
    this.name = name;
    this.dims = dims;
    this.dataType = dataType;
    this.data = data;
    this.external = external;
    // A dimension of 0 is legal and holds nothing.
    this.count = dims.includes(0) ? 0 : this.checkCount(elementsOf(dims));
    if (!external) this.checkData();
  }

  /** Finds the values of an external tensor; until then it has none. */
  bind(files: ExternalFiles): void {
    const type = ELEMENT_TYPES.get(this.dataType);
    // What has no known type is refused when it is used.
    if (!this.external || !type) return;
    const needed = bytesOf(type, this.count);
    const bytes = externalBytes(this.external, files, needed, this.where);
    this.data = { field: 'raw_data', bytes, singles: [] };
    this.checkData();
  }

  private checkData(): void {
    const held = ELEMENT_TYPES.has(this.dataType) ? this.heldCount() : this.count;
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
      for (let i = 0; i < out.length; i++) out[i] = type.get(view, i);
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
    const type = ELEMENT_TYPES.get(this.dataType);
    if (type) return type;
    const names = [...ELEMENT_TYPES.values()].map((t) => t.name).join(', ');
    const message = `${this.where}: expected one of ${names}, got ${typeName(this.dataType)}`;
    throw new ArcfaceError('bad_model', message);
  }

  private heldCount(): number | string {
    if (!this.data) return 0;
    const { field, bytes, singles } = this.data;
    const type = this.elementType();
    if (field === 'raw_data') {
      const held = bytes?.length ?? 0;
      if (held === bytesOf(type, this.count)) return this.count;
      const count = (held * 8) / type.bits;
      return Number.isInteger(count) ? count : `${held} bytes of ${type.name}`;
    }
    const fits = `${type.field ? `${type.field} or ` : ''}raw_data for ${type.name}`;
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
  let isExternal = false;
  const entries = new Map<string, string>();
  while (reader.next()) {
    const { field } = reader;
    const dataField = FIELDS.get(field);
    if (field === 1) reader.ints(dims, MAX_RANK);
    else if (field === 2) dataType = reader.int();
    else if (field === 8) name = reader.text();
    else if (field === DATA_LOCATION) isExternal = reader.int() === 1 || isExternal;
    else if (field === EXTERNAL_DATA) {
      isExternal = true;
      readExternalEntry(reader.message(), entries);
    } else if (dataField) data = readData(reader, dataField, data);
    else reader.skip();
  }
  if (!isExternal) return new OnnxTensor(name, dims, dataType, data);
  if (data) reader.fail(`a tensor with one kind of data, ${data.field}`, 'external data as well');
  const where = `ONNX tensor ${JSON.stringify(name)}`;
  return new OnnxTensor(name, dims, dataType, undefined, externalRange(entries, where));
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
