/** Kernels on the path of R100 that an engine with 256-bit vectors pairs: read from its own trace. */

import { describe, expect, it } from 'vitest';
import { tracePairs } from '../support/pairs.ts';
import { HOW_TO_INSTALL, nodeOf } from '../support/runtimes.ts';

const node = nodeOf(24);
const isX64 = process.arch === 'x64';
const reason = isX64 ? `no Node 24 here: ${HOW_TO_INSTALL}` : `no pairing on ${process.arch}`;
if (node === undefined || !isX64) console.warn(`pairs.test.ts is skipped: ${reason}`);

/** All stores of the inner loops come in neighbouring pairs; each is made one instruction. */
const PAIRED = [
  'wide1',
  'wide2',
  'wide3',
  'wide4',
  'tile1',
  'tile2',
  'tile3',
  'tile4',
  'filter_columns',
  'filter_columns_s2',
  'filter_row',
  'filter_row_s2',
  'winograd_input_wide',
  'winograd_output_wide',
  'f32_winograd_multiply',
  'probe_paired',
];

describe.skipIf(node === undefined || !isX64)('V8 of Node 24', () => {
  it.each(['simd', 'relaxed'])('pairs the kernels of R100 in the %s build', (build) => {
    const pairs = tracePairs(node as string, build);
    const paired = PAIRED.filter((name) => (pairs.get(name)?.made ?? 0) > 0);
    expect(paired).toEqual(PAIRED);
    // What the measurement at load compares with must not be paired.
    expect(pairs.get('probe_single')?.made ?? 0).toBe(0);
  });
});
