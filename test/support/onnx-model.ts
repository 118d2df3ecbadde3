/**
 * ONNX files with everything that `src/formats/onnx/write.ts`, made for seeded networks, does not write:
 * functions, branches, tensors whose values lie in other files, several and untyped outputs.
 */

import type { ExternalRange } from '../../src/formats/onnx/external.ts';
import type {
  OnnxFileAttribute,
  OnnxFileNode,
  OnnxFileTensor,
} from '../../src/formats/onnx/write.ts';
import { MessageWriter } from '../../src/formats/protobuf-writer.ts';
import { joined } from './onnx-files.ts';

export type ModelAttribute =
  | OnnxFileAttribute
  | { readonly floats: readonly number[] }
  | { readonly graph: ModelGraph }
  /** In a function: the attribute of the call; `kind` is AttributeProto.type. */
  | { readonly reference: string; readonly kind: number };

export interface ModelNode extends Omit<OnnxFileNode, 'attributes'> {
  readonly attributes?: Readonly<Record<string, ModelAttribute>>;
}

export interface ModelTensor extends Omit<OnnxFileTensor, 'data'> {
  readonly data?: OnnxFileTensor['data'];
  readonly external?: ExternalRange;
}

/** A branch: what it computes is in `outputs`. */
export interface ModelGraph {
  readonly nodes: readonly ModelNode[];
  readonly tensors?: readonly ModelTensor[];
  readonly outputs: readonly string[];
}

export interface ModelFunction {
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: readonly string[];
  readonly defaults?: Readonly<Record<string, ModelAttribute>>;
  readonly nodes: readonly ModelNode[];
  readonly opset?: number;
}

export interface ModelParts {
  readonly nodes: readonly ModelNode[];
  readonly tensors?: readonly ModelTensor[];
  readonly functions?: readonly ModelFunction[];
  /** Default: `x` [1, 3, 8, 8]. */
  readonly input?: { readonly name: string; readonly dims: readonly (number | string)[] };
  /** Default: that of the last node. */
  readonly outputs?: readonly string[];
  readonly opset?: number;
  readonly domains?: readonly string[];
}

export const FLOAT_ATTRIBUTE = 1;
export const INT_ATTRIBUTE = 2;
export const INTS_ATTRIBUTE = 7;

export function modelBytes(parts: ModelParts): Uint8Array {
  const { nodes, functions = [], opset = 18, domains = ['com.microsoft'] } = parts;
  const { input = { name: 'x', dims: [1, 3, 8, 8] } } = parts;
  const outputs = parts.outputs ?? [nodes.at(-1)?.outputs[0] ?? ''];
  const model = new MessageWriter().int(1, 9).text(2, 'test');
  const sets = new Set([...domains, ...functions.map(({ domain }) => domain)]);
  model.message(8, opsetMessage('', opset));
  for (const domain of sets) model.message(8, opsetMessage(domain, 1));
  for (const each of functions) model.message(25, functionMessage(each, opset));
  const graph = graphMessage({ nodes, outputs, ...(parts.tensors && { tensors: parts.tensors }) });
  const dims = new MessageWriter();
  for (const n of input.dims) {
    const dim = new MessageWriter();
    dims.message(1, typeof n === 'number' ? dim.int(1, n) : dim.text(2, n));
  }
  graph.message(11, valueMessage(input.name, dims));
  return joined(model.message(7, graph).stream());
}

function opsetMessage(domain: string, version: number): MessageWriter {
  return new MessageWriter().text(1, domain).int(2, version);
}

function graphMessage({ nodes, tensors = [], outputs }: ModelGraph): MessageWriter {
  const graph = new MessageWriter().text(2, 'graph');
  for (const node of nodes) graph.message(1, nodeMessage(node));
  for (const tensor of tensors) graph.message(5, tensorMessage(tensor));
  for (const name of outputs) graph.message(12, valueMessage(name));
  return graph;
}

/** f32 of the given dimensions, or of any. */
function valueMessage(name: string, dims?: MessageWriter): MessageWriter {
  const tensor = new MessageWriter().int(1, 1);
  const type = new MessageWriter().message(1, dims ? tensor.message(2, dims) : tensor);
  return new MessageWriter().text(1, name).message(2, type);
}

function functionMessage(each: ModelFunction, opset: number): MessageWriter {
  const message = new MessageWriter().text(1, each.name).text(10, each.domain);
  for (const name of each.inputs) message.text(4, name);
  for (const name of each.outputs) message.text(5, name);
  for (const name of each.attributes ?? []) message.text(6, name);
  for (const node of each.nodes) message.message(7, nodeMessage(node));
  for (const [name, value] of Object.entries(each.defaults ?? {})) {
    message.message(11, attributeMessage(name, value));
  }
  const domains = new Set(each.nodes.map(({ domain }) => domain ?? '').filter((name) => name));
  message.message(9, opsetMessage('', each.opset ?? opset));
  for (const domain of domains) message.message(9, opsetMessage(domain, 1));
  return message;
}

function nodeMessage(node: ModelNode): MessageWriter {
  const message = new MessageWriter();
  for (const input of node.inputs) message.text(1, input);
  for (const output of node.outputs) message.text(2, output);
  message.text(3, node.name).text(4, node.opType);
  for (const [name, value] of Object.entries(node.attributes ?? {})) {
    message.message(5, attributeMessage(name, value));
  }
  return node.domain ? message.text(7, node.domain) : message;
}

function attributeMessage(name: string, value: ModelAttribute): MessageWriter {
  const message = new MessageWriter().text(1, name);
  if ('reference' in value) return message.text(21, value.reference).int(20, value.kind);
  if ('float' in value) return message.float(2, value.float).int(20, 1);
  if ('int' in value) return message.int(3, value.int).int(20, 2);
  if ('text' in value) return message.text(4, value.text).int(20, 3);
  if ('ints' in value) return message.ints(8, value.ints).int(20, 7);
  if ('tensor' in value) return message.message(5, tensorMessage(value.tensor)).int(20, 4);
  if ('graph' in value) return message.message(6, graphMessage(value.graph)).int(20, 5);
  const bytes = new Uint8Array(Float32Array.from(value.floats).buffer);
  return message.bytes(7, bytes).int(20, 6);
}

const DATA_FIELDS = { float_data: 4, int32_data: 5, int64_data: 7, raw_data: 9 } as const;

function tensorMessage({
  name,
  dims,
  dataType,
  data,
  field,
  external,
}: ModelTensor): MessageWriter {
  const message = new MessageWriter();
  for (const dim of dims) message.int(1, dim);
  message.int(2, dataType).text(8, name);
  if (!external) return message.bytes(DATA_FIELDS[field ?? 'raw_data'], data ?? new Uint8Array());
  const { location, offset, length } = external;
  for (const [key, value] of Object.entries({ location, offset, length })) {
    if (value === undefined) continue;
    message.message(13, new MessageWriter().text(1, key).text(2, String(value)));
  }
  return message.int(14, 1);
}
