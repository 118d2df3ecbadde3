/** Measures the peak of one core in this very run: compiles bench/peak.ts and lets it go. */

import { readFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';
import { timeKernels } from './measure.mjs';

/** 12 chains of 4 lanes. */
const MACS_PER_ITERATION = 48;
const ITERATIONS = 1_000_000;

/** @returns {Promise<{gmacs: number, timing: import('./measure.mjs').Timing}>} GMAC/s of the fastest run */
export async function measurePeak() {
  const { instance } = await WebAssembly.instantiate(await compilePeak());
  const run = () => instance.exports.peak(ITERATIONS, 3, 0.5, 1);
  // Each chain tends to 1 / (1 - 0.5) = 2.
  if (run() !== 24) throw new Error(`peak: expected 24, got ${run()}`);
  const timing = (await timeKernels([{ name: 'peak', run }], { timeMs: 300 })).get('peak');
  return { gmacs: (ITERATIONS * MACS_PER_ITERATION) / timing.min / 1e6, timing };
}

async function compilePeak() {
  const source = await readFile(new URL('../peak.ts', import.meta.url), 'utf8');
  let wasm;
  const { error, stderr } = await asc.main(
    ['peak.ts', '--outFile', 'peak.wasm', '-O3', '--runtime', 'stub', '--enable', 'simd'],
    {
      readFile: (name) => (name === 'peak.ts' ? source : null),
      writeFile: (_name, contents) => {
        wasm = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`peak.ts: ${stderr}`, { cause: error });
  return wasm;
}
