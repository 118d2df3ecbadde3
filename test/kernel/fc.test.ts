/** Fully connected layers: the batch is the line of pixels of a 1x1 convolution. */

import { describe, it } from 'vitest';
import { kernelBinaries } from '../support/kernel-memory.ts';
import { expectExact } from '../support/kernel-oracle.ts';
import { fcTrial } from '../support/kernel-trials.ts';

const SEED = 20260303;

const SHAPES = [
  [1, 1, 1],
  [3, 1, 1],
  [5, 2, 3],
  [8, 7, 7],
  [17, 3, 1],
  [64, 1, 1],
] as const;

describe.each(kernelBinaries())('fully connected layers in the $name build', (binary) => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 11])('are exact for a batch of %i', (batch) => {
    for (const shape of SHAPES) {
      for (const outFeatures of [1, 3, 4, 5, 8, 9, 15, 16, 17]) {
        const activation = ([undefined, 'prelu', 'clip'] as const)[outFeatures % 3];
        expectExact(binary, fcTrial(SEED + batch, shape, outFeatures, batch, activation));
      }
    }
  });
});
