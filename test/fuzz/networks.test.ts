/** The short form of `npm run fuzz -- --only networks`: the same networks in every run. */

import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { graphOf, mulberry32, randomTensor } from '../support/graphs.ts';
import { type KernelBinary, kernelBinaries } from '../support/kernel-memory.ts';
import { runCases } from './campaign.ts';
import { type PoisonedRun, runPoisoned } from './networks/poisoned-run.ts';
import { randomGraph, vector } from './networks/random-network.ts';
import { networkSubject } from './networks/subject.ts';

const SEED = 20_260_802;

describe('random networks', () => {
  it('use every operator of the closed list, and residuals that are the input itself', () => {
    const random = mulberry32(SEED);
    const nodes = Array.from({ length: 400 }, () => randomGraph(random)).flatMap(
      (graph) => graph.nodes,
    );
    expect([...new Set(nodes.map(({ op }) => op))].sort()).toEqual([
      ...['add', 'affine', 'clip', 'concat', 'conv', 'equalize_norms', 'fc', 'flatten', 'gate'],
      ...['global_average_pool', 'l2_normalize', 'mul', 'prelu', 'sigmoid', 'subsample'],
    ]);
    expect(nodes.some(({ inputs }) => inputs.length === 2 && inputs[0] === inputs[1])).toBe(true);
  });

  it('read and write nothing but their tensors, give the reference, and the same bits alone', async () => {
    const tally = await runCases(networkSubject(), { seed: SEED, from: 0, count: 400, ms: 5000 });
    expect(tally.findings).toEqual([]);
    expect(tally.inputs).toBeGreaterThanOrEqual(20);
  });
});

/** data -> a -> b -> c: data is dead when b runs; what is larger than the others lies in nobody's place then. */
const chain: Graph = (() => {
  const random = mulberry32(SEED);
  const conv = (name: string, from: string) => {
    const weight = randomTensor(random, 4, from === 'data' ? 16 : 4, 3, 3);
    const pads = [1, 1, 1, 1] as const;
    return { op: 'conv', name, inputs: [from], weight, stride: [1, 1], pads, group: 1 } as const;
  };
  return graphOf([16, 6, 6], [conv('a', 'data'), conv('b', 'a'), conv('c', 'b')]);
})();

const INPUT_LENGTH = 16 * 36;

const run: PoisonedRun = {
  graph: chain,
  pictures: [vector(mulberry32(1), INPUT_LENGTH)],
  threads: 1,
  winogradFrom: Number.POSITIVE_INFINITY,
  gaps: false,
  dtype: 'f32',
  expanded: false,
  random: mulberry32(2),
};

const [right] = kernelBinaries(['simd']) as [KernelBinary];

/** The kernel, with something done to memory after its call number `at`. */
function faulty(at: number, fault: (floats: Float32Array, args: Int32Array) => void): KernelBinary {
  let calls = 0;
  const kernel = (args: number, thread: number, threads: number): void => {
    (right.exports.f32_conv_igemm as (...words: number[]) => void)(args, thread, threads);
    const { buffer } = right.memory;
    if (calls++ === at) fault(new Float32Array(buffer), new Int32Array(buffer, args, 8));
  };
  return {
    ...right,
    exports: { ...right.exports, f32_conv_igemm: kernel } as KernelBinary['exports'],
  };
}

const wordOf = (address: number | undefined): number => (address as number) / 4;

describe('the poisoned run', () => {
  it('passes the kernel that the faulty ones are made from', () => {
    expect(
      runPoisoned(
        faulty(0, () => {}),
        run,
      ).fault,
    ).toBeUndefined();
  });

  it('finds a write into a tensor that lives', () => {
    const outcome = runPoisoned(
      faulty(1, (floats, [x]) => {
        floats[wordOf(x)] = 1;
      }),
      run,
    );
    expect(outcome.fault).toBe('stray write');
  });

  it('finds a read of a tensor that is dead', () => {
    let data = 0;
    const kernels = faulty(0, (_, [x]) => {
      data = wordOf(x) + INPUT_LENGTH - 1;
    });
    const both = faulty(2, (floats, [, y]) => {
      const at = wordOf(y);
      floats[at] = (floats[at] as number) + 0 * (floats[data] as number);
    });
    runPoisoned(kernels, run);
    const { fault, detail } = runPoisoned(both, run) as { fault?: string; detail?: string };
    expect([fault, detail]).toEqual(['wrong result', expect.stringMatching(/got NaN/)]);
  });

  it('finds a read of a tensor that lives but is another', () => {
    const outcome = runPoisoned(
      faulty(1, (floats, [x, y]) => {
        const at = wordOf(y);
        floats[at] = (floats[at] as number) + (floats[wordOf(x)] as number) / 16;
      }),
      run,
    );
    expect(outcome.fault).toBe('wrong result');
  });
});
