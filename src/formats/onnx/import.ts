/**
 * Receives the bytes of an ONNX file of this model family, float or int8, and those of the files in which
 * it keeps weights; returns the graph with weights still in those bytes. Exporter defects are repaired
 * and noted. Refuses damaged files and every operator outside the family, with the node's name and the
 * vector that was computed before it.
 */

import { ArcfaceError } from '../../errors.ts';
import { describe } from '../../graph/limits.ts';
import type { Claim } from '../../graph/preprocessing.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { BYTES_INPUT, claimsOfStart, type GraphStart, namesOf, startOf } from '../graph-start.ts';
import type { Imported } from '../imported.ts';
import { namingEarlierValue, unknownOperator } from '../refusal.ts';
import { trainingOfOnnx } from '../training.ts';
import { isFlat, isInOrder, isOnePixel } from './activation.ts';
import { type Constant, constantOfTensor } from './constant.ts';
import { OnnxContext } from './context.ts';
import { UINT8 } from './data-types.ts';
import type { ExternalFiles } from './external.ts';
import { inlineFunctions } from './inline.ts';
import { graphInput, inputInfo } from './input.ts';
import { liveNodes, usesOf } from './live.ts';
import { claimsOfMetadata } from './metadata.ts';
import {
  keyOf,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxValueInfo,
} from './model.ts';
import { CONSTANT_OPERATORS, isRead, OPERATORS } from './operators/registry.ts';
import { otherNetwork, TAKE_INSTEAD } from './other-networks.ts';
import { readOnnx } from './read.ts';
import { whereOf } from './refuse.ts';
import { type Activation, constantValue, describeValue, type Value } from './values.ts';

export interface OnnxImportOptions {
  /** Name of the value to compute; the first output of the graph if absent. */
  readonly output?: string | undefined;
  /** Files beside the model that hold weights, by the locations of `externalFilesOf`. */
  readonly external?: ExternalFiles | undefined;
}

/** The files beside the model that it keeps weights in: relative paths inside its folder. */
export function externalFilesOf(bytes: Uint8Array): string[] {
  const { externalTensors } = readOnnx(bytes);
  return [...new Set(externalTensors.map(({ external }) => external?.location ?? ''))].sort();
}

export function importOnnx(bytes: Uint8Array, options: OnnxImportOptions = {}): Imported {
  const { external = new Map() } = options;
  const model = readOnnx(bytes);
  for (const tensor of model.externalTensors) tensor.bind(external);
  const graph = inlineFunctions(model, isRead);
  if (options.output === undefined) refuseOtherNetwork(graph);
  const opset = model.opsets.get('') ?? 0;
  const output = outputName(graph, options.output);
  const live = liveNodes(graph, [output]);
  const info = inputInfo(graph, live);
  const input = graphInput(info, live);
  const builder = new GraphBuilder({ name: input.name, shape: input.shape });
  const fileBytes = [...external.values()].reduce((sum, file) => sum + file.length, bytes.length);
  const { statedBatch } = input;
  const context = new OnnxContext({ builder, opset, fileBytes, statedBatch, importBranch });
  context.define(input.name, input.value);
  defineInitializers(graph, live, context);
  importNodes(live, context);
  const value = outputValue(graph, output, context);
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
    notes: [...input.notes, ...context.notes],
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

function defineInitializers(
  graph: OnnxGraph,
  live: readonly OnnxNode[],
  context: OnnxContext,
): void {
  const used = new Set([...live.flatMap(usesOf), ...graph.outputs.map(({ name }) => name)]);
  for (const [key, tensor] of graph.initializers) {
    if (used.has(key)) context.define(key, constantValue(constantOfTensor(tensor, key)));
  }
}

function importNodes(nodes: readonly OnnxNode[], context: OnnxContext): void {
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
function importBranch(branch: OnnxGraph, context: OnnxContext): readonly Value[] {
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
  throw unknownOperator({
    format: 'ONNX',
    operator: node.opType,
    domain: node.domain || 'ai.onnx',
    node: node.name || (node.outputs[0] ?? ''),
    supported: [...new Set([...OPERATORS.keys(), ...CONSTANT_OPERATORS.keys()])].sort(),
    advice: adviceFor(node),
  });
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

/** Operators that tools leave in files which were meant for them alone. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /^com\.microsoft\.nchwc|^com\.ms\.|^com\.microsoft$/,
    'onnxruntime wrote this file for one machine; save it with its basic optimisation level ' +
      '(SessionOptions.graph_optimization_level = ORT_ENABLE_BASIC), or take the file before that',
  ],
  [
    /^org\.pytorch|^aten$|^prim$/,
    'export it with operator_export_type ONNX, without fallback to ATen',
  ],
];

function adviceFor({ domain }: OnnxNode): string | undefined {
  return ADVICE.find(([pattern]) => pattern.test(domain))?.[1];
}

/** The nearest value before `node` that could be an embedding, by its name in the file. */
function vectorBefore(
  node: OnnxNode,
  producers: ReadonlyMap<string, OnnxNode>,
  context: OnnxContext,
): string | undefined {
  const seen = new Set<string>();
  for (let names = usesOf(node); names.length > 0; ) {
    const vector = names.find((name) => isVector(context.get(name)));
    if (vector !== undefined) return vector;
    names = names.flatMap((name) => producers.get(name)?.inputs ?? []);
    names = [...new Set(names)].filter((name) => name && !seen.has(name));
    for (const name of names) seen.add(name);
  }
  return undefined;
}

function isVector(value: Value | undefined): boolean {
  if (value?.kind !== 'activation' || value.integers || value.border) return false;
  return isOnePixel(value) && value.extents[0] > 1 && isFlat(value);
}

/** Whoever names a value knows what the network is. */
function refuseOtherNetwork(graph: OnnxGraph): void {
  const other = otherNetwork(graph);
  if (other === undefined) return;
  const message = `ONNX graph: expected a recognition network, got ${other}; ${TAKE_INSTEAD}`;
  throw new ArcfaceError('bad_model', message);
}

function outputName(graph: OnnxGraph, wanted: string | undefined): string {
  const name = wanted ?? graph.outputs[0]?.name;
  const known =
    name !== undefined &&
    (graph.outputs.some((value) => value.name === name) ||
      graph.nodes.some((node) => node.outputs.includes(name)));
  if (!known) throw noOutput(graph, 'an output of the graph', describe(name));
  return name;
}

/** The value of the graph that is the output; flattened if it is flat in the file. */
function outputValue(graph: OnnxGraph, output: string, context: OnnxContext): Activation {
  const value = context.get(output);
  const x = value && context.realised(value);
  if (!x || x.border) {
    const got = value ? describeValue(value) : 'nothing';
    const expected = 'an output that depends on the picture and is a vector';
    throw noOutput(graph, expected, `${describe(output)}, ${got}`);
  }
  if (!isInOrder(x)) {
    throw noOutput(graph, 'an output in the order [C, H, W]', `[${x.dims}], channels last`);
  }
  return x.flatName === undefined ? x : context.flatNamed(x, x.flatName);
}

function noOutput(graph: OnnxGraph, expected: string, got: string): ArcfaceError {
  const names = graph.outputs.slice(0, 20).map((value) => JSON.stringify(value.name));
  const message = `ONNX graph: expected ${expected}, got ${got}`;
  return new ArcfaceError('bad_model', `${message}; its outputs are ${names.join(', ') || 'none'}`);
}
