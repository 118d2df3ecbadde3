/**
 * Tells the caller how far loading is. Nothing that `onProgress` does wrong is lost or ends the process:
 * what it throws, or a promise of it rejects with, ends the loading as an ArcfaceError.
 */

import { reasonOf } from '../describe.ts';
import { ArcfaceError, isArcfaceError } from '../errors.ts';
import type { LoadOptions, LoadProgress } from './options.ts';

export class Progress {
  readonly #listener: LoadOptions['onProgress'];
  readonly #answers = new Set<Promise<void>>();
  #fault: ArcfaceError | undefined;

  constructor(listener: LoadOptions['onProgress']) {
    this.#listener = listener;
  }

  /** Throws what is known to be wrong. */
  tell(progress: LoadProgress): void {
    if (this.#fault) throw this.#fault;
    if (this.#listener) this.#follow(this.#call(this.#listener, progress));
  }

  /** Resolves when every promise that was returned has settled; rejects where one did with an error. */
  async end(): Promise<void> {
    await Promise.all(this.#answers);
    if (this.#fault) throw this.#fault;
  }

  #call(listener: NonNullable<LoadOptions['onProgress']>, progress: LoadProgress): unknown {
    try {
      return listener(progress);
    } catch (cause) {
      throw this.#blame(cause);
    }
  }

  #follow(returned: unknown): void {
    if (Object(returned) !== returned) return;
    // Also for what only looks like a promise: its `then` may throw.
    const answer: Promise<void> = new Promise((resolve) => resolve(returned)).then(
      () => void this.#answers.delete(answer),
      (cause) => {
        this.#answers.delete(answer);
        this.#blame(cause);
      },
    );
    this.#answers.add(answer);
  }

  #blame(cause: unknown): ArcfaceError {
    this.#fault ??= isArcfaceError(cause)
      ? cause
      : new ArcfaceError(
          'bad_argument',
          `loadModel: options.onProgress: it failed (${reasonOf(cause)})`,
          { cause },
        );
    return this.#fault;
  }
}
