/**
 * Writes the protobuf wire format. Large fields are stated by length and produced only when the
 * message is streamed, so that a file of hundreds of megabytes is never held.
 */

/** Bytes that are made when they are written. */
export interface LazyBytes {
  readonly length: number;
  /** Returns exactly `length` bytes. */
  read(): Uint8Array;
}

type Chunk = Uint8Array | LazyBytes;

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
/** Small fields are gathered up to this many bytes before they are handed out. */
const GATHERED_BYTES = 65_536;

export class MessageWriter {
  private readonly chunks: Chunk[] = [];
  private bytesTotal = 0;

  get length(): number {
    return this.bytesTotal;
  }

  int(field: number, value: number): this {
    return this.push(Uint8Array.of(...varintOf(field * 8 + VARINT), ...varintOf(value)));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.push(Uint8Array.of(...varintOf(field * 8 + FIXED32), ...bytes));
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Chunk): this {
    return this.head(field, value.length).push(value);
  }

  /** Integers, packed. */
  ints(field: number, values: readonly number[]): this {
    return this.bytes(field, Uint8Array.from(values.flatMap(varintOf)));
  }

  /** A nested message, which must be complete. */
  message(field: number, value: MessageWriter): this {
    this.head(field, value.length);
    for (const chunk of value.chunks) this.push(chunk);
    return this;
  }

  /** The message in order, in pieces that callers may keep. */
  *stream(): Generator<Uint8Array> {
    let gathered: Uint8Array[] = [];
    let length = 0;
    for (const chunk of this.chunks) {
      const isLazy = 'read' in chunk;
      if (length > 0 && (isLazy || length + chunk.length > GATHERED_BYTES)) {
        yield joined(gathered, length);
        gathered = [];
        length = 0;
      }
      if (isLazy) yield chunk.read();
      else {
        gathered.push(chunk);
        length += chunk.length;
      }
    }
    if (length > 0) yield joined(gathered, length);
  }

  private head(field: number, length: number): this {
    const tag = varintOf(field * 8 + LENGTH_DELIMITED);
    return this.push(Uint8Array.of(...tag, ...varintOf(length)));
  }

  private push(chunk: Chunk): this {
    this.chunks.push(chunk);
    this.bytesTotal += chunk.length;
    return this;
  }
}

/** Negative integers take ten bytes, as two's complement of 64 bits. */
function varintOf(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const more = rest > 0x7fn;
    bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return bytes;
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
