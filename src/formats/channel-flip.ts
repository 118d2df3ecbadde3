/**
 * Red and blue exchanged inside a graph, which files do where their callers have the other order. A graph
 * has no operator that moves channels: it is a 1x1 convolution, and `graph-start.ts` knows it again.
 */

import type { ConvNode } from '../graph/graph.ts';

const CHANNELS = 3;
const BACKWARDS = [2, 1, 0];

/** Whether `indices` pick three channels from the last to the first; -1 is the last. */
export function isFlip(indices: readonly number[], channels: number): boolean {
  const places = indices.map((i) => (i < 0 ? i + channels : i));
  return channels === CHANNELS && places.join() === BACKWARDS.join();
}

/** `input` [3, H, W] with its channels backwards. */
export function flipNode(name: string, input: string): ConvNode {
  return channelsNode(name, input, CHANNELS, BACKWARDS);
}

/** Channels `taken` of `input` [channels, H, W], in that order. */
export function channelsNode(
  name: string,
  input: string,
  channels: number,
  taken: readonly number[],
): ConvNode {
  const weight = new Float32Array(taken.length * channels);
  for (const [row, channel] of taken.entries()) weight[row * channels + channel] = 1;
  return {
    op: 'conv',
    name,
    inputs: [input],
    weight: { shape: [taken.length, channels, 1, 1], read: () => weight.slice() },
    stride: [1, 1],
    pads: [0, 0, 0, 0],
    group: 1,
  };
}
