/**
 * The platform seam: all that differs between Node, Deno, Bun, browsers and edge isolates. Each runtime is one
 * thin adapter, which its entry (src/entries/) names; the engine sees only this interface.
 */

/** The bytes of a model. `read` fills a view of WebAssembly memory: no copy in between. */
export interface ByteSource {
  /** Exact bytes, if known: a file of another length is refused. */
  readonly size: number | undefined;
  /** Bytes to expect, for progress only: a server may state those of an encoded transfer. */
  readonly total: number | undefined;
  readonly kind: 'file' | 'network' | 'memory' | 'stream';
  /** Reads that may be in flight at once: 1 where bytes arrive in order and `position` follows. */
  readonly lanes: number;
  /**
   * Present where reads go on by themselves while this thread computes: resolves when the event loop has
   * delivered those that ended.
   */
  turn?(): Promise<void>;
  /** Reads up to `into.length` bytes from `position` into its beginning; 0 means the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
  /** Present where bytes can change while they are read: whether they did since they were opened. */
  hasChanged?(): Promise<boolean>;
}

/** Incremental SHA-256. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** The digest in base64. */
  digest(): string | Promise<string>;
}

/** One worker thread that has the engine's worker program loaded. */
export interface WorkerHandle {
  post(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Calls each listener once, when the worker is gone for whatever reason, with its error if any. */
  onEnd(listener: (error: Error | undefined) => void): void;
  /** Whether the worker keeps the process alive; one that was told to end does until it is gone. */
  ref(alive: boolean): void;
  /** Resolves when the worker is gone. */
  terminate(): Promise<void>;
}

export type KernelBinary = 'simd' | 'relaxed' | 'simd-threads' | 'relaxed-threads';

/** Each binary in base64, of those that an entry holds. */
export type EmbeddedKernels = { readonly [K in KernelBinary]?: () => Promise<string> };

export interface Platform {
  /** Absent where `options.wasm` has to bring them. */
  readonly kernels?: EmbeddedKernels;
  /** Logical processors this process may use: whole ones, at least 1. */
  cores(): number;
  /** Why no threads can be used here, or undefined. */
  threadsRefused(): string | undefined;
  openFile?(path: string | URL): Promise<ByteSource>;
  createHasher?(): Promise<Hasher>;
  spawnWorker?(): Promise<WorkerHandle>;
  /**
   * Asks the engine to pair 128-bit instructions in what is compiled from now on, in the whole process. Returns
   * why it cannot be asked, or undefined. Absent where a running engine cannot be asked.
   */
  pairVectors?(): string | undefined;
}
