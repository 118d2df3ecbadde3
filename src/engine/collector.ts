/**
 * Memory that nobody needs any more comes back when the collector of the runtime takes the object that stands
 * for it. It comes when much of what it counts was allocated, and shared memory counts for nothing in its
 * eyes: left alone it would look after hours, or never (measured: 15 models of 261 MB took 4.1 GB). An ordinary
 * buffer of that size counts; the reminder is one that is never written, so it takes no memory itself.
 */

/** How long a reminder may take before the next, in ms; twice as long each time. */
const FIRST_WAIT = 10;
const LAST_WAIT = 80;
/** Less would pass unnoticed. */
const LEAST_BYTES = 128 * 2 ** 20;

/**
 * Begins when `ended` resolves; resolves when the collector has taken `memory`, or was reminded and takes its
 * time. Whoever calls holds `memory` no longer when this waits.
 */
export function remindCollector(memory: WebAssembly.Memory, ended: Promise<void>): Promise<void> {
  const end: End = { isTaken: false, tell: () => undefined };
  collected.register(memory, end);
  return remindUntil(end, Math.max(memory.buffer.byteLength, LEAST_BYTES), ended);
}

interface End {
  isTaken: boolean;
  tell(): void;
}

/** A weak reference would not do: to look through it keeps memory from being taken. */
const collected = new FinalizationRegistry<End>((end) => {
  end.isTaken = true;
  end.tell();
});

/** A function of its own, so that nothing of it holds the memory. */
async function remindUntil(end: End, bytes: number, ended: Promise<void>): Promise<void> {
  await ended;
  for (let wait = FIRST_WAIT; !end.isTaken && wait <= LAST_WAIT; wait *= 2) {
    if (!remind(bytes)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait);
      end.tell = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** False where there is no room for more, so that the collector has come already. */
function remind(bytes: number): boolean {
  try {
    return new ArrayBuffer(bytes).byteLength > 0;
  } catch {
    return false;
  }
}
