/**
 * The nodes of a graph or branch, in order, each to the values of its outputs: computed where all inputs
 * are constant, else part of the graph being built. Refuses operators that are in neither table.
 */

import { ArcfaceError } from '../../errors.ts';
import { describe } from '../../graph/limits.ts';
import { namingEarlierValue } from '../refusal.ts';
import { type Constant, constantOfTensor } from './constant.ts';
import type { OnnxContext } from './context.ts';
import { liveNodes, usesOf } from './live.ts';
import { keyOf, type OnnxGraph, type OnnxNode } from './model.ts';
import { CONSTANT_OPERATORS, OPERATORS } from './operators/registry.ts';
import { whereOf } from './refuse.ts';
import { unreadOperator, vectorBefore } from './unread.ts';
import { constantValue, type Value } from './values.ts';

/** Those that the graph needs; files before IR 4 list the others as well. */
export function defineInitializers(
  graph: OnnxGraph,
  live: readonly OnnxNode[],
  context: OnnxContext,
): void {
  const used = new Set([...live.flatMap(usesOf), ...graph.outputs.map(({ name }) => name)]);
  for (const [key, tensor] of graph.initializers) {
    if (used.has(key)) context.define(key, constantValue(constantOfTensor(tensor, key)));
  }
}

/** In file order; a refusal names the vector that was computed before it. */
export function importNodes(nodes: readonly OnnxNode[], context: OnnxContext): void {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  for (const node of nodes) {
    try {
      importNode(node, context);
    } catch (error) {
      const isRefusal = error instanceof ArcfaceError && error.code === 'unsupported_operator';
      const earlier = isRefusal ? vectorBefore(node, producers, context) : undefined;
      throw earlier === undefined ? error : namingEarlierValue(error as ArcfaceError, earlier);
    }
  }
}

/** What a taken branch computes, in the place of its If. */
export function importBranch(branch: OnnxGraph, context: OnnxContext): readonly Value[] {
  const names = branch.outputs.map(({ name }) => name);
  const live = liveNodes(branch, names);
  defineInitializers(branch, live, context);
  for (const node of live) importNode(node, context);
  return names.map((name) => {
    const value = context.get(name);
    if (value) return value;
    throw new ArcfaceError(
      'bad_model',
      `ONNX branch: expected an output ${describe(name)}, got none`,
    );
  });
}

function importNode(node: OnnxNode, context: OnnxContext): void {
  const values = valuesOf(node, context);
  for (const [i, value] of values.entries()) {
    const name = node.outputs[i];
    if (name) context.define(name, value);
  }
  for (const [i, name] of node.outputs.entries()) {
    const what = `output ${i} of ${whereOf(node)}`;
    if (name && i >= values.length) context.define(name, { kind: 'unread', what });
  }
}

function valuesOf(node: OnnxNode, context: OnnxContext): readonly Value[] {
  const key = keyOf(node);
  const constant = CONSTANT_OPERATORS.get(key);
  const inputs = constant && constantInputs(node, context);
  if (constant && inputs) {
    context.work(inputs);
    return [constant(node, inputs)].flat().map((each) => constantValue(each as Constant));
  }
  const operator = OPERATORS.get(key);
  if (operator) return [operator(node, context)].flat() as Value[];
  throw unreadOperator(node, [...OPERATORS.keys(), ...CONSTANT_OPERATORS.keys()]);
}

/** All inputs, if none of them depends on the picture. */
function constantInputs(
  node: OnnxNode,
  context: OnnxContext,
): readonly (Constant | undefined)[] | undefined {
  const values = node.inputs.map((_, i) => context.optional(node, i));
  const constants = values.map((value) =>
    value?.kind === 'constant' ? value.constant : undefined,
  );
  return values.every((value, i) => value === undefined || constants[i]) ? constants : undefined;
}
