/**
 * A graph while it is being folded: nodes in topological order, who uses whom, and for every node
 * the imported value it has come to stand for. The rewrites of `fold.ts` are built from the few
 * moves below; none of them ever makes a node read a value that comes later.
 */

import type { Graph, GraphNode } from '../graph/graph.ts';

export class DraftGraph {
  private readonly graph: Graph;
  private readonly nodes: Map<string, GraphNode>;
  private readonly places: Map<string, number>;
  private readonly users = new Map<string, Set<string>>();
  private readonly values = new Map<string, string>();
  private readonly forgotten = new Set<string>();
  output: string;

  constructor(graph: Graph) {
    this.graph = graph;
    this.output = graph.output;
    this.nodes = new Map(graph.nodes.map((node) => [node.name, node]));
    this.places = new Map(graph.nodes.map((node, place) => [node.name, place]));
    for (const node of graph.nodes) this.link(node);
  }

  /** The nodes there are now; those merged away while iterating are skipped. */
  *each(): Generator<GraphNode> {
    for (const name of [...this.nodes.keys()]) {
      const node = this.nodes.get(name);
      if (node) yield node;
    }
  }

  /** The node that computes `name`; undefined for the graph's input. */
  node(name: string | undefined): GraphNode | undefined {
    return name === undefined ? undefined : this.nodes.get(name);
  }

  usersOf(name: string): GraphNode[] {
    return [...(this.users.get(name) ?? [])].map((user) => this.nodes.get(user) as GraphNode);
  }

  /** Nobody but one node reads `name`, and it is not the embedding. */
  isPrivate(name: string): boolean {
    return name !== this.output && this.users.get(name)?.size === 1;
  }

  isBefore(earlier: string, later: string): boolean {
    return (this.places.get(earlier) ?? -1) < (this.places.get(later) ?? -1);
  }

  /** Puts `node` in the place of the node of that name. */
  replace(node: GraphNode): void {
    this.unlink(this.nodes.get(node.name) as GraphNode);
    this.nodes.set(node.name, node);
    this.link(node);
  }

  /** `merged` computes what `gone` computed and takes over its users. */
  merge(gone: string, merged: GraphNode): void {
    this.replace(merged);
    this.values.set(merged.name, this.values.get(gone) ?? gone);
    this.bypass(gone, merged.name);
  }

  /** All users of `gone` read `value` instead; `gone` is removed. */
  bypass(gone: string, value: string): void {
    const swap = (name: string): string => (name === gone ? value : name);
    for (const user of this.usersOf(gone)) {
      this.replace({ ...user, inputs: user.inputs.map(swap) });
    }
    if (this.output === gone) this.output = value;
    this.unlink(this.nodes.get(gone) as GraphNode);
    this.nodes.delete(gone);
  }

  /** `name` no longer computes any value of the imported graph. */
  forget(name: string): void {
    this.forgotten.add(name);
  }

  /** Removes what the output does not depend on. */
  removeDead(): void {
    for (const name of [...this.nodes.keys()].reverse()) {
      if (name === this.output || (this.users.get(name)?.size ?? 0) > 0) continue;
      this.unlink(this.nodes.get(name) as GraphNode);
      this.nodes.delete(name);
    }
  }

  build(): Graph {
    return { ...this.graph, nodes: [...this.nodes.values()], output: this.output };
  }

  /** Name of each node that computes a value of the imported graph, with the name it had there. */
  standsFor(): Map<string, string> {
    const names = [...this.nodes.keys()].filter((name) => !this.forgotten.has(name));
    return new Map(names.map((name) => [name, this.values.get(name) ?? name]));
  }

  private link(node: GraphNode): void {
    for (const input of node.inputs) {
      const users = this.users.get(input) ?? new Set();
      this.users.set(input, users.add(node.name));
    }
  }

  private unlink(node: GraphNode): void {
    for (const input of node.inputs) this.users.get(input)?.delete(node.name);
  }
}
