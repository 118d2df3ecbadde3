/** The nodes that a value needs, in file order, which ONNX demands to be topological. */

import { describe, expect } from '../../graph/limits.ts';
import type { OnnxGraph, OnnxNode } from './model.ts';

export function liveNodes(graph: OnnxGraph, outputs: readonly string[]): OnnxNode[] {
  const producers = new Map<string, OnnxNode>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) {
      if (!name) continue;
      const where = `ONNX value ${describe(name)}`;
      expect(!producers.has(name), 'bad_model', where, 'one definition', 2);
      producers.set(name, node);
    }
  }
  const live = new Set<OnnxNode>();
  const open = [...outputs];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = producers.get(name);
    if (!node || live.has(node)) continue;
    live.add(node);
    open.push(...usesOf(node));
  }
  return graph.nodes.filter((node) => live.has(node));
}

/** Names that a node reads, those of its branches included. */
export function usesOf(node: OnnxNode): string[] {
  const names = [...node.inputs];
  for (const { graph } of node.attributes.values()) {
    if (!graph) continue;
    for (const inner of graph.nodes) names.push(...usesOf(inner));
    for (const { name } of graph.outputs) names.push(name);
  }
  return names;
}
