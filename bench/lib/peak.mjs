/** Measures the peak of one core in this very run: compiles bench/peak.ts and lets it go. */

import { readFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';
import { timeKernels } from './measure.mjs';

/** Four steps of the K loop, 5x8 each. */
const MACS_PER_TURN = 160;
/** Even, so that all sums return to where they started. */
const TURNS = 250_000;

/** @returns {Promise<{gmacs: number, timing: import('./measure.mjs').Timing}>} GMAC/s of the fastest run */
export async function measurePeak() {
  const { instance } = await WebAssembly.instantiate(await compilePeak());
  const run = () => instance.exports.peak(TURNS, 3, 0.5, 1);
  const expected = 10 * 3;
  if (run() !== expected) throw new Error(`peak: expected ${expected}, got ${run()}`);
  const timing = (await timeKernels([{ name: 'peak', run }], { timeMs: 300 })).get('peak');
  return { gmacs: (TURNS * MACS_PER_TURN) / timing.min / 1e6, timing };
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
