/**
 * The next task of the event loop: after it, timers, signals and clicks that were due have been heard, which
 * no promise alone waits for. Takes microseconds, where a timer of 0 ms takes up to 4 ms.
 */

type Post = (run: () => void) => void;

// Taken once: clocks that tests put in place of the real one must not stop calls.
const post: Post = choosePost();

export function nextTask(): Promise<void> {
  return new Promise(post);
}

function choosePost(): Post {
  if (typeof setImmediate === 'function') {
    const immediate = setImmediate;
    return (run) => void immediate(run);
  }
  if (typeof MessageChannel === 'function') return postMessage;
  return (run) => void setTimeout(run);
}

/** A channel for each: one that stays open keeps some runtimes from ending. */
function postMessage(run: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    run();
  };
  port2.postMessage(undefined);
}
