/**
 * Red and blue exchanged inside a graph, which files do where their callers have the other order. A graph
 * has no operator that moves channels: it is a 1x1 convolution, and `graph-start.ts` knows it again.
 */

import type { ConvNode } from '../graph/graph.ts';

const CHANNELS = 3;
const WEIGHTS = [0, 0, 1, 0, 1, 0, 1, 0, 0];

/** Whether `indices` pick three channels from the last to the first; -1 is the last. */
export function isFlip(indices: readonly number[], channels: number): boolean {
  const places = indices.map((i) => (i < 0 ? i + channels : i));
  return channels === CHANNELS && places.join() === '2,1,0';
}

/** `input` [3, H, W] with its channels backwards. */
export function flipNode(name: string, input: string): ConvNode {
  return {
    op: 'conv',
    name,
    inputs: [input],
    weight: { shape: [CHANNELS, CHANNELS, 1, 1], read: () => Float32Array.from(WEIGHTS) },
    stride: [1, 1],
    pads: [0, 0, 0, 0],
    group: 1,
  };
}
