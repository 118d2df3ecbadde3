/** Static split of `count` work items: thread t takes items first(t) up to first(t + 1). */
export class Split {
  @inline static first(count: i32, thread: i32, threads: i32): i32 {
    return <i32>((<i64>count * thread) / threads);
  }
}
