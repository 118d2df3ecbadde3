/**
 * Whatever the caller has (path, URL, Response, Blob, buffer, stream, iterable) as one `ByteSource`.
 * Refuses other kinds, HTTP errors, responses that were read before, and paths where there are no files.
 */

import { describe, isArrayBuffer, plainBytes, quoted, typedArrayName } from '../describe.ts';
import { ArcfaceError, isArcfaceError } from '../errors.ts';
import { guardedAsync } from '../guard.ts';
import { onAbort, untilAborted } from './abort.ts';
import { nextTask } from './next-task.ts';
import type { ByteSource, Platform } from './platform.ts';

export type ModelSource =
  | string
  | URL
  | Response
  | Blob
  | ArrayBuffer
  | Uint8Array
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

export function openSource(
  source: ModelSource,
  platform: Platform,
  signal?: AbortSignal,
): Promise<ByteSource> {
  return guardedAsync('bad_argument', 'loadModel: source', () => open(source, platform, signal));
}

function open(
  source: ModelSource,
  platform: Platform,
  signal?: AbortSignal,
): ByteSource | Promise<ByteSource> {
  if (typeof source === 'string' || source instanceof URL) {
    return openAddress(source, platform, signal);
  }
  if (isBytes(source)) return fromBytes(plainBytes(source));
  if (isArrayBuffer(source)) return fromBytes(new Uint8Array(source));
  if (typeof Response !== 'undefined' && source instanceof Response) return fromResponse(source);
  if (typeof Blob !== 'undefined' && source instanceof Blob) {
    const { size } = source;
    return fromChunks(streamChunks(source.stream()), { kind: 'memory', size, total: size });
  }
  if (isStream(source)) return fromChunks(streamChunks(source), { kind: 'stream', ...UNKNOWN });
  if (isAsyncIterable(source)) {
    return fromChunks(iterableChunks(source), { kind: 'stream', ...UNKNOWN });
  }
  throw new ArcfaceError(
    'bad_argument',
    `loadModel: source: expected a path, URL, Response, Blob, ArrayBuffer, Uint8Array, ReadableStream or AsyncIterable, got ${describe(source)}`,
  );
}

function isBytes(value: unknown): value is Uint8Array {
  return typedArrayName(value) === 'Uint8Array';
}

function isStream(value: unknown): value is ReadableStream<Uint8Array> {
  return typeof value === 'object' && value !== null && 'getReader' in value;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<Uint8Array> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

async function openAddress(
  address: string | URL,
  platform: Platform,
  signal?: AbortSignal,
): Promise<ByteSource> {
  const text = String(address);
  const isFile =
    address instanceof URL ? address.protocol === 'file:' : !/^[a-z]+:\/\//i.test(text);
  if (text.startsWith('file:')) return openFile(new URL(text), platform);
  if (isFile && platform.openFile) return openFile(address, platform);
  return fromResponse(await fetchAddress(address, text, signal));
}

/** `fetch` takes no signal but a real one; the caller's may be anything. */
async function fetchAddress(
  address: string | URL,
  text: string,
  signal?: AbortSignal,
): Promise<Response> {
  const controller = new AbortController();
  const release = onAbort(signal, 'loadModel', () => controller.abort());
  try {
    const started = (): Promise<Response> => fetch(address, { signal: controller.signal });
    return await untilAborted(signal, 'loadModel', started);
  } catch (cause) {
    if (isArcfaceError(cause)) throw cause;
    throw new ArcfaceError('io', `loadModel: ${quoted(text)} cannot be fetched`, { cause });
  } finally {
    release();
  }
}

function openFile(path: string | URL, platform: Platform): Promise<ByteSource> {
  if (platform.openFile) return platform.openFile(path);
  throw new ArcfaceError(
    'io',
    `loadModel: ${quoted(String(path))}: this runtime has no files; pass an http(s) URL, a Response or bytes`,
  );
}

function fromResponse(response: Response): ByteSource {
  if (!response.ok) {
    throw new ArcfaceError(
      'io',
      `loadModel: ${quoted(response.url)}: HTTP status ${response.status}`,
    );
  }
  if (response.bodyUsed) {
    throw new ArcfaceError(
      'bad_argument',
      'loadModel: source: this Response was read before; fetch it again, or give response.clone()',
    );
  }
  if (!response.body) throw new ArcfaceError('io', `loadModel: ${quoted(response.url)}: no body`);
  // Of encoded bytes, where the transfer is encoded, which a server of another origin need not show.
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const isPlain = !response.headers.get('content-encoding');
  const total = isPlain && Number.isSafeInteger(length) ? length : undefined;
  return fromChunks(streamChunks(response.body), { kind: 'network', size: undefined, total });
}

function fromBytes(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    total: bytes.length,
    kind: 'memory',
    lanes: 1,
    read: async (into, position) => {
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    },
    close: async () => {},
  };
}

/** Bytes that arrive in pieces of somebody else's choice. */
interface Chunks {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>;
  /** Ends the transfer, also while `next` waits. */
  close(): Promise<unknown>;
}

/** The reader is held here: a generator would not let go of it while it waits for a piece. */
function streamChunks(stream: ReadableStream<Uint8Array>): Chunks {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return {
    next: async () => {
      reader ??= stream.getReader();
      return reader.read();
    },
    close: () => (reader ?? stream).cancel(),
  };
}

function iterableChunks(iterable: AsyncIterable<Uint8Array>): Chunks {
  const iterator = iterable[Symbol.asyncIterator]();
  return {
    next: () => iterator.next(),
    close: async () => iterator.return?.(),
  };
}

const UNKNOWN = { size: undefined, total: undefined } as const;

/** So many pieces from memory may follow each other before the event loop goes on: a signal must be heard. */
const PIECES_PER_TASK = 256;

function fromChunks(
  chunks: Chunks,
  about: Pick<ByteSource, 'kind' | 'size' | 'total'>,
): ByteSource {
  let rest: Uint8Array = new Uint8Array(0);
  let pieces = 0;
  const refill = async (): Promise<boolean> => {
    if (++pieces % PIECES_PER_TASK === 0) await nextTask();
    const { done, value } = await chunks.next();
    if (done) return false;
    if (!isBytes(value)) {
      throw new ArcfaceError(
        'bad_argument',
        `loadModel: source: expected chunks of Uint8Array, got ${describe(value)}`,
      );
    }
    rest = plainBytes(value);
    return true;
  };
  return {
    ...about,
    lanes: 1,
    read: async (into) => {
      while (rest.length === 0) if (!(await refill())) return 0;
      const part = rest.subarray(0, into.length);
      into.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
    close: async () => {
      await chunks.close();
    },
  };
}
