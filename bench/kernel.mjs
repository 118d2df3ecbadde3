/**
 * Leaf kernels at the shapes of R100: GMAC/s and share of the peak measured beside them. A kernel
 * is a module in bench/kernels; the binaries are those of dist/wasm, one thread.
 */

import { readFileSync } from 'node:fs';
import * as gemm from './kernels/f32_gemm.mjs';
import { timeKernels } from './lib/measure.mjs';
import { measurePeak } from './lib/peak.mjs';
import { gmacs, ms, percent, printTable } from './lib/report.mjs';

const KERNELS = [gemm];
const BINARIES = ['simd', 'relaxed'];

export async function benchKernels() {
  const peak = await measurePeak();
  const rows = [];
  for (const binary of BINARIES) {
    const module = compile(binary);
    if (module === undefined) continue;
    for (const kernel of KERNELS) rows.push(...(await benchOne(kernel, binary, module)));
  }
  for (const row of rows) row.share = row.macs / row.timing.median / 1e6 / peak.gmacs;
  printTable(
    `Kernels, one thread; peak of mul + add ${peak.gmacs.toFixed(1)} GMAC/s`,
    COLUMNS,
    rows,
  );
  return { peakGmacs: peak.gmacs, rows };
}

const COLUMNS = [
  ['kernel', (row) => row.kernel],
  ['binary', (row) => row.binary],
  ['shape', (row) => row.shape],
  ['M x K x N', (row) => row.size],
  ['ms', (row) => ms(row.timing.median)],
  ['GMAC/s', (row) => gmacs(row.macs, row.timing.median)],
  ['of peak', (row) => percent(row.share)],
  ['spread', (row) => percent(row.timing.spread)],
];

async function benchOne(kernel, binary, module) {
  const createExports = (memory) => new WebAssembly.Instance(module, { env: { memory } }).exports;
  const random = seededRandom(1);
  const cases = readShapes().map((shape) => {
    const prepared = kernel.prepare(createExports, shape, random);
    prepared.run();
    prepared.check();
    return { name: shape.name, ...prepared };
  });
  const timings = await timeKernels(cases);
  return cases.map(({ name, size, macs }) => ({
    kernel: kernel.name,
    binary,
    shape: name,
    size,
    macs,
    timing: { ...timings.get(name), samples: undefined },
  }));
}

/** undefined where this runtime refuses the binary: relaxed SIMD in Node 20. */
function compile(binary) {
  const bytes = readFileSync(new URL(`../dist/wasm/${binary}.wasm`, import.meta.url));
  if (WebAssembly.validate(bytes)) return new WebAssembly.Module(bytes);
  console.log(`${binary}: skipped, this runtime does not know its instructions`);
  return undefined;
}

function readShapes() {
  const text = readFileSync(new URL('shapes/arcface-r100.txt', import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [name, ...numbers] = line.split(/\s+/);
    const [side, kernel, stride, ic, oc] = numbers.map(Number);
    return { name, side, kernel, stride, ic, oc };
  });
}

function seededRandom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
