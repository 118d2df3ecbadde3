/**
 * Receives the bytes of an ONNX file; returns the model as plain data whose tensors are views of
 * those bytes. Refuses damaged files, files without a graph or an opset, and hostile counts.
 * Subgraphs are passed over, so nesting has a fixed depth.
 */

import { ArcfaceError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import { WireReader } from '../protobuf.ts';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxValueInfo } from './model.ts';
import { type OnnxTensor, readTensor } from './tensor.ts';

const MAX_NODES = 50_000;
const MAX_TENSORS = 50_000;
const MAX_VALUES = 100_000;
const MAX_OPSETS = 64;
const MAX_METADATA = 1000;
const MAX_METADATA_TEXT = 256;
const MAX_NODE_VALUES = 256;
const MAX_ATTRIBUTES = 64;
const MAX_ATTRIBUTE_VALUES = 65_536;

export function readOnnx(bytes: Uint8Array): OnnxModel {
  const opsets = new Map<string, number>();
  const metadata = new Map<string, string>();
  let irVersion = 0;
  let producer = '';
  let graph: OnnxGraph | undefined;
  const reader = new WireReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) irVersion = reader.int();
    else if (reader.field === 2) producer = reader.text();
    else if (reader.field === 7) {
      if (graph) reader.fail('one graph', 'two');
      graph = readGraph(reader.message());
    } else if (reader.field === 8) {
      bound(reader, opsets.size, MAX_OPSETS, 'operator sets');
      readOpset(reader.message(), opsets);
    } else if (reader.field === 14) {
      readMetadata(reader.message(), metadata);
    } else reader.skip();
  }
  if (!graph) throw notOnnx('a graph');
  if (!opsets.has('')) throw notOnnx('an opset version; it is cut off or no model');
  return { irVersion, producer, metadata, opsets, graph };
}

function notOnnx(what: string): ArcfaceError {
  return new ArcfaceError('bad_model', `ONNX file: expected ${what}, got a file without`);
}

function readOpset(reader: WireReader, opsets: Map<string, number>): void {
  let domain = '';
  let version = 0;
  while (reader.next()) {
    if (reader.field === 1) domain = reader.text();
    else if (reader.field === 2) version = reader.int();
    else reader.skip();
  }
  opsets.set(normalizeDomain(domain), version);
}

/** Tools keep anything here: what is long, or no text, is no statement about pixels. */
function readMetadata(reader: WireReader, metadata: Map<string, string>): void {
  let key: string | undefined;
  let value: string | undefined;
  while (reader.next()) {
    if (reader.field === 1) key = shortText(reader.bytes());
    else if (reader.field === 2) value = shortText(reader.bytes());
    else reader.skip();
  }
  if (key === undefined || value === undefined || metadata.size >= MAX_METADATA) return;
  if (!metadata.has(key)) metadata.set(key, value);
}

function shortText(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_METADATA_TEXT) return undefined;
  return printable(new TextDecoder().decode(bytes));
}

function normalizeDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function readGraph(reader: WireReader): OnnxGraph {
  let name = '';
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, OnnxTensor>();
  const inputs: OnnxValueInfo[] = [];
  const outputs: OnnxValueInfo[] = [];
  while (reader.next()) {
    const { field } = reader;
    if (field === 1) {
      bound(reader, nodes.length, MAX_NODES, 'nodes');
      nodes.push(readNode(reader.message()));
    } else if (field === 2) name = reader.text();
    else if (field === 5) {
      bound(reader, initializers.size, MAX_TENSORS, 'initializers');
      const tensor = readTensor(reader.message());
      if (initializers.has(tensor.name))
        reader.fail('initializers of different names', tensor.name);
      initializers.set(tensor.name, tensor);
    } else if (field === 11 || field === 12) {
      const values = field === 11 ? inputs : outputs;
      bound(reader, values.length, MAX_VALUES, 'graph inputs or outputs');
      values.push(readValueInfo(reader.message()));
    } else if (field === 15) reader.fail('dense initializers', 'a sparse one');
    else reader.skip();
  }
  return { name, nodes, initializers, inputs, outputs };
}

function readNode(reader: WireReader): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, OnnxAttribute>();
  let name = '';
  let opType = '';
  let domain = '';
  while (reader.next()) {
    const { field } = reader;
    if (field === 1 || field === 2) {
      const values = field === 1 ? inputs : outputs;
      bound(reader, values.length, MAX_NODE_VALUES, 'inputs or outputs of a node');
      values.push(reader.text());
    } else if (field === 3) name = reader.text();
    else if (field === 4) opType = reader.text();
    else if (field === 5) {
      bound(reader, attributes.size, MAX_ATTRIBUTES, 'attributes of a node');
      const [key, value] = readAttribute(reader.message());
      attributes.set(key, value);
    } else if (field === 7) domain = normalizeDomain(reader.text());
    else reader.skip();
  }
  return { name, opType, domain, inputs, outputs, attributes };
}

function readAttribute(reader: WireReader): [string, OnnxAttribute] {
  let name = '';
  let value: OnnxAttribute = {};
  const floats: number[] = [];
  const ints: number[] = [];
  while (reader.next()) {
    const { field } = reader;
    if (field === 1) name = reader.text();
    else if (field === 2) value = { ...value, float: reader.float() };
    else if (field === 3) value = { ...value, int: reader.int() };
    else if (field === 4) value = { ...value, text: reader.text() };
    else if (field === 5) value = { ...value, tensor: readTensor(reader.message()) };
    else if (field === 7) reader.floats(floats, MAX_ATTRIBUTE_VALUES);
    else if (field === 8) reader.ints(ints, MAX_ATTRIBUTE_VALUES);
    else if (field === 6 || (field >= 9 && field <= 11) || field >= 21) {
      value = { ...value, other: true };
      reader.skip();
    } else reader.skip();
  }
  if (floats.length > 0) value = { ...value, floats };
  if (ints.length > 0) value = { ...value, ints };
  return [name, value];
}

/** ValueInfoProto: name and, down through TypeProto.Tensor, element type and dimensions. */
function readValueInfo(reader: WireReader): OnnxValueInfo {
  let name = '';
  let type: Omit<OnnxValueInfo, 'name'> = {};
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 2) type = readTensorType(reader.message());
    else reader.skip();
  }
  return { name, ...type };
}

function readTensorType(type: WireReader): Omit<OnnxValueInfo, 'name'> {
  let stated: Omit<OnnxValueInfo, 'name'> = {};
  while (type.next()) {
    if (type.field !== 1) {
      type.skip();
      continue;
    }
    const tensor = type.message();
    while (tensor.next()) {
      if (tensor.field === 1) stated = { ...stated, elementType: tensor.int() };
      else if (tensor.field === 2) stated = { ...stated, dims: readShape(tensor.message()) };
      else tensor.skip();
    }
  }
  return stated;
}

function readShape(shape: WireReader): (number | undefined)[] {
  const dims: (number | undefined)[] = [];
  while (shape.next()) {
    if (shape.field !== 1) {
      shape.skip();
      continue;
    }
    bound(shape, dims.length, 16, 'dimensions');
    const dim = shape.message();
    let value: number | undefined;
    while (dim.next()) {
      if (dim.field === 1) value = dim.int();
      else dim.skip();
    }
    dims.push(value !== undefined && value > 0 ? value : undefined);
  }
  return dims;
}

function bound(reader: WireReader, count: number, limit: number, what: string): void {
  if (count >= limit) reader.fail(`at most ${limit} ${what}`, 'more');
}
