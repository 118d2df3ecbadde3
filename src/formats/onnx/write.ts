/**
 * Writes ONNX files: the same description gives the same bytes. Weights are produced while the
 * file is streamed, so a 261 MB network needs the memory of its largest tensor.
 */

import { sizeOf } from '../../graph/limits.ts';
import { type LazyBytes, MessageWriter } from '../protobuf-writer.ts';
import { FLOAT, INT64 } from './data-types.ts';

export interface OnnxFile {
  readonly irVersion: number;
  readonly opset: number;
  /** Further operator sets: domain and version. */
  readonly domains?: readonly (readonly [string, number])[];
  readonly producer: string;
  /** `metadata_props`. */
  readonly metadata?: readonly (readonly [key: string, value: string])[];
  readonly name: string;
  readonly nodes: readonly OnnxFileNode[];
  readonly initializers: readonly OnnxFileTensor[];
  readonly inputs: readonly OnnxFileValue[];
  readonly outputs: readonly OnnxFileValue[];
}

export interface OnnxFileNode {
  readonly name: string;
  readonly opType: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxFileAttribute>>;
}

export type OnnxFileAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly tensor: OnnxFileTensor };

export interface OnnxFileTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** Little-endian values, or packed varints for `int64_data` and `int32_data`. */
  readonly data: Uint8Array | LazyBytes;
  /** Default `raw_data`. */
  readonly field?: 'raw_data' | 'float_data' | 'int32_data' | 'int64_data';
}

/** A text dimension is symbolic. */
export interface OnnxFileValue {
  readonly name: string;
  /** Default f32. */
  readonly dataType?: number;
  readonly dims: readonly (number | string)[];
}

const DATA_FIELDS = { float_data: 4, int32_data: 5, int64_data: 7, raw_data: 9 } as const;
const ATTRIBUTE_TYPES = { float: 1, int: 2, text: 3, tensor: 4, ints: 7 } as const;

export function writeOnnx(file: OnnxFile): Generator<Uint8Array> {
  const model = new MessageWriter().int(1, file.irVersion).text(2, file.producer);
  // Before the graph, so that whatever is cut off from the end is missed by the reader.
  for (const [domain, version] of [['', file.opset] as const, ...(file.domains ?? [])]) {
    model.message(8, new MessageWriter().text(1, domain).int(2, version));
  }
  for (const [key, value] of file.metadata ?? []) {
    model.message(14, new MessageWriter().text(1, key).text(2, value));
  }
  return model.message(7, graphMessage(file)).stream();
}

/** f32 values, made by `read` when they are written. */
export function floatTensor(
  name: string,
  dims: readonly number[],
  read: () => Float32Array,
  field: 'raw_data' | 'float_data' = 'raw_data',
): OnnxFileTensor {
  const data: LazyBytes = {
    length: 4 * sizeOf(dims),
    read: () => {
      const values = read();
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    },
  };
  return { name, dims, dataType: FLOAT, data, field };
}

export function int64Tensor(name: string, values: readonly number[]): OnnxFileTensor {
  const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { name, dims: [values.length], dataType: INT64, data };
}

function graphMessage(file: OnnxFile): MessageWriter {
  const graph = new MessageWriter();
  for (const node of file.nodes) graph.message(1, nodeMessage(node));
  graph.text(2, file.name);
  for (const tensor of file.initializers) graph.message(5, tensorMessage(tensor));
  for (const value of file.inputs) graph.message(11, valueMessage(value));
  for (const value of file.outputs) graph.message(12, valueMessage(value));
  return graph;
}

function nodeMessage(node: OnnxFileNode): MessageWriter {
  const message = new MessageWriter();
  for (const input of node.inputs) message.text(1, input);
  for (const output of node.outputs) message.text(2, output);
  message.text(3, node.name).text(4, node.opType);
  for (const [name, value] of Object.entries(node.attributes ?? {})) {
    message.message(5, attributeMessage(name, value));
  }
  return node.domain ? message.text(7, node.domain) : message;
}

function attributeMessage(name: string, value: OnnxFileAttribute): MessageWriter {
  const message = new MessageWriter().text(1, name);
  if ('float' in value) message.float(2, value.float).int(20, ATTRIBUTE_TYPES.float);
  else if ('int' in value) message.int(3, value.int).int(20, ATTRIBUTE_TYPES.int);
  else if ('text' in value) message.text(4, value.text).int(20, ATTRIBUTE_TYPES.text);
  else if ('ints' in value) message.ints(8, value.ints).int(20, ATTRIBUTE_TYPES.ints);
  else message.message(5, tensorMessage(value.tensor)).int(20, ATTRIBUTE_TYPES.tensor);
  return message;
}

function tensorMessage(tensor: OnnxFileTensor): MessageWriter {
  const message = new MessageWriter();
  for (const dim of tensor.dims) message.int(1, dim);
  message.int(2, tensor.dataType).text(8, tensor.name);
  return message.bytes(DATA_FIELDS[tensor.field ?? 'raw_data'], tensor.data);
}

function valueMessage(value: OnnxFileValue): MessageWriter {
  const shape = new MessageWriter();
  for (const dim of value.dims) {
    const message = new MessageWriter();
    if (typeof dim === 'number') message.int(1, dim);
    else message.text(2, dim);
    shape.message(1, message);
  }
  const tensor = new MessageWriter().int(1, value.dataType ?? FLOAT).message(2, shape);
  const type = new MessageWriter().message(1, tensor);
  return new MessageWriter().text(1, value.name).message(2, type);
}
