import { Split } from './split';

/** Per thread, how many items of its part are taken; the host zeroes them at first, then the barrier. */
const TAKEN: usize = 384;

/**
 * The items of a step, shared among threads:
 *
 *   for (let i = Share.first(n, thread, threads); i >= 0; i = Share.next(i, n, thread, threads)) ...
 *
 * Each thread has a part of its own, neighbours that lie together in memory. In shared memory a thread
 * that is done with its part goes on with what is left of the others': a core that is slower, or busy
 * with somebody else's work for a while, does less. In plain memory there is one thread, or a caller
 * that plays several one after the other: each does its part. Either way an item is computed by one
 * thread from start to end, so who takes it changes no bit.
 */
export class Share {
  @inline static first(count: i32, thread: i32, threads: i32): i32 {
    if (ASC_FEATURE_THREADS) return take(count, thread, threads);
    const item = Split.first(count, thread, threads);
    return item < Split.first(count, thread + 1, threads) ? item : -1;
  }

  @inline static next(item: i32, count: i32, thread: i32, threads: i32): i32 {
    if (ASC_FEATURE_THREADS) return take(count, thread, threads);
    return item + 1 < Split.first(count, thread + 1, threads) ? item + 1 : -1;
  }

  /** No item of the next step is taken. */
  @inline static reset(threads: i32): void {
    for (let t = 0; t < threads; t++) atomic.store<i32>(TAKEN + ((<usize>t) << 2), 0);
  }
}

/** An item nobody has, of the thread's own part while there is one, or -1. */
function take(count: i32, thread: i32, threads: i32): i32 {
  for (let k = 0; k < threads; k++) {
    const owner = (thread + k) % threads;
    const first = Split.first(count, owner, threads);
    const item = first + atomic.add<i32>(TAKEN + ((<usize>owner) << 2), 1);
    if (item < Split.first(count, owner + 1, threads)) return item;
  }
  return -1;
}
