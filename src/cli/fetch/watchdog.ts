/** Ends a connection that brings nothing, or hardly anything. */

/** What a connection has to bring to be kept. */
export interface Pace {
  /** The time that is looked at. */
  readonly windowMs: number;
  /** Less than this in that time is too slow. */
  readonly windowBytes: number;
}

/** 1 kB/s: a day and a half for an R100. */
export const DEFAULT_PACE: Pace = { windowMs: 30_000, windowBytes: 30_000 };

/** Aborts when too little has arrived lately; `touch` says that something did. */
export interface Watchdog {
  readonly signal: AbortSignal;
  touch(bytes: number): void;
  stop(): void;
}

const STEPS = 5;

export function startWatchdog({ windowMs, windowBytes }: Pace): Watchdog {
  const controller = new AbortController();
  const recent: number[] = [];
  let bytes = 0;
  const timer = setInterval(() => {
    recent.push(bytes);
    bytes = 0;
    if (recent.length < STEPS) return;
    if (recent.reduce((sum, count) => sum + count, 0) < windowBytes) controller.abort();
    recent.shift();
  }, windowMs / STEPS);
  return {
    signal: controller.signal,
    touch: (count) => {
      bytes += count;
    },
    stop: () => clearInterval(timer),
  };
}
