import { Split } from './split';

/** How many items of the running step are taken; the host zeroes it at first, then the barrier. */
export const TAKEN: usize = 384;

/**
 * The items of a step, shared among threads:
 *
 *   for (let i = Share.first(n, thread, threads); i < Share.end(...); i = Share.next(i)) ...
 *
 * In shared memory a thread takes the next item when it is done with one: a core that is slower, or
 * busy with somebody else's work for a while, takes fewer. In plain memory there is one thread, or
 * a caller that plays several one after the other: they take equal parts. Either way an item is
 * computed by one thread from start to end, so who takes it changes no bit.
 */
export class Share {
  @inline static first(count: i32, thread: i32, threads: i32): i32 {
    if (ASC_FEATURE_THREADS) return atomic.add<i32>(TAKEN, 1);
    return Split.first(count, thread, threads);
  }

  @inline static next(item: i32): i32 {
    if (ASC_FEATURE_THREADS) return atomic.add<i32>(TAKEN, 1);
    return item + 1;
  }

  @inline static end(count: i32, thread: i32, threads: i32): i32 {
    if (ASC_FEATURE_THREADS) return count;
    return Split.first(count, thread + 1, threads);
  }
}
