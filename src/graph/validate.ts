/**
 * Checks a graph that an importer built before anything computes with it: the closed list of
 * operators, unique bounded names, topological order, shapes, finite constants. Weights are not
 * read here; their values are checked when they are packed. Returns every value's shape.
 */

import type { Graph, GraphNode, Shape } from './graph.ts';
import { describe, expect, MAX_NAME_LENGTH, MAX_NODES } from './limits.ts';
import { inferShapes } from './shapes.ts';

const OPERATORS: Readonly<Record<GraphNode['op'], true>> = {
  conv: true,
  fc: true,
  affine: true,
  prelu: true,
  clip: true,
  sigmoid: true,
  add: true,
  mul: true,
  gate: true,
  concat: true,
  subsample: true,
  global_average_pool: true,
  flatten: true,
  equalize_norms: true,
  l2_normalize: true,
};

export function validateGraph(graph: Graph): Map<string, Shape> {
  const { nodes, input, output } = graph;
  const counted = nodes.length >= 1 && nodes.length <= MAX_NODES;
  expect(counted, 'bad_model', 'graph', `1..${MAX_NODES} nodes`, nodes.length);
  for (const name of [input.name, ...nodes.map((node) => node.name)]) {
    const named = name.length >= 1 && name.length <= MAX_NAME_LENGTH;
    expect(named, 'bad_model', 'node name', `1..${MAX_NAME_LENGTH} characters`, name);
  }
  for (const node of nodes) validateNode(node);
  const shapes = inferShapes(graph);
  const computed = nodes.some((node) => node.name === output);
  expect(computed, 'bad_model', 'graph output', 'the name of a node', output);
  return shapes;
}

function validateNode(node: GraphNode): void {
  const where = `node ${JSON.stringify(node.name)}`;
  const known = Object.hasOwn(OPERATORS, node.op);
  const list = Object.keys(OPERATORS).join(', ');
  expect(known, 'unsupported_operator', where, `one of ${list}`, node.op);
  for (const [role, values] of channelVectors(node)) {
    const fault = values?.findIndex((value) => !Number.isFinite(value)) ?? -1;
    const at = `${node.op} ${JSON.stringify(node.name)} ${role}[${fault}]`;
    expect(fault < 0, 'bad_model', at, 'a finite number', values?.[fault]);
  }
  if (node.op === 'clip') validateRange(where, node.min, node.max);
  if ('activation' in node && node.activation?.kind === 'clip') {
    validateRange(where, node.activation.min, node.activation.max);
  }
  if (node.op === 'l2_normalize') {
    const sound = Number.isFinite(node.eps) && node.eps >= 0;
    expect(sound, 'bad_model', where, 'eps >= 0', node.eps);
  }
}

/** Infinite bounds are fine: a one-sided clip. */
function validateRange(where: string, min: number, max: number): void {
  expect(min <= max, 'bad_model', where, 'min <= max', `${describe(min)}, ${describe(max)}`);
}

function channelVectors(node: GraphNode): [role: string, values: Float64Array | undefined][] {
  switch (node.op) {
    case 'conv':
      return [['bias', node.bias], ['pad', node.padValue], ...slopes(node.activation)];
    case 'fc':
      return [['bias', node.bias], ...slopes(node.activation)];
    case 'affine':
      return [
        ['scale', node.scale],
        ['shift', node.shift],
      ];
    case 'prelu':
      return [['slope', node.slope]];
    default:
      return [];
  }
}

function slopes(
  activation: { kind: string; slope?: Float64Array } | undefined,
): [string, Float64Array | undefined][] {
  return [['slope', activation?.slope]];
}
