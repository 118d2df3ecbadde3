/**
 * Reads a weights file into linear memory: header first, then every tensor with one copy, chunk by
 * chunk, straight into its place. Refuses files that end early or late, that change while they are read,
 * and a wrong SHA-256; values that no weight or scale has are refused by `createFiniteCheck`, which needs
 * the kernels.
 */

import { reasonOf } from '../describe.ts';
import { ArcfaceError, type ErrorCode, isArcfaceError } from '../errors.ts';
import {
  headerBytesNeeded,
  parseWeightsHeader,
  type WeightsHeader,
} from '../formats/safetensors.ts';
import type { TensorSpec } from '../graph/layout.ts';
import { guardedAsync } from '../guard.ts';
import { untilAborted } from '../runtime/abort.ts';
import type { ByteSource, Hasher } from '../runtime/platform.ts';
import type { CheckedOptions } from './options.ts';
import { Progress } from './progress.ts';
import type { KernelExports } from './run.ts';

/**
 * Chunks double from the first, so that the first layers have their weights soon, to the last size: large
 * enough that a read is cheap, small enough that checking overlaps with reading.
 */
const FIRST_CHUNK_BYTES = 1024 * 1024;
const LAST_CHUNK_BYTES = 16 * 1024 * 1024;

/** Hears how many bytes of the tensors are there. */
type OnRead = (bytes: number) => void | Promise<void>;

const FAULTS_OF_BYTES: ReadonlySet<ErrorCode> = new Set(['bad_weights', 'integrity']);

/** A source being read, with all that has to happen to each byte on the way. */
export class WeightsReader {
  readonly #source: ByteSource;
  readonly #options: CheckedOptions;
  readonly #progress: Progress;
  readonly #hasher: Hasher | undefined;
  /** Bytes asked for, and of these the ones that are here. */
  #position = 0;
  #loaded = 0;

  constructor(source: ByteSource, options: CheckedOptions, hasher: Hasher | undefined) {
    this.#source = source;
    this.#options = options;
    this.#progress = new Progress(options.onProgress);
    this.#hasher = hasher;
  }

  readHeader(): Promise<WeightsHeader> {
    return this.#unlessChanged(() => this.#readHeader());
  }

  async #readHeader(): Promise<WeightsHeader> {
    const prefix = new Uint8Array(8);
    await this.#fill(prefix);
    this.#hasher?.update(prefix);
    const bytes = new Uint8Array(headerBytesNeeded(prefix, this.#source.size));
    bytes.set(prefix);
    const rest = bytes.subarray(prefix.length);
    await this.#fill(rest);
    this.#hasher?.update(rest);
    return parseWeightsHeader(bytes, this.#source.size);
  }

  /**
   * Fills `memory` from `address` with all tensors; returns when the last byte is there. `onRead` hears
   * how many are, from the first: the next ones are being read while it runs, and it ends the reading by
   * throwing. `lanes`: reads in flight at once, at most those of the source.
   */
  async readTensors(
    header: WeightsHeader,
    memory: WebAssembly.Memory,
    address: number,
    onRead: OnRead = () => undefined,
    lanes = this.#source.lanes,
  ): Promise<void> {
    await this.#unlessChanged(() => this.#readAll(header, memory, address, onRead, lanes));
    if (await this.#hasChanged()) throw changedError();
  }

  async #readAll(
    header: WeightsHeader,
    memory: WebAssembly.Memory,
    address: number,
    onRead: OnRead,
    lanes: number,
  ): Promise<void> {
    const chunks = chunksOf(memory, address, header.dataBytes);
    const reading: Promise<void>[] = [];
    const startNext = (): void => {
      const chunk = chunks[reading.length];
      if (!chunk) return;
      const filled = this.#fill(chunk);
      filled.catch(() => undefined);
      reading.push(filled);
    };
    for (let lane = 0; lane < lanes; lane++) startNext();
    for (const [i, chunk] of chunks.entries()) {
      await reading[i];
      startNext();
      this.#hasher?.update(chunk);
      await onRead(chunk.byteOffset - address + chunk.length);
    }
    await this.#expectEnd();
    await this.#checkDigest();
    await untilAborted(this.#options.signal, 'loadModel', () => this.#progress.end());
  }

  /** Bytes that are wrong because the file changed are not blamed on the file. */
  async #unlessChanged<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      const isOfBytes = isArcfaceError(error) && FAULTS_OF_BYTES.has(error.code);
      throw isOfBytes && (await this.#hasChanged()) ? changedError(error) : error;
    }
  }

  async #hasChanged(): Promise<boolean> {
    const source = this.#source;
    const asked = guardedAsync('io', 'weights file', async () => source.hasChanged?.());
    return (await asked) ?? false;
  }

  async #fill(into: Uint8Array): Promise<void> {
    const start = this.#position;
    this.#position += into.length;
    for (let done = 0; done < into.length; ) {
      const count = await this.#read(into.subarray(done), start + done);
      if (count === 0) {
        throw new ArcfaceError(
          'bad_weights',
          `weights file: expected ${into.length - done} more bytes after ${start + done}, got the end; the file is truncated`,
        );
      }
      done += count;
      this.#loaded += count;
      this.#report();
    }
  }

