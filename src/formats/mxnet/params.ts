/**
 * MXNet `.params` (NDArray list, little endian): bytes -> named lazy arrays over the same bytes.
 * Reads the legacy, V1, V2 and V3 forms, mixed if need be. Refuses sparse arrays by name, arrays
 * without a shape, lists without names, and anything left over.
 *
 * Source: apache/mxnet src/ndarray/ndarray.cc (NDArray::Load, NDArray::LegacyLoad).
 */

import { ArcfaceError } from '../../errors.ts';
import type { Tensor } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/limits.ts';
import { printable } from '../../printable.ts';
import { ByteReader } from '../byte-reader.ts';
import { bytesOf, type ElementType, lazyTensor } from '../element-types.ts';

export type ParamsVersion = 'legacy' | 'V1' | 'V2' | 'V3';

export interface ParamArray extends Tensor {
  /** As stored, mostly with prefix: 'arg:conv0_weight', 'aux:bn0_moving_mean'. */
  readonly name: string;
  readonly type: ElementType;
  readonly version: ParamsVersion;
}

export const LIST_MAGIC = 0x112;
export const VERSION_MAGIC = { V1: 0xf993fac8, V2: 0xf993fac9, V3: 0xf993faca } as const;
/** By type flag. */
export const TYPE_FLAGS: readonly ElementType[] = [
  ...(['f32', 'f64', 'f16', 'u8', 'i32', 'i8', 'i64'] as const),
  ...(['bool', 'i16', 'u16', 'u32', 'u64', 'bf16'] as const),
];

const WHERE = 'MXNet .params';
const STORAGE_NAMES = ['dense', 'row_sparse', 'csr'];
const MAX_DIMENSIONS = 8;
/** Fewest bytes of one array (legacy, one element of one byte) and of one name. */
const MIN_ARRAY_BYTES = 4 + 4 + 8 + 4 + 1;
const MIN_NAME_BYTES = 8 + 1;
const MAX_NAME_BYTES = 1024;

type Unnamed = Omit<ParamArray, 'name'>;

/** Arrays in file order. Bytes that are not exactly one list are refused. */
export function readParams(bytes: Uint8Array): ParamArray[] {
  const reader = new ByteReader(bytes, WHERE);
  const magic = reader.u32('list magic');
  if (magic !== LIST_MAGIC || reader.u32('list magic') !== 0)
    throw reader.error('the magic number 0x112', hex(magic), 0);
  reader.u64('reserved word');
  const count = reader.u64('array count');
  const most = Math.floor(reader.remaining / (MIN_ARRAY_BYTES + MIN_NAME_BYTES));
  if (count > most) throw reader.error(`at most ${most} arrays in what follows`, count, 16);
  const arrays: Unnamed[] = [];
  for (let i = 0; i < count; i++) arrays.push(readArray(reader, i));
  const named = readNames(reader, arrays);
  if (reader.remaining > 0) throw reader.error('the end of the file', 'more bytes');
  return named;
}

function readNames(reader: ByteReader, arrays: readonly Unnamed[]): ParamArray[] {
  const count = reader.u64('name count');
  if (count !== arrays.length) throw reader.error(`${arrays.length} names`, count);
  const decoder = new TextDecoder();
  return arrays.map((array) => {
    const length = reader.u64('name length');
    const sound = length >= 1 && length <= MAX_NAME_BYTES;
    if (!sound) throw reader.error(`a name of 1..${MAX_NAME_BYTES} bytes`, length);
    return { ...array, name: printable(decoder.decode(reader.take(length, 'name'))) };
  });
}

function readArray(reader: ByteReader, index: number): Unnamed {
  const magic = reader.u32('array magic');
  const version = versionOf(magic);
  if (version === 'V2' || version === 'V3') refuseSparse(reader, index);
  const shape = readShape(reader, version, magic);
  reader.take(8, 'context');
  const type = readType(reader);
  const count = elementsOf(shape);
  if (count === undefined) throw reader.error('positive dimensions', `[${shape}]`);
  const data = reader.take(bytesOf(type, count), `data of array ${index}, [${shape}] ${type}`);
  return { ...lazyTensor(data, type, shape), version };
}

function versionOf(magic: number): ParamsVersion {
  if (magic === VERSION_MAGIC.V1) return 'V1';
  if (magic === VERSION_MAGIC.V2) return 'V2';
  return magic === VERSION_MAGIC.V3 ? 'V3' : 'legacy';
}

function refuseSparse(reader: ByteReader, index: number): void {
  const storage = reader.i32('storage type');
  if (storage === 0) return;
  const name = STORAGE_NAMES[storage];
  if (name === undefined) throw reader.error('a storage type of 0, 1 or 2', storage);
  throw unsupported(`array ${index}: expected dense storage, got ${name}`);
}

/** The legacy form has no magic: its first word is the number of dimensions. */
function readShape(reader: ByteReader, version: ParamsVersion, first: number): number[] {
  const legacy = version === 'legacy';
  const rank = legacy ? first : reader.i32('number of dimensions');
  const least = version === 'V3' ? 0 : 1;
  if (rank < least || rank > MAX_DIMENSIONS) {
    throw reader.error(`an array of ${least}..${MAX_DIMENSIONS} dimensions`, rank);
  }
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) shape.push(legacy ? reader.u32('shape') : reader.u64('shape'));
  return shape;
}

function readType(reader: ByteReader): ElementType {
  const flag = reader.i32('type flag');
  const type = TYPE_FLAGS[flag];
  if (type) return type;
  throw reader.error('a type flag of 0..12', flag);
}

function unsupported(message: string): ArcfaceError {
  return new ArcfaceError('unsupported_operator', `${WHERE}: ${message}`);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
