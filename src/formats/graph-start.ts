/**
 * InsightFace's rule for all forms: a graph that starts with its own subtraction and multiplication
 * wants raw pixels. A batch norm does not count, for networks with external normalisation may start
 * with one, unless it is called `bn_data`. In an IR batch norms are scale and shift: there they count.
 *
 * Source: python-package/insightface/model_zoo/arcface_onnx.py.
 */

import type { Graph } from '../graph/graph.ts';
import { type Claim, NOTHING } from '../graph/preprocessing.ts';

export interface StartOfFile {
  /** Graph nodes that were batch norms. */
  readonly batchNorms?: ReadonlySet<string>;
  /** Names of the file's operators, in order; those of the graph if absent. */
  readonly names?: readonly string[];
}

/** What the first operators do, and what their names say. */
export function claimsOfStart(graph: Graph, file: StartOfFile = {}): Claim[] {
  const names = file.names ?? graph.nodes.map(({ name }) => name);
  const claims: Claim[] = [];
  if (byOperators(graph, file.batchNorms ?? new Set())) {
    const text = 'The graph normalises its input by itself';
    claims.push({ source: 'constants', text, front: NOTHING, own: true });
  }
  if (byNames(names)) {
    const text = 'The names of the first nodes say that the graph normalises its input by itself';
    claims.push({ source: 'names', text, front: NOTHING, own: true });
  }
  return claims;
}

function byNames(names: readonly string[]): boolean {
  const starts = (...words: string[]): boolean =>
    names.slice(0, 8).some((name) => words.some((word) => name.startsWith(word)));
  return (
    names.slice(0, 3).includes('bn_data') || (starts('Sub', '_minus') && starts('Mul', '_mul'))
  );
}

/** Follows the input through shifts and scales up to the first other operator. */
function byOperators(graph: Graph, batchNorms: ReadonlySet<string>): boolean {
  let value = graph.input.name;
  let shifts = false;
  let scales = false;
  for (const node of graph.nodes) {
    if (!node.inputs.includes(value)) continue;
    if (node.op !== 'affine' || batchNorms.has(node.name)) break;
    shifts ||= node.shift.some((shift) => shift !== 0);
    scales ||= node.scale.some((scale) => scale !== 1);
    value = node.name;
  }
  return shifts && scales;
}
