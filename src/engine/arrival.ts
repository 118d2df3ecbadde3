/**
 * Weights on their way into memory. They come in order, so how far they are checked says which layers can
 * run: the first face of a large file starts while the rest of it is still being read. Whoever waits for
 * bytes that do not come gets the error that stopped them.
 */

import type { WeightsHeader } from '../formats/safetensors.ts';

export class Arrival {
  /** Settles when all is there, or with what went wrong. Never an unhandled rejection. */
  readonly done: Promise<void>;
  /** Lets what was read meanwhile be delivered, and the next reads start. */
  readonly turn: () => Promise<void>;
  #checked = 0;
  #stopped: Error | undefined;
  #waiting: { readonly bytes: number; resolve(): void }[] = [];

  /** `read` tells how many bytes of the tensors are checked, and resolves after the last. */
  constructor(
    turn: () => Promise<void>,
    read: (onChecked: (bytes: number) => void) => Promise<void>,
  ) {
    this.turn = turn;
    this.done = read((bytes) => this.#advance(bytes));
    this.done.catch(() => undefined);
  }

  /** Resolves when the first `bytes` of the tensors are there; undefined where they are already. */
  upTo(bytes: number): Promise<void> | undefined {
    if (bytes <= this.#checked) return undefined;
    const here = new Promise<void>((resolve) => this.#waiting.push({ bytes, resolve }));
    return Promise.race([here, this.done]);
  }

  /** Ends reading; `done` rejects with `error`. */
  stop(error: Error): void {
    this.#stopped = error;
  }

  #advance(bytes: number): void {
    if (this.#stopped) throw this.#stopped;
    this.#checked = bytes;
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
