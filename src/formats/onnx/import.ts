/**
 * Receives the bytes of an ONNX file of this model family, float or int8; returns the graph with
 * weights still in those bytes. Exporter defects are repaired and noted. Refuses damaged files and
 * every operator outside the family, with the node's name.
 */

import { ArcfaceError } from '../../errors.ts';
import { FACE_SHAPE } from '../../graph/graph.ts';
import { describe, elementsOf, expect } from '../../graph/limits.ts';
import type { Claim } from '../../graph/preprocessing.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { BYTES_INPUT, claimsOfStart, type GraphStart, namesOf, startOf } from '../graph-start.ts';
import type { Imported } from '../imported.ts';
import { unknownOperator } from '../refusal.ts';
import { trainingOfOnnx } from '../training.ts';
import { constantOfTensor } from './constant.ts';
import { OnnxContext } from './context.ts';
import { UINT8 } from './data-types.ts';
import { claimsOfMetadata } from './metadata.ts';
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxValueInfo } from './model.ts';
import { OPERATORS } from './operators/registry.ts';
import { readOnnx } from './read.ts';

export interface OnnxImportOptions {
  /** Name of the value to compute; the first output of the graph if absent. */
  readonly output?: string | undefined;
}

export function importOnnx(bytes: Uint8Array, options: OnnxImportOptions = {}): Imported {
  const model = readOnnx(bytes);
  const { graph } = model;
  const opset = model.opsets.get('') ?? 0;
  const output = outputName(graph, options.output);
  const live = liveNodes(graph, output);
  const info = inputInfo(graph, live);
  const notes: string[] = [];
  const input = { name: info.name, shape: inputShape(info, notes) };
  const builder = new GraphBuilder(input);
  const statedBatch = info.dims?.[0];
  const context = new OnnxContext({ builder, opset, fileBytes: bytes.length, statedBatch });
  defineInputs(graph, input, live, context);
  for (const node of live) importNode(node, context);
  const value = context.get(output);
  if (value?.kind !== 'activation') {
    throw noOutput(graph, `an output that depends on the picture`, output);
  }
  if (context.quantization.size > 0) context.note(INT8_NOTE);
  const built = builder.build(graph.name || 'onnx', value.name);
  const start = startOf(built, context.batchNorms);
  const producer = model.producer ? ` (${model.producer})` : '';
  return {
    graph: built,
    format: 'onnx',
    formatDetail: `ONNX opset ${opset}${producer}`,
    claims: claimsOf(model, info, start),
    ...(start.reversesChannels && { reversedChannels: true }),
    training: trainingOfOnnx(model),
    notes: [...notes, ...context.notes],
    ...(context.quantization.size > 0
      ? { quantization: Object.fromEntries(context.quantization) }
      : {}),
  };
}

function claimsOf(model: OnnxModel, input: OnnxValueInfo, start: GraphStart): Claim[] {
  const { metadata, graph } = model;
  return [
    ...claimsOfMetadata(metadata, start),
    ...(input.elementType === UINT8 ? [BYTES_INPUT] : []),
    ...claimsOfStart(start, namesOf(graph)),
  ];
}

const INT8_NOTE =
  'int8 file: weights are dequantised to f32 and the rounding of activations is left out';

function defineInputs(
  graph: OnnxGraph,
  input: { name: string; shape: readonly [number, number, number] },
  live: readonly OnnxNode[],
  context: OnnxContext,
): void {
  const { name, shape } = input;
  context.define(name, { kind: 'activation', name, shape, dims: [1, ...shape] });
  // Pixels with a zero point of 0 are not cut off by it.
  context.nonNegative.add(name);
  const used = new Set(live.flatMap((node) => node.inputs));
  for (const [key, tensor] of graph.initializers) {
    if (!used.has(key)) continue;
    context.define(key, { kind: 'constant', constant: constantOfTensor(tensor) });
  }
}

function importNode(node: OnnxNode, context: OnnxContext): void {
  const key = node.domain ? `${node.domain}:${node.opType}` : node.opType;
  const operator = OPERATORS.get(key);
  if (!operator) {
    throw unknownOperator({
      format: 'ONNX',
      operator: node.opType,
      domain: node.domain || 'ai.onnx',
      node: node.name || (node.outputs[0] ?? ''),
      supported: [...OPERATORS.keys()],
    });
  }
  context.define(node.outputs[0] ?? '', operator(node, context));
}

function outputName(graph: OnnxGraph, wanted: string | undefined): string {
  const name = wanted ?? graph.outputs[0]?.name;
  const known =
    name !== undefined &&
    (graph.outputs.some((value) => value.name === name) ||
      graph.nodes.some((node) => node.outputs[0] === name));
  if (!known) throw noOutput(graph, 'an output of the graph', name);
  return name;
}

function noOutput(graph: OnnxGraph, expected: string, got: string | undefined): ArcfaceError {
  const names = graph.outputs.slice(0, 20).map((value) => JSON.stringify(value.name));
  const message = `ONNX graph: expected ${expected}, got ${describe(got)}`;
  return new ArcfaceError('bad_model', `${message}; its outputs are ${names.join(', ') || 'none'}`);
}

/** The nodes that `output` needs, in file order, which ONNX demands to be topological. */
function liveNodes(graph: OnnxGraph, output: string): OnnxNode[] {
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
  const open = [output];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = producers.get(name);
    if (!node || live.has(node)) continue;
    live.add(node);
    open.push(...node.inputs);
  }
  return graph.nodes.filter((node) => live.has(node));
}

/** The one graph input that is no initializer; files before IR 4 list initializers as inputs. */
function inputInfo(graph: OnnxGraph, live: readonly OnnxNode[]): OnnxValueInfo {
  const used = new Set(live.flatMap((node) => node.inputs));
  const candidates = graph.inputs.filter(
    ({ name }) => used.has(name) && !graph.initializers.has(name),
  );
  const [input, ...others] = candidates;
  if (input && others.length === 0) return input;
  const got = candidates.map(({ name }) => name);
  throw new ArcfaceError(
    'bad_model',
    `ONNX graph: expected one input that the output depends on, got ${describe(got)}`,
  );
}

/** [C, H, W]; symbolic sizes are taken for 3 and 112. */
function inputShape(info: OnnxValueInfo, notes: string[]): [number, number, number] {
  const where = `ONNX input ${describe(info.name)}`;
  const dims = info.dims?.length ? info.dims : [1, undefined, undefined, undefined];
  expect(dims.length === 4, 'bad_model', where, '[N, 3, 112, 112]', [...dims]);
  const [batch = 1, ...sizes] = dims;
  const shape = FACE_SHAPE.map((size, i) => sizes[i] ?? size) as [number, number, number];
  const sane = elementsOf(shape) !== undefined;
  expect(sane, 'bad_model', where, '[N, 3, 112, 112]', [...dims]);
  if (dims.slice(1).includes(undefined)) {
    notes.push(`assumed: input ${describe(info.name)} is [${shape.join(', ')}]; the file is open`);
  }
  if (batch > 1) notes.push(`the file's batch of ${batch} is read as a batch of 1`);
  return shape;
}
