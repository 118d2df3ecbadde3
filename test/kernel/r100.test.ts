/** Every distinct convolution of R100 at its real size, and its fully connected layer. */

import { describe, expect, it } from 'vitest';
import { inferShapes } from '../../src/graph/shapes.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { kernelBinaries } from '../support/kernel-memory.ts';
import { expectExact } from '../support/kernel-oracle.ts';
import { type ConvCase, convTrial, fcTrial } from '../support/kernel-trials.ts';
import { graphOfSynth } from '../support/synth-graph.ts';

const SEED = 20260305;

/** By what tells one from another: [C, H, W] -> O, kernel, stride. */
function distinctConvolutions(): Map<string, ConvCase> {
  const graph = graphOfSynth(synthesize('r100', 1));
  const shapes = inferShapes(graph);
  const found = new Map<string, ConvCase>();
  for (const node of graph.nodes) {
    if (node.op !== 'conv') continue;
    const [channels, height, width] = shapes.get(node.inputs[0] as string) as [
      number,
      number,
      number,
    ];
    const [outChannels = 0, , kh = 0, kw = 0] = node.weight.shape;
    const { stride, pads } = node;
    const name = `${channels}x${height}x${width} -> ${outChannels}, ${kh}x${kw}, stride ${stride[0]}`;
    const size = { channels, height, width, outChannels, kernel: [kh, kw], stride, pads } as const;
    found.set(name, { seed: SEED, ...size });
  }
  return found;
}

const CONVOLUTIONS = distinctConvolutions();

describe('R100', () => {
  it('has 17 distinct convolutions', () => {
    expect([...CONVOLUTIONS.keys()]).toHaveLength(17);
  });
});

// The debug build would take minutes for what the small shapes tell as well.
describe.each(kernelBinaries(['simd', 'relaxed']))('R100 in the $name build', (binary) => {
  it.each([...CONVOLUTIONS.keys()])('%s is exact', (name) => {
    const one = CONVOLUTIONS.get(name) as ConvCase;
    const epilogue = { padValue: true, activation: 'prelu', residual: 'last' } as const;
    expectExact(binary, convTrial({ ...one, ...epilogue }));
  });

  it('512x7x7 -> 512 features is exact', () => {
    expectExact(binary, fcTrial(SEED, [512, 7, 7], 512, 2));
  });
});
