/**
 * The one timer of all benches. Contestants of a comparison run alternately (A, B, C, A, B, C ...)
 * in one process, so that a machine that drifts drifts for all of them; a ratio is the median of
 * the quotients of neighbouring runs. Leaf kernels are timed by tinybench.
 */

import { Bench } from 'tinybench';

/**
 * @typedef {{ median: number, min: number, p95: number, spread: number, samples: number[] }} Timing
 *   milliseconds; `spread` is the distance of the quartiles over the median
 */

/** @returns {Timing} */
export function summarise(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const median = quantile(sorted, 0.5);
  return {
    median,
    min: sorted[0],
    p95: quantile(sorted, 0.95),
    spread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / median,
    samples,
  };
}

export function medianOf(samples) {
  return quantile(
    [...samples].sort((a, b) => a - b),
    0.5,
  );
}

/** Interpolates between neighbours; `sorted` ascends. */
function quantile(sorted, q) {
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  return low + (high - low) * (at - Math.floor(at));
}

/** Median over the rounds of a's time / b's time. */
export function pairedRatio(a, b) {
  return medianOf(a.map((ms, round) => ms / b[round]));
}

/** Milliseconds of one call. */
export async function timeOnce(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Long enough for the threads of an engine that wait awake for more work to fall asleep. */
const SETTLE_MS = 100;

const settle = () => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));

/**
 * `rounds` rounds in which every contestant runs once, after `warmups` rounds that do not count. With
 * `settled`, each starts when the threads of the one before have gone to sleep.
 *
 * @param {{name: string, run: () => unknown}[]} contestants
 * @returns {Promise<Map<string, number[]>>} milliseconds per round
 */
export async function alternate(contestants, { rounds, warmups = 2, settled = false }) {
  const samples = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = -warmups; round < rounds; round++) {
    for (const { name, run } of contestants) {
      if (settled) await settle();
      const ms = await timeOnce(run);
      if (round >= 0) samples.get(name).push(ms);
    }
  }
  return samples;
}

/**
 * Short synchronous calls, each until `timeMs` have gone by.
 *
 * @param {{name: string, run: () => void}[]} tasks
 * @returns {Promise<Map<string, Timing>>}
 */
export async function timeKernels(tasks, { timeMs = 200, warmupMs = 50 } = {}) {
  const bench = new Bench({
    time: timeMs,
    warmupTime: warmupMs,
    iterations: 5,
    warmupIterations: 2,
    retainSamples: true,
    throws: true,
  });
  for (const { name, run } of tasks) bench.add(name, run, { async: false });
  await bench.run();
  return new Map(
    bench.tasks.map((task) => [task.name, summarise([...task.result.latency.samples])]),
  );
}
