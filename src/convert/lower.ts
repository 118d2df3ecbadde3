/**
 * Receives a valid graph and returns one that computes the same from operators that the engine has:
 * subsampling becomes a depthwise convolution whose only weight is 1. Exact: every value is
 * multiplied by 1 and has 0 added. It then takes part in folding like any other convolution: batch
 * norms, activations and residuals move into it.
 */

import type { ConvNode, Graph, Shape, SubsampleNode } from '../graph/graph.ts';
import { inferShapes } from '../graph/shapes.ts';

export function lowerGraph(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === 'subsample')) return graph;
  const shapes = inferShapes(graph);
  const channelsOf = (name: string): number => (shapes.get(name) as Shape)[0];
  const nodes = graph.nodes.map((node) =>
    node.op === 'subsample' ? lowerSubsample(node, channelsOf(node.name)) : node,
  );
  return { ...graph, nodes };
}

/** The kernel reaches from the first pixel to the one at `offset`, which it copies. */
function lowerSubsample(node: SubsampleNode, channels: number): ConvNode {
  const { name, inputs, stride, offset = [0, 0] } = node;
  const [kh, kw] = [offset[0] + 1, offset[1] + 1];
  const read = (): Float32Array =>
    Float32Array.from({ length: channels * kh * kw }, (_, i) =>
      (i + 1) % (kh * kw) === 0 ? 1 : 0,
    );
  return {
    op: 'conv',
    name,
    inputs,
    weight: { shape: [channels, 1, kh, kw], read },
    stride,
    pads: [0, 0, 0, 0],
    group: channels,
  };
}
