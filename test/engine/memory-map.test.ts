/** Below the weights, threads and kernels keep words of their own: no two parts may meet. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { WEIGHTS_BASE } from '../../src/engine/memory.ts';
import { MAX_THREADS } from '../../src/engine/options.ts';
import { THREAD_WORDS } from '../../src/engine/pool.ts';

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Addresses that are constants in a kernel's source. */
function addressesIn(path: string): number[] {
  return [...read(path).matchAll(/^const \w+: usize = (\d+);$/gm)].map(([, value]) =>
    Number(value),
  );
}

describe('the map of linear memory', () => {
  const [first, end] = THREAD_WORDS;
  const barrier = addressesIn('assembly/thread/barrier.ts');
  const taken = addressesIn('assembly/thread/share.ts');

  it('has the barrier within the words that the host zeroes, each in a cache line of its own', () => {
    expect(barrier).toHaveLength(2);
    expect(Math.min(...barrier)).toBe(first);
    expect(new Set(barrier.map((address) => Math.floor(address / 64))).size).toBe(2);
  });

  it('has a counter for each of the most threads behind it', () => {
    expect(taken).toHaveLength(1);
    expect(taken[0]).toBeGreaterThanOrEqual(Math.max(...barrier) + 64);
    expect((taken[0] as number) + 4 * MAX_THREADS).toBe(end);
  });

  it('has the constants of the kernels between these and the weights', () => {
    const { memoryBase } = JSON.parse(read('asconfig.json')).options;
    expect(memoryBase).toBe(end);
    expect(memoryBase).toBeLessThan(WEIGHTS_BASE);
  });
});
