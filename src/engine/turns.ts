/**
 * A run on the calling thread blocks it. Between two of them, of whichever models, the event loop has a task
 * of its own: timers, signals and clicks are heard in time, however many calls wait.
 */

import { nextTask } from '../runtime/next-task.ts';

/** From a run's start until the event loop has gone on after it. */
let busy: Promise<void> | undefined;

/** Resolves when a run may start. Whoever it resolves for starts at once, before anything else happens. */
export async function takeTurn(): Promise<void> {
  while (busy) await busy;
  busy = nextTask().then(() => {
    busy = undefined;
  });
}
