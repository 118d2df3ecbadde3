/**
 * A bounded cursor over little-endian bytes. Every read states what it is for and is checked against
 * the end first; counts of 64 bits that a number cannot hold are refused.
 */

import { ArcfaceError } from '../errors.ts';

export class ByteReader {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly where: string;
  private position = 0;

  /** `where` opens every message: 'MXNet .params'. */
  constructor(bytes: Uint8Array, where: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.where = where;
  }

  get offset(): number {
    return this.position;
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  u32(what: string): number {
    return this.view.getUint32(this.advance(4, what), true);
  }

  i32(what: string): number {
    return this.view.getInt32(this.advance(4, what), true);
  }

  u64(what: string): number {
    const at = this.advance(8, what);
    const value = this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 2 ** 32;
    if (!Number.isSafeInteger(value)) throw this.error(`a ${what} below 2^53`, value, at);
    return value;
  }

  /** The next `count` bytes, not copied. */
  take(count: number, what: string): Uint8Array {
    const at = this.advance(count, what);
    return this.bytes.subarray(at, at + count);
  }

  error(expected: string, got: unknown, offset = this.position): ArcfaceError {
    const message = `${this.where}, offset ${offset}: expected ${expected}, got ${String(got)}`;
    return new ArcfaceError('bad_model', message);
  }

  private advance(count: number, what: string): number {
    if (count > this.remaining) {
      throw this.error(
        `${count} bytes for the ${what}`,
        `${this.remaining}; is the file complete?`,
      );
    }
    const at = this.position;
    this.position += count;
    return at;
  }
}
