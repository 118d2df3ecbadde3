/**
 * Damage to protobuf messages, field by field: a field is read as a message where it can be one, changed
 * somewhere in the tree, and written again with every length right (or wrong in one place).
 */

import type { Random } from '../../support/graphs.ts';
import { mutateBytes } from './bytes.ts';
import { below, chance, EDGES, joinBytes, littleEndian, type Mutator, pick } from './choose.ts';

interface Field {
  number: number;
  wire: number;
  /** Of a varint, a fixed number or a length-delimited field without inner ones. */
  payload: Uint8Array;
  inner?: Field[] | undefined;
  /** Added to the length that is written. */
  lie?: bigint;
}

interface Place {
  readonly list: Field[];
  readonly at: number;
}

const MAX_DEPTH = 8;
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
const WIRES = [0, 1, 2, 3, 4, 5, 6, 7];

export const mutateProtobuf: Mutator = (bytes, random) => {
  const fields = parse(bytes, 0);
  if (fields === undefined) return mutateBytes(bytes, random);
  const places = placesIn(fields);
  if (places.length === 0) return mutateBytes(bytes, random);
  const place = pick(random, places);
  pick(random, FIELD_CHANGES)(place, random, places);
  return encode(fields);
};

type FieldChange = (place: Place, random: Random, places: readonly Place[]) => void;

const change: FieldChange = ({ list, at }, random) => {
  const field = list[at] as Field;
  if (field.wire === 0) field.payload = varint(pick(random, EDGES));
  else field.payload = mutateBytes(field.inner ? encode(field.inner) : field.payload, random);
  field.inner = undefined;
};

const FIELD_CHANGES: readonly FieldChange[] = [
  change,
  change,
  ({ list, at }) => void list.splice(at, 1),
  ({ list, at }, random) => {
    const copies = chance(random, 0.1) ? 200 : 1;
    list.splice(at, 0, ...Array<Field>(copies).fill(list[at] as Field));
  },
  ({ list, at }, random, places) => {
    const other = pick(random, places);
    list.splice(at, 0, copyOf(other));
  },
  ({ list, at }, random, places) => {
    const other = pick(random, places);
    list[at] = { ...copyOf(other), number: (list[at] as Field).number };
  },
  ({ list, at }, random) => {
    (list[at] as Field).number = pick(random, [0, 1, 2, 3, 5, 7, 8, 9, 11, 14, 20, 2 ** 28]);
  },
  ({ list, at }, random) => {
    (list[at] as Field).wire = pick(random, WIRES);
  },
  ({ list, at }, random) => {
    (list[at] as Field).lie = pick(random, [-1n, 1n, 127n, 2n ** 31n, 2n ** 32n, 2n ** 63n]);
  },
  ({ list, at }) => {
    Object.assign(list[at] as Field, { inner: undefined, payload: new Uint8Array() });
  },
  ({ list, at }, random) => nest(list[at] as Field, 1 + below(random, 40)),
];

/** A copy of all: a field may go into one that it holds. */
function copyOf({ list, at }: Place): Field {
  return structuredClone(list[at] as Field);
}

/** The field inside itself, so many times. */
function nest(field: Field, times: number): void {
  let inner: Field = { ...field };
  for (let i = 0; i < times; i++) {
    inner = { number: field.number, wire: 2, payload: new Uint8Array(), inner: [inner] };
  }
  Object.assign(field, inner);
}

function placesIn(list: Field[]): Place[] {
  return list.flatMap((field, at) => [{ list, at }, ...(field.inner ? placesIn(field.inner) : [])]);
}

/** Undefined unless the bytes are fields from end to end. */
function parse(bytes: Uint8Array, depth: number): Field[] | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = readVarint(bytes, at);
    if (tag === undefined) return undefined;
    const [wire, number] = [Number(tag.value & 7n), Number(tag.value >> 3n)];
    if (number < 1 || number > 4096) return undefined;
    const found = payloadAt(bytes, tag.end, wire);
    if (found === undefined) return undefined;
    const payload = bytes.slice(found.from, found.to);
    const inner = wire === 2 && payload.length > 1 ? parse(payload, depth + 1) : undefined;
    fields.push({ number, wire, payload, inner });
    at = found.to;
  }
  return fields;
}

function payloadAt(bytes: Uint8Array, at: number, wire: number) {
  const value = wire === 0 || wire === 2 ? readVarint(bytes, at) : undefined;
  if (wire === 0) return value && { from: at, to: value.end };
  const from = value?.end ?? at;
  const length = wire === 2 ? Number(value?.value ?? -1n) : (FIXED_BYTES[wire] ?? -1);
  return length >= 0 && from + length <= bytes.length ? { from, to: from + length } : undefined;
}

function readVarint(bytes: Uint8Array, at: number) {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value, end: at + i + 1 };
  }
  return undefined;
}

function encode(fields: readonly Field[]): Uint8Array {
  return joinBytes(...fields.flatMap(encodeField));
}

function encodeField({ number, wire, payload, inner, lie = 0n }: Field): Uint8Array[] {
  const tag = varint((BigInt(number) << 3n) | BigInt(wire));
  const content = inner ? encode(inner) : payload;
  if (wire === 2) return [tag, varint(BigInt.asUintN(64, BigInt(content.length) + lie)), content];
  const size = FIXED_BYTES[wire];
  if (size === undefined || content.length === size) return [tag, content];
  return [tag, joinBytes(content, littleEndian(0n, size)).slice(0, size)];
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if (rest === 0n) return Uint8Array.from([...bytes, low]);
    bytes.push(low | 0x80);
  }
}
