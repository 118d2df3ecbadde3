import { Share } from './share';

/** Bytes from the base of memory: below everything that a plan places. */
const ARRIVED: usize = 256;
const GENERATION: usize = 320;

/**
 * barrier: returns once all `threads` threads have called it; what any of them wrote before is seen
 * by all after. The last to arrive opens it by advancing the generation, with no item of the next step
 * taken (`Share`).
 *
 * Layers take 0.1 to 2 ms, so a thread first spins (`spins` looks, no system call), then sleeps.
 * The host zeroes the words before workers start. Single-memory builds: nothing to wait for.
 */
export function barrier(threads: i32, spins: i32): void {
  if (ASC_FEATURE_THREADS) {
    const generation = atomic.load<i32>(GENERATION);
    if (atomic.add<i32>(ARRIVED, 1) === threads - 1) {
      atomic.store<i32>(ARRIVED, 0);
      Share.reset(threads);
      atomic.add<i32>(GENERATION, 1);
      atomic.notify(GENERATION, threads);
      return;
    }
    for (let i = 0; i < spins; i++) {
      if (atomic.load<i32>(GENERATION) !== generation) return;
    }
    while (atomic.load<i32>(GENERATION) === generation) {
      atomic.wait<i32>(GENERATION, generation, -1);
    }
  }
}
