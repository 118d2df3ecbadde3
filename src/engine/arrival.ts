/**
 * Weights on their way into memory. They come in order, so how many bytes are read says which layers can
 * run: the first face of a large file starts while the rest of it is still being read. Whoever waits for
 * bytes that do not come, or that are bad, gets the error that says so.
 */

import type { WeightsHeader } from '../formats/safetensors.ts';

export class Arrival {
  /** Settles when all is read, or with what went wrong. Never an unhandled rejection. */
  readonly read: Promise<void>;
  /** Lets what was read meanwhile be delivered, and the next reads start. */
  readonly turn: () => Promise<void>;
  readonly #check: Promise<(bytes: number) => void>;
  readonly #ended: Promise<never>;
  #end: (error: Error) => void = () => undefined;
  #here = 0;
  #stopped: Error | undefined;
  #waiting: { readonly bytes: number; resolve(): void }[] = [];

  /**
   * `read` tells how many bytes of the tensors are read, and resolves after the last. `check` throws
   * where so many, from the first, are bad; without it nothing is worth reading.
   */
  constructor(
    turn: () => Promise<void>,
    check: Promise<(bytes: number) => void>,
    read: (onRead: (bytes: number) => void) => Promise<void>,
  ) {
    this.turn = turn;
    this.#ended = new Promise((_, reject) => {
      this.#end = reject;
    });
    this.#ended.catch(() => undefined);
    this.#check = check;
    this.#check.catch((error) => this.stop(error));
    this.read = read((bytes) => this.#advance(bytes));
    this.read.catch(() => undefined);
  }

  /**
   * Resolves when the first `bytes` of the tensors are read and checked. Checking a layer's weights right
   * before it runs brings them into the cache for it.
   */
  async upTo(bytes: number): Promise<void> {
    if (this.#stopped) throw this.#stopped;
    if (bytes > this.#here) {
      const here = new Promise<void>((resolve) => this.#waiting.push({ bytes, resolve }));
      await Promise.race([here, this.read, this.#ended]);
    }
    const check = await this.#check;
    try {
      check(bytes);
    } catch (error) {
      // Whoever reads to the end may know why they are bad: that the file changed meanwhile.
      await Promise.race([this.read, this.#ended]);
      throw error;
    }
  }

  /** The same for all of them. */
  async all(): Promise<void> {
    await this.read;
    await this.upTo(this.#here);
  }

  /** Ends reading; who waits, also for bytes that never come, and who comes later, gets `error`. */
  stop(error: Error): void {
    this.#stopped = error;
    this.#end(error);
  }

  #advance(bytes: number): void {
    if (this.#stopped) throw this.#stopped;
    this.#here = bytes;
    const served = this.#waiting.filter((one) => one.bytes <= bytes);
    this.#waiting = this.#waiting.filter((one) => one.bytes > bytes);
    for (const { resolve } of served) resolve();
  }
}

/** For each operator of a network, how many bytes of the tensors must be there before it can run. */
export function bytesNeeded({ tensors }: WeightsHeader): ReadonlyMap<string, number> {
  const needed = new Map<string, number>();
  for (const { name, offset, bytes } of tensors) {
    const op = name.slice(0, name.lastIndexOf('.'));
    needed.set(op, Math.max(needed.get(op) ?? 0, offset + bytes));
  }
  return needed;
}
