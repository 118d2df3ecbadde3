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
import { trainingOfOnnx } from '../training.ts';
import { isInOrder } from './activation.ts';
import { OnnxContext } from './context.ts';
import { UINT8 } from './data-types.ts';
import type { ExternalFiles } from './external.ts';
import { inlineFunctions } from './inline.ts';
import { graphInput, inputInfo } from './input.ts';
import { liveNodes } from './live.ts';
import { claimsOfMetadata } from './metadata.ts';
import type { OnnxGraph, OnnxModel, OnnxValueInfo } from './model.ts';
import { defineInitializers, importBranch, importNodes } from './nodes.ts';
import { isRead } from './operators/registry.ts';
import { otherNetwork, TAKE_INSTEAD } from './other-networks.ts';
import { readOnnx } from './read.ts';
import { type Activation, describeValue } from './values.ts';

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
