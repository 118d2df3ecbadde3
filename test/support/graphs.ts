/** Seeded numbers and tensors for graphs that tests build by hand. */

import type { Graph, GraphNode, Tensor } from '../../src/graph/graph.ts';

export type Random = () => number;

/** Mulberry32: 32 bits of state, uniform in [0, 1). */
export function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function uniform(random: Random, length: number, low = -1, high = 1): Float64Array {
  const values = new Float64Array(length);
  for (let i = 0; i < length; i++) values[i] = low + (high - low) * random();
  return values;
}

/** f32 values in [-1, 1), decoded afresh by every read. */
export function randomTensor(random: Random, ...shape: number[]): Tensor {
  const length = shape.reduce((product, n) => product * n, 1);
  const values = Float32Array.from(uniform(random, length));
  return { shape, read: () => values.slice() };
}

/** A graph whose output is its last node. */
export function graphOf(shape: readonly [number, number, number], nodes: GraphNode[]): Graph {
  const output = nodes.at(-1)?.name ?? 'data';
  return { name: 'test', input: { name: 'data', shape }, nodes, output };
}
