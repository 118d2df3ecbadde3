/**
 * The calls of one model. They run one after the other, in the order in which they are made. Each settles
 * once: with its result, at once when its signal fires, or when all are closed; one that is settled
 * before its turn never starts.
 */

import { abortedError, hasFired, onAbort } from '../runtime/abort.ts';

interface Call {
  isOver: boolean;
  /** Resolves when the work is done, whatever came of it. */
  run(): Promise<void>;
  fail(error: unknown): void;
}

/** For work of several parts: throws where nobody waits for the rest any more. */
export type GoOn = () => void;

export class Calls {
  readonly #open = new Set<Call>();
  #isRunning = false;

  /** `what` is the name of the call, for messages. */
  add<T>(
    what: string,
    signal: AbortSignal | undefined,
    work: (goOn: GoOn) => Promise<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      let release = (): void => undefined;
      const end = (): void => {
        call.isOver = true;
        this.#open.delete(call);
        release();
      };
      const fail = (error: unknown): void => {
        end();
        reject(error);
      };
      const abort = (): void => fail(abortedError(what, signal as AbortSignal));
      const goOn = (): void => {
        // Also for a signal that says so and tells nobody.
        if (!call.isOver && signal && hasFired(signal, what)) abort();
        if (call.isOver) throw new Error(`${what}: over`);
      };
      const done = (value: T): void => {
        end();
        resolve(value);
      };
      const call: Call = { isOver: false, fail, run: () => work(goOn).then(done, fail) };
      release = onAbort(signal, what, abort);
      if (call.isOver) return;
      this.#open.add(call);
      void this.#runAll();
    });
  }

  /** Settles every call that is open, running or waiting. */
  close(error: Error): void {
    for (const call of this.#open) call.fail(error);
  }

  async #runAll(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // Also those that are added meanwhile; those that end leave by themselves.
    for (const call of this.#open) await call.run();
    this.#isRunning = false;
  }
}
