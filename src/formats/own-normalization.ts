/** InsightFace's rule: a graph that starts with its own subtraction and multiplication wants raw pixels. */

import type { Graph } from '../graph/graph.ts';

/** Follows the affine nodes between the input and the first other operator. */
export function hasOwnNormalization(graph: Graph): boolean {
  let value = graph.input.name;
  let shifts = false;
  let scales = false;
  for (const node of graph.nodes) {
    if (node.op !== 'affine' || node.inputs[0] !== value) continue;
    shifts ||= node.shift.some((shift) => shift !== 0);
    scales ||= node.scale.some((scale) => scale !== 1);
    value = node.name;
  }
  return shifts && scales;
}