  /** After every read, in whichever lane: a slow source shows progress before a chunk is full. */
  #report(): void {
    const loaded = this.#loaded;
    const { total: expected, kind: source } = this.#source;
    // More than was announced: the announcement was of something else.
    const total = expected !== undefined && loaded <= expected ? expected : undefined;
    this.#progress.tell({ loaded, total, source });
  }

  /** As the source's `read`; an abort ends it at once, even where nothing arrives any more. */
  async #read(into: Uint8Array, position: number): Promise<number> {
    try {
      return await untilAborted(this.#options.signal, 'loadModel', () =>
        this.#source.read(into, position),
      );
    } catch (cause) {
      if (isArcfaceError(cause)) throw cause;
      throw new ArcfaceError(
        'io',
        `weights file: reading failed after ${position} bytes (${reasonOf(cause)}); load it again`,
        { cause },
      );
    }
  }

  async #expectEnd(): Promise<void> {
    if ((await this.#read(new Uint8Array(1), this.#position)) === 0) return;
    throw new ArcfaceError(
      'bad_weights',
      `weights file: expected ${this.#loaded} bytes, got more; it was not written by convert`,
    );
  }

  async #checkDigest(): Promise<void> {
    if (!this.#hasher) return;
    const digest = `sha256-${await this.#hasher.digest()}`;
    if (digest === this.#options.integrity) return;
    throw new ArcfaceError(
      'integrity',
      `weights file: expected ${this.#options.integrity}, got ${digest}; fetch it again`,
    );
  }
}

function changedError(cause?: unknown): ArcfaceError {
  const found = cause === undefined ? '' : ` (${reasonOf(cause)})`;
  return new ArcfaceError(
    'bad_weights',
    `weights file: it changed while it was read${found}; load it again once it is written`,
    { cause },
  );
}

function chunksOf(memory: WebAssembly.Memory, address: number, bytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, size = FIRST_CHUNK_BYTES; at < bytes; ) {
    const chunk = new Uint8Array(memory.buffer, address + at, Math.min(size, bytes - at));
    chunks.push(chunk);
    at += chunk.length;
    size = Math.min(2 * size, LAST_CHUNK_BYTES);
  }
  return chunks;
}

/** What is wrong with a tensor, and the kernel that counts it. */
const CHECKS = {
  f32: {
    kernel: 'f32_count_nonfinite',
    bytes: 4,
    expected: 'finite numbers',
    got: 'NaN or infinity',
  },
  f16: {
    kernel: 'f16_count_nonfinite',
    bytes: 2,
    expected: 'finite numbers',
    got: 'NaN or infinity',
  },
  scale: {
    kernel: 'f32_count_unscalable',
    bytes: 4,
    expected: 'scales from 2^-126 to 2^15',
    got: 'zero, a negative or subnormal number, NaN or one above',
  },
} as const;

export const CHECK_KERNELS = Object.values(CHECKS).map(({ kernel }) => kernel);

/** Neighbouring tensors that are checked alike; any 8-bit number is one. */
interface Stretch {
  readonly check: (typeof CHECKS)[keyof typeof CHECKS] | undefined;
  end: number;
}

/**
 * Refuses bad values among the first `bytes` of the tensors at `address`, up to the end of a tensor or
 * of a chunk. Each byte is looked at once, unless it is bad.
 */
export function createFiniteCheck(
  header: WeightsHeader,
  kernels: KernelExports,
  address: number,
): (bytes: number) => void {
  const stretches = stretchesOf(header);
  let checked = 0;
  let at = 0;
  return (bytes) => {
    while (checked < bytes) {
      const { check, end } = stretches[at] as Stretch;
      const to = Math.min(bytes, end);
      if (check && kernels[check.kernel](address + checked, (to - checked) / check.bytes) > 0) {
        const tensor = header.tensors.find((t) => t.offset + t.bytes > checked);
        throw new ArcfaceError(
          'bad_weights',
          `weights file: expected ${check.expected}, got ${check.got} in or after tensor "${tensor?.name}"`,
        );
      }
      checked = to;
      if (to === end) at++;
    }
  };
}

function stretchesOf({ tensors }: WeightsHeader): Stretch[] {
  const stretches: Stretch[] = [];
  for (const { spec, offset, bytes } of tensors) {
    const check = checkOf(spec);
    const last = stretches.at(-1);
    if (last && last.check === check) last.end = offset + bytes;
    else stretches.push({ check, end: offset + bytes });
  }
  return stretches;
}

function checkOf({ role, dtype }: TensorSpec): Stretch['check'] {
  if (role === 'weight_scale') return CHECKS.scale;
  return dtype === 'q8' ? undefined : CHECKS[dtype];
}
