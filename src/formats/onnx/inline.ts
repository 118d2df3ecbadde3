/**
 * Functions that a file defines for itself, as torch's exporters of 2.1 to 2.5 do for every operator,
 * put in the place of their calls: receives a model, returns its graph without such calls. Inner values
 * get names of their own, `<output of the call>/<name>`. Refuses calls that lead back to themselves and
 * graphs that would grow beyond the number of nodes a file may have.
 */

import { ArcfaceError } from '../../errors.ts';
import { MAX_NAME_LENGTH } from '../../graph/limits.ts';
import {
  keyOf,
  type OnnxAttribute,
  type OnnxFunction,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
} from './model.ts';
import { MAX_NODES } from './read.ts';

const MAX_DEPTH = 32;
/** Nodes and constants copied for calls, those of nested calls counted again. */
const MAX_COPIES = 4 * MAX_NODES;

/** `isRead`: operators that are read as they are, whatever the file defines them to be. */
export function inlineFunctions(model: OnnxModel, isRead: (key: string) => boolean): OnnxGraph {
  if (model.functions.size === 0) return model.graph;
  return new Inliner(model, isRead).graph(model.graph, 0);
}

type Rename = (name: string) => string;

class Inliner {
  private readonly functions: ReadonlyMap<string, OnnxFunction>;
  private readonly opset: number | undefined;
  private readonly isRead: (key: string) => boolean;
  private count = 0;
  private calls = 0;
  private copies = 0;

  constructor(model: OnnxModel, isRead: (key: string) => boolean) {
    this.functions = model.functions;
    this.opset = model.opsets.get('');
    this.isRead = isRead;
  }

  graph(graph: OnnxGraph, depth: number): OnnxGraph {
    return { ...graph, nodes: graph.nodes.flatMap((node) => this.expanded(node, depth)) };
  }

  private expanded(node: OnnxNode, depth: number): OnnxNode[] {
    const key = keyOf(node);
    const called = this.isRead(key) ? undefined : this.functions.get(key);
    if (called) {
      if (depth >= MAX_DEPTH) throw tooLarge(`functions at most ${MAX_DEPTH} deep`, key);
      this.copies += 1 + sizeOfNodes(called.nodes);
      if (this.copies > MAX_COPIES) throw tooLarge(`at most ${MAX_COPIES} copied nodes`, key);
      return this.body(node, called).flatMap((inner) => this.expanded(inner, depth + 1));
    }
    this.count += 1;
    if (this.count > MAX_NODES)
      throw tooLarge(`at most ${MAX_NODES} nodes with its functions`, key);
    const attributes = mapAttributes(node.attributes, (value) =>
      value.graph ? { ...value, graph: this.graph(value.graph, depth) } : value,
    );
    return [{ ...node, attributes }];
  }

  /** The nodes of a function with the names and attributes of one call. */
  private body(call: OnnxNode, called: OnnxFunction): OnnxNode[] {
    const names = new Map(called.inputs.map((name, i) => [name, call.inputs[i] ?? '']));
    const copies: OnnxNode[] = [];
    for (const [i, name] of called.outputs.entries()) {
      const output = call.outputs[i];
      if (!output) continue;
      // What is an input, or another output, already has a name.
      if (names.has(name)) copies.push(identity(call, names.get(name) as string, output));
      else names.set(name, output);
    }
    const prefix = this.prefixOf(call);
    const rename: Rename = (name) => names.get(name) ?? (name && `${prefix}/${name}`);
    const stated = called.opsets.get('');
    const opset = stated === this.opset ? undefined : stated;
    const resolve = (value: OnnxAttribute): OnnxAttribute | undefined =>
      value.reference === undefined
        ? value
        : (call.attributes.get(value.reference) ?? called.defaults.get(value.reference));
    const inner = called.nodes.map((node) => renamed({ ...node, opset }, rename, resolve));
    return [...inner, ...copies];
  }

  private prefixOf(call: OnnxNode): string {
    this.calls += 1;
    const name = call.outputs[0] ?? '';
    return name && name.length < MAX_NAME_LENGTH / 2 ? name : `call${this.calls}`;
  }
}

/** Nodes and constants, branches included. */
function sizeOfNodes(nodes: readonly OnnxNode[]): number {
  let size = nodes.length;
  for (const { attributes } of nodes) {
    for (const { graph } of attributes.values()) {
      if (graph) size += graph.initializers.size + sizeOfNodes(graph.nodes);
    }
  }
  return size;
}

/** Branches are part of the function: they see its names and attributes. */
function renamed(
  node: OnnxNode,
  rename: Rename,
  resolve: (value: OnnxAttribute) => OnnxAttribute | undefined,
): OnnxNode {
  const branch = (graph: OnnxGraph): OnnxGraph => ({
    ...graph,
    nodes: graph.nodes.map((each) => renamed({ ...each, opset: node.opset }, rename, resolve)),
    initializers: new Map([...graph.initializers].map(([key, value]) => [rename(key), value])),
    outputs: graph.outputs.map((value) => ({ ...value, name: rename(value.name) })),
  });
  return {
    ...node,
    name: node.name && rename(node.name),
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: mapAttributes(node.attributes, (stated) => {
      const value = resolve(stated);
      return value?.graph ? { ...value, graph: branch(value.graph) } : value;
    }),
  };
}

function mapAttributes(
  attributes: ReadonlyMap<string, OnnxAttribute>,
  map: (value: OnnxAttribute) => OnnxAttribute | undefined,
): Map<string, OnnxAttribute> {
  const mapped = new Map<string, OnnxAttribute>();
  for (const [key, value] of attributes) {
    const result = map(value);
    if (result) mapped.set(key, result);
  }
  return mapped;
}

function identity(call: OnnxNode, input: string, output: string): OnnxNode {
  const { name } = call;
  const empty = { domain: '', attributes: new Map(), inputs: [input], outputs: [output] };
  return { name, opType: 'Identity', ...empty };
}

function tooLarge(expected: string, got: string): ArcfaceError {
  const message = `ONNX function ${JSON.stringify(got.slice(0, 80))}: expected ${expected}, got more`;
  return new ArcfaceError('bad_model', message);
}
