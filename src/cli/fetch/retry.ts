/**
 * When a failed request is tried again and how long to wait. Receives attempts, returns the first
 * result; refuses to go on after too many failures without progress, or when a server asks for a longer
 * wait than a person at a terminal would sit through.
 */

import { AddressFault } from './address-fault.ts';
import { DEFAULT_PACE } from './watchdog.ts';

/** A failure that may pass: a cut connection, a stall, a busy server. */
export class TransientFailure extends Error {
  /** What the server asks for in Retry-After. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options?: { cause?: unknown; retryAfterMs?: number | undefined }) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs;
  }
}

export interface RetryLimits {
  /** Failures in a row that brought fewer than `leastBytes`. */
  readonly failures: number;
  readonly leastBytes: number;
  /** Attempts in all, however much progress they made. */
  readonly attempts: number;
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** A longer Retry-After ends the download. */
  readonly longestRetryAfterMs: number;
}

export const DEFAULT_RETRY: RetryLimits = {
  failures: 6,
  // What the least speed brings until it is noticed: a trickle is no progress.
  leastBytes: DEFAULT_PACE.windowBytes,
  attempts: 100,
  firstDelayMs: 500,
  longestDelayMs: 30_000,
  longestRetryAfterMs: 120_000,
};

/**
 * Runs `attempt` until it returns. `progress` gives a number that grows when bytes arrive (bytes
 * kept so far); enough of it starts the count of failures again.
 */
export async function withRetry<T>(
  attempt: () => Promise<T>,
  progress: () => number,
  limits: RetryLimits,
  report: (failure: TransientFailure, delayMs: number) => void = () => {},
): Promise<T> {
  let failures = 0;
  for (let attempts = 1; ; attempts++) {
    const before = progress();
    try {
      return await attempt();
    } catch (failure) {
      if (!(failure instanceof TransientFailure)) throw failure;
      failures = progress() - before >= limits.leastBytes ? 1 : failures + 1;
      if (failures >= limits.failures || attempts >= limits.attempts) throw exhausted(failure);
      const delayMs = delayBefore(failures, failure, limits);
      report(failure, delayMs);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}

function delayBefore(failures: number, failure: TransientFailure, limits: RetryLimits): number {
  const asked = failure.retryAfterMs ?? 0;
  if (asked > limits.longestRetryAfterMs) {
    throw new AddressFault(
      'io',
      `${failure.message}; the server asks to come back in ${Math.ceil(asked / 1000)} seconds`,
      { cause: failure },
    );
  }
  const backoff = Math.min(limits.longestDelayMs, limits.firstDelayMs * 2 ** (failures - 1));
  return Math.max(asked, backoff);
}

function exhausted(failure: TransientFailure): AddressFault {
  return new AddressFault(
    'io',
    `${failure.message}; gave up after several attempts. What has arrived is kept: run the same command again to go on`,
    { cause: failure },
  );
}

/** Retry-After: seconds or an HTTP date. Undefined if absent or unreadable. */
export function retryAfter(header: string | null, nowMs: number = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
