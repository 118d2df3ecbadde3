/** Operators that stand alone: one pass over an activation, pooling, normalisation. */

import { describe, expect, it } from 'vitest';
import type { Graph, GraphNode } from '../../src/graph/graph.ts';
import { graphOf, mulberry32, type Random, randomTensor } from '../support/graphs.ts';
import { kernelBinaries, type Trial } from '../support/kernel-memory.ts';
import { expectExact } from '../support/kernel-oracle.ts';
import { firstDifference } from '../support/kernel-tolerance.ts';
import { give, values } from '../support/kernel-trials.ts';

const SEED = 20260304;

type Shape = readonly [number, number, number];
type MakeNode = (random: Random, name: string, input: string, channels: number) => GraphNode;

const NODES: Readonly<Record<string, MakeNode>> = {
  affine: (random, name, input, channels) => ({
    op: 'affine',
    name,
    inputs: [input],
    scale: values(random, channels),
    shift: values(random, channels),
  }),
  prelu: (random, name, input, channels) => ({
    op: 'prelu',
    name,
    inputs: [input],
    slope: values(random, channels, -2, 2),
  }),
  clip: (_, name, input) => ({ op: 'clip', name, inputs: [input], min: -0.25, max: 0.5 }),
  sigmoid: (_, name, input) => ({ op: 'sigmoid', name, inputs: [input] }),
  add: (_, name, input) => ({ op: 'add', name, inputs: [input, 'data'] }),
  mul: (_, name, input) => ({ op: 'mul', name, inputs: [input, 'data'] }),
  gate: (_, name, input) => ({ op: 'gate', name, inputs: [input, 'pooled'] }),
  concat: (_, name, input) => ({ op: 'concat', name, inputs: [input, 'data'] }),
  global_average_pool: (_, name, input) => ({ op: 'global_average_pool', name, inputs: [input] }),
  equalize_norms: (_, name, input) => ({ op: 'equalize_norms', name, inputs: [input] }),
  l2_normalize: (_, name, input) => ({ op: 'l2_normalize', name, inputs: [input], eps: 0.01 }),
};

const SHAPES: readonly Shape[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => [n, 11 - n, n] as const),
  ...[15, 16, 17, 31, 32, 33].map((n) => [n, 3, 2] as const),
  [64, 15, 17],
];

/** data -> x (given, another operator's value) -> target; `later` makes x outlive the target. */
function trialOf(make: MakeNode, shape: Shape, batch: number, later = false): Trial {
  const random = mulberry32(SEED + shape[0]);
  const node = make(random, 'y', 'x', shape[0]);
  const nodes: GraphNode[] = [
    { op: 'sigmoid', name: 'x', inputs: ['data'] },
    { op: 'global_average_pool', name: 'pooled', inputs: ['data'] },
    node,
  ];
  if (later) nodes.push({ op: 'add', name: 'later', inputs: ['x', 'data'] });
  const graph: Graph = graphOf(shape, nodes);
  return { graph, target: 'y', given: give(random, graph, node.inputs, batch) };
}

describe.each(kernelBinaries())('operators on their own in the $name build', (binary) => {
  it.each(Object.keys(NODES))('%s is exact for any shape, batched and single', (op) => {
    for (const shape of SHAPES) {
      for (const batch of [1, 3]) {
        const trial = trialOf(NODES[op] as MakeNode, shape, batch);
        expect(expectExact(binary, trial).kernels).toEqual([`f32_${op}`]);
      }
    }
  });

  it.each(['affine', 'prelu', 'clip', 'sigmoid', 'add', 'mul', 'gate'])(
    '%s gives the same bits in place and beside its input',
    (op) => {
      const make = NODES[op] as MakeNode;
      const inPlace = expectExact(binary, trialOf(make, [5, 3, 4], 3));
      const beside = expectExact(binary, trialOf(make, [5, 3, 4], 3, true));
      expect([inPlace.overwritten, beside.overwritten]).toEqual([['x'], []]);
      expect(firstDifference(inPlace.bits, beside.bits)).toBe('');
    },
  );

  it('prelu passes zero, and multiplies by slopes of any sign', () => {
    const graph = graphOf(
      [1, 1, 4],
      [{ op: 'prelu', name: 'y', inputs: ['data'], slope: Float64Array.of(-3) }],
    );
    const given = new Map([['data', [Float64Array.of(0, -2, 2, -0.5)]]]);
    const { pictures } = expectExact(binary, { graph, target: 'y', given });
    expect([...(pictures[0] as Float64Array)]).toEqual([0, 6, 2, 1.5]);
  });

  it('sigmoid holds at its ends', () => {
    const graph = graphOf([1, 1, 5], [{ op: 'sigmoid', name: 'y', inputs: ['data'] }]);
    const given = new Map([['data', [Float64Array.of(-1000, -80, 0, 80, 1000)]]]);
    expectExact(binary, { graph, target: 'y', given });
  });

  it('concat lays any two numbers of channels side by side', () => {
    for (const [first, second] of [
      [1, 1],
      [3, 5],
      [6, 5],
      [4, 3],
      [7, 16],
      [17, 2],
    ] as const) {
      const random = mulberry32(SEED + first);
      const weight = (o: number) => randomTensor(random, o, 3, 1, 1);
      const conv = { op: 'conv', inputs: ['data'], stride: [1, 1], group: 1 } as const;
      const pads = [0, 0, 0, 0] as const;
      const graph = graphOf(
        [3, 5, 4],
        [
          { ...conv, name: 'a', weight: weight(first), pads },
          { ...conv, name: 'b', weight: weight(second), pads },
          { op: 'concat', name: 'y', inputs: ['a', 'b'] },
        ],
      );
      for (const batch of [1, 3]) {
        const given = give(random, graph, ['a', 'b'], batch);
        expect(expectExact(binary, { graph, target: 'y', given }).kernels).toEqual(['f32_concat']);
      }
    }
  });

  it('equalize_norms gives every location the mean norm and leaves one of zeros alone', () => {
    const graph = graphOf([2, 1, 3], [{ op: 'equalize_norms', name: 'y', inputs: ['data'] }]);
    const given = new Map([['data', [Float64Array.of(3, -6, 0, 4, 8, 0)]]]);
    const { pictures } = expectExact(binary, { graph, target: 'y', given });
    expect([...(pictures[0] as Float64Array)]).toEqual([3, -3, 0, 4, 4, 0]);
  });

  it.each([1, 4, 5, 16, 17, 512])('l2_normalize is exact for %i features', (features) => {
    const node: GraphNode = { op: 'l2_normalize', name: 'y', inputs: ['data'], eps: 1e-10 };
    const graph = graphOf([features, 1, 1], [node]);
    const given = new Map(give(mulberry32(SEED), graph, ['data'], 3));
    const [first, , third] = given.get('data') as Float64Array[];
    given.set('data', [first, new Float64Array(features), third] as Float64Array[]);
    expectExact(binary, { graph, target: 'y', given });
  });
});
