/**
 * Writes pickles of protocols 2 to 5 by hand, opcode by opcode, as CPython's picklers lay them out:
 * what the reader's tests read. It is independent of the reader.
 */

export type Protocol = 2 | 3 | 4 | 5;
export type Chunk = Uint8Array;

export const concat = (...chunks: readonly Chunk[]): Uint8Array => {
  const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
};

export const raw = (...bytes: readonly number[]): Chunk => Uint8Array.from(bytes);
export const ascii = (text: string): Chunk => Uint8Array.from(text, (c) => c.charCodeAt(0));

export function uint(value: number | bigint, size: number): Chunk {
  let rest = BigInt(value);
  return Uint8Array.from({ length: size }, () => {
    const byte = Number(rest & 255n);
    rest >>= 8n;
    return byte;
  });
}

/** A whole pickle: PROTO, the body (in one FRAME from protocol 4), STOP. */
export function pickle(protocol: Protocol, ...body: readonly Chunk[]): Uint8Array {
  const content = concat(...body, raw(0x2e));
  const frame = protocol >= 4 ? concat(raw(0x95), uint(content.length, 8)) : raw();
  return concat(raw(0x80, protocol), frame, content);
}

export const list = (...items: readonly Chunk[]): Chunk =>
  concat(raw(0x5d, 0x28), ...items, raw(0x65));
export const tuple = (...items: readonly Chunk[]): Chunk =>
  items.length === 0
    ? raw(0x29)
    : items.length <= 3
      ? concat(...items, raw(0x84 + items.length))
      : concat(raw(0x28), ...items, raw(0x74));
export const bool = (value: boolean): Chunk => raw(value ? 0x88 : 0x89);
export const none: Chunk = raw(0x4e);
export const int = (value: number): Chunk =>
  value >= 0 && value < 256
    ? raw(0x4b, value)
    : value >= 0 && value < 65536
      ? concat(raw(0x4d), uint(value, 2))
      : concat(raw(0x4a), uint(value >>> 0, 4));
export const text = (value: string): Chunk => {
  const utf8 = new TextEncoder().encode(value);
  return concat(raw(0x58), uint(utf8.length, 4), utf8);
};
/** A Python 2 `str`. */
export const py2String = (bytes: Uint8Array): Chunk =>
  bytes.length < 256
    ? concat(raw(0x55, bytes.length), bytes)
    : concat(raw(0x54), uint(bytes.length, 4), bytes);
export const bytes3 = (bytes: Uint8Array): Chunk =>
  bytes.length < 256
    ? concat(raw(0x43, bytes.length), bytes)
    : concat(raw(0x42), uint(bytes.length, 4), bytes);
export const bytes8 = (bytes: Uint8Array): Chunk => concat(raw(0x8e), uint(bytes.length, 8), bytes);
export const bytearray8 = (bytes: Uint8Array): Chunk =>
  concat(raw(0x96), uint(bytes.length, 8), bytes);
export const global = (module: string, name: string): Chunk =>
  concat(raw(0x63), ascii(`${module}\n${name}\n`));
export const stackGlobal = (module: string, name: string): Chunk =>
  concat(text(module), text(name), raw(0x93));
export const reduce = (callable: Chunk, args: Chunk): Chunk => concat(callable, args, raw(0x52));
export const build = (object: Chunk, state: Chunk): Chunk => concat(object, state, raw(0x62));

/** How Python 3 writes `bytes` into a protocol 2 pickle. */
export const latin1Encoded = (bytes: Uint8Array): Chunk =>
  reduce(global('_codecs', 'encode'), tuple(text(String.fromCharCode(...bytes)), text('latin1')));

export const dtype = (name: string): Chunk =>
  build(
    reduce(global('numpy', 'dtype'), tuple(text(name), bool(false), bool(true))),
    tuple(int(3), text('|'), none, none, none, int(-1), int(-1), int(0)),
  );

/** numpy's `ndarray.__reduce__`: _reconstruct, then the state with shape, dtype and data. */
export const ndarray = (
  data: Uint8Array,
  {
    module = 'numpy.core.multiarray',
    shape = [data.length],
    type = 'u1',
    writeBytes = bytes3,
    named = global,
  }: {
    module?: string;
    shape?: readonly number[];
    type?: string;
    writeBytes?: (bytes: Uint8Array) => Chunk;
    named?: (module: string, name: string) => Chunk;
  } = {},
): Chunk =>
  build(
    reduce(
      named(module, '_reconstruct'),
      tuple(named('numpy', 'ndarray'), tuple(int(0)), writeBytes(ascii('b'))),
    ),
    tuple(int(1), tuple(...shape.map(int)), dtype(type), bool(false), writeBytes(data)),
  );
