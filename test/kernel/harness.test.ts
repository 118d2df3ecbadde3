/** The harness itself: kernels with one fault each, made from a right one, are found out. */

import { describe, expect, it } from 'vitest';
import { type KernelBinary, kernelBinaries } from '../support/kernel-memory.ts';
import { expectExact } from '../support/kernel-oracle.ts';
import { convTrial } from '../support/kernel-trials.ts';

const [right] = kernelBinaries(['simd']) as [KernelBinary];
const size = { channels: 5, outChannels: 9, height: 6, width: 7, kernel: [3, 3] } as const;
const trial = convTrial({ seed: 20260309, ...size, batch: 2 });
const OUTPUT_BYTES = 2 * 4 * 5 * 12 * 4;

type Call = (...args: number[]) => number;
type Fault = (run: () => void, memory: DataView, y: number, thread: number) => void;

function faulty(fault: Fault): KernelBinary {
  const run = right.exports.f32_conv_igemm as unknown as Call;
  const kernel = (args: number, thread: number, threads: number): void => {
    const memory = new DataView(right.memory.buffer);
    fault(() => run(args, thread, threads), memory, memory.getInt32(args + 4, true), thread);
  };
  const exports = {
    ...right.exports,
    f32_conv_igemm: kernel,
  } as unknown as KernelBinary['exports'];
  return { ...right, exports };
}

const FAULTS: Readonly<Record<string, readonly [fault: Fault, message: RegExp]>> = {
  'writes behind its output': [
    (run, memory, y) => {
      run();
      memory.setFloat32(y + OUTPUT_BYTES, 0, true);
    },
    /a write outside/,
  ],
  'writes before its output': [
    (run, memory, y) => {
      run();
      memory.setFloat32(y - 4, 0, true);
    },
    /a write outside/,
  ],
  'reads its output': [
    (run, memory, y) => {
      const before = memory.getFloat32(y, true);
      run();
      memory.setFloat32(y, memory.getFloat32(y, true) + before * 0, true);
    },
    /got NaN/,
  ],
  'is off by a few roundings too many': [
    (run, memory, y) => {
      run();
      memory.setFloat32(y, memory.getFloat32(y, true) + 2e-5, true);
    },
    /expected .* got/,
  ],
  'leaves an idle lane unwritten': [
    (run, memory, y) => {
      run();
      memory.setFloat32(y + 4 * 11, Number.NaN, true);
    },
    /lane/,
  ],
  'leaves out the work of a thread': [
    (run, _memory, _y, thread) => {
      if (thread !== 1) run();
    },
    /2 threads/,
  ],
};

describe('the kernel harness', () => {
  it('passes the kernel that the faulty ones are made from', () => {
    expectExact(
      faulty((run) => run()),
      trial,
    );
  });

  it.each(Object.keys(FAULTS))('finds a kernel that %s', (name) => {
    const [fault, message] = FAULTS[name] as (typeof FAULTS)[string];
    expect(() => expectExact(faulty(fault), trial)).toThrow(message);
  });
});
