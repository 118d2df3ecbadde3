/**
 * Reads the protobuf wire format: tags, varints, fixed-width numbers, views of length-delimited
 * fields. Nothing is copied and nothing is read past the bounds of the message at hand. Refuses
 * truncated or over-long values, groups, field number 0 and text that is not UTF-8.
 *
 * Source: protobuf.dev, "Encoding".
 */

import { ArcfaceError } from '../errors.ts';
import { describe } from '../graph/limits.ts';
import { printable } from '../printable.ts';

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;

export type WireType = typeof VARINT | typeof FIXED64 | typeof LENGTH_DELIMITED | typeof FIXED32;

const MAX_TEXT_BYTES = 4096;
const MAX_VARINT_BYTES = 10;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Walks the fields of one message: `while (reader.next())` sets `field` and `wire`, then exactly
 * one of the value methods (or `skip`) must be called.
 */
export class WireReader {
  field = 0;
  wire: WireType = VARINT;
  private readonly data: Uint8Array;
  private readonly view: DataView;
  private position: number;
  private readonly end: number;

  constructor(data: Uint8Array, start = 0, end = data.length) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.position = start;
    this.end = end;
  }

  /** Whether bytes are left in this message. */
  get hasMore(): boolean {
    return this.position < this.end;
  }

  /** Reads the next tag; false at the end of the message. */
  next(): boolean {
    if (!this.hasMore) return false;
    const tag = this.varint();
    const wire = tag % 8;
    this.field = (tag - wire) / 8;
    if (!(this.field >= 1 && this.field < 2 ** 29)) this.fail('a field number', this.field);
    if (wire !== VARINT && wire !== FIXED64 && wire !== LENGTH_DELIMITED && wire !== FIXED32) {
      this.fail('a wire type of 0, 1, 2 or 5', wire);
    }
    this.wire = wire;
    return true;
  }

  /** A signed 64-bit integer as a number; beyond 2^53 it is rounded. */
  int(): number {
    this.expectWire(VARINT);
    return this.varint();
  }

  float(): number {
    this.expectWire(FIXED32);
    return this.view.getFloat32(this.advance(4), true);
  }

  double(): number {
    this.expectWire(FIXED64);
    return this.view.getFloat64(this.advance(8), true);
  }

  /** A view of a length-delimited field. */
  bytes(): Uint8Array {
    const start = this.delimited();
    return this.data.subarray(start, this.position);
  }

  /** Without control characters: names are printed. */
  text(): string {
    const bytes = this.bytes();
    if (bytes.length > MAX_TEXT_BYTES)
      this.fail(`text of at most ${MAX_TEXT_BYTES} bytes`, bytes.length);
    try {
      return printable(UTF8.decode(bytes));
    } catch {
      return this.fail('UTF-8 text', 'other bytes');
    }
  }

  /** A reader of the nested message in a length-delimited field. */
  message(): WireReader {
    const start = this.delimited();
    return new WireReader(this.data, start, this.position);
  }

  /** Appends the integers of a repeated field, packed or single. */
  ints(into: number[], limit: number): void {
    if (this.wire !== LENGTH_DELIMITED) into.push(this.int());
    else
      for (const packed = this.message(); packed.hasMore; ) {
        into.push(packed.varint());
        if (into.length > limit) break;
      }
    if (into.length > limit) this.fail(`at most ${limit} integers`, 'more');
  }

  /** Appends the f32 values of a repeated field, packed or single. */
  floats(into: number[], limit: number): void {
    if (this.wire !== LENGTH_DELIMITED) into.push(this.float());
    else {
      const start = this.delimited();
      const count = (this.position - start) / 4;
      if (!Number.isInteger(count))
        this.fail('whole 4-byte floats', `${this.position - start} bytes`);
      if (into.length + count > limit) this.fail(`at most ${limit} floats`, into.length + count);
      for (let i = 0; i < count; i++) into.push(this.view.getFloat32(start + 4 * i, true));
    }
    if (into.length > limit) this.fail(`at most ${limit} floats`, 'more');
  }

  skip(): void {
    if (this.wire === VARINT) this.varint();
    else if (this.wire === FIXED64) this.advance(8);
    else if (this.wire === FIXED32) this.advance(4);
    else this.delimited();
  }

  /** The varint at the current position, signed, whatever the wire type: for packed fields. */
  varint(): number {
    let low = 0;
    let high = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.data[this.advance(1)] as number;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * i - 32);
      if (byte < 0x80) return high * 2 ** 32 + (low >>> 0);
    }
    return this.fail('an integer of at most 10 bytes', 'a longer one');
  }

  fail(expected: string, got: unknown): never {
    const where = `protobuf at byte ${this.position}`;
    throw new ArcfaceError('bad_model', `${where}: expected ${expected}, got ${describe(got)}`);
  }

  /** Passes over a length and its bytes; returns where they start. */
  private delimited(): number {
    this.expectWire(LENGTH_DELIMITED);
    const length = this.varint();
    if (length < 0) this.fail('a length', length);
    return this.advance(length);
  }

  private advance(count: number): number {
    const start = this.position;
    if (count > this.end - start) {
      this.fail(`${count} more bytes; the file is cut off or damaged`, this.end - start);
    }
    this.position = start + count;
    return start;
  }

  private expectWire(wire: WireType): void {
    if (this.wire !== wire) this.fail(`wire type ${wire} for field ${this.field}`, this.wire);
  }
}

/** Number of varints in packed data, or undefined if the last one is cut off. */
export function countVarints(packed: Uint8Array): number | undefined {
  let count = 0;
  for (const byte of packed) if (byte < 0x80) count += 1;
  return packed.length > 0 && (packed[packed.length - 1] as number) >= 0x80 ? undefined : count;
}
