/**
 * Receives the bytes of an ONNX file; returns the model as plain data whose tensors are views of
 * those bytes. Refuses damaged files, files without a graph or an opset, hostile counts, and graphs
 * nested deeper than any exporter nests them.
 */

import { ArcfaceError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import { WireReader } from '../protobuf.ts';
import {
  keyOf,
  type OnnxAttribute,
  type OnnxFunction,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxValueInfo,
} from './model.ts';
import { bound, readValueInfo } from './read-value-info.ts';
import { type OnnxTensor, readTensor } from './tensor.ts';

/** In the graph, its branches and all functions together. */
export const MAX_NODES = 50_000;
const MAX_TENSORS = 50_000;
const MAX_VALUES = 100_000;
const MAX_OPSETS = 64;
const MAX_METADATA = 1000;
const MAX_METADATA_TEXT = 256;
const MAX_FUNCTIONS = 10_000;
const MAX_NODE_VALUES = 256;
const MAX_ATTRIBUTES = 64;
const MAX_ATTRIBUTE_VALUES = 65_536;
const MAX_DEPTH = 8;

/** What is counted, and gathered, over the whole file. */
interface Tally {
  nodes: number;
  tensors: number;
  readonly external: OnnxTensor[];
}

export function readOnnx(bytes: Uint8Array): OnnxModel {
  const opsets = new Map<string, number>();
  const metadata = new Map<string, string>();
  const functions = new Map<string, OnnxFunction>();
  const tally: Tally = { nodes: 0, tensors: 0, external: [] };
  let irVersion = 0;
  let producer = '';
  let graph: OnnxGraph | undefined;
  const reader = new WireReader(bytes);
  while (reader.next()) {
    const { field } = reader;
    if (field === 1) irVersion = reader.int();
    else if (field === 2) producer = reader.text();
    else if (field === 7) {
      if (graph) reader.fail('one graph', 'two');
      graph = readGraph(reader.message(), tally, 0);
    } else if (field === 8) readOpset(reader, opsets);
    else if (field === 14) readMetadata(reader.message(), metadata);
    else if (field === 25) {
      bound(reader, functions.size, MAX_FUNCTIONS, 'functions');
      const [key, value] = readFunction(reader.message(), tally);
      functions.set(key, value);
    } else reader.skip();
  }
  if (!graph) throw notOnnx('a graph');
  if (!opsets.has('')) throw notOnnx('an opset version; it is cut off or no model');
  const externalTensors = tally.external;
  return { irVersion, producer, metadata, opsets, graph, functions, externalTensors };
}

function notOnnx(what: string): ArcfaceError {
  return new ArcfaceError('bad_model', `ONNX file: expected ${what}, got a file without`);
}

function readOpset(from: WireReader, opsets: Map<string, number>): void {
  bound(from, opsets.size, MAX_OPSETS, 'operator sets');
  const reader = from.message();
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

function readGraph(reader: WireReader, tally: Tally, depth: number): OnnxGraph {
  let name = '';
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, OnnxTensor>();
  const inputs: OnnxValueInfo[] = [];
  const outputs: OnnxValueInfo[] = [];
  while (reader.next()) {
    const { field } = reader;
    if (field === 1) nodes.push(readNode(reader.message(), tally, depth));
    else if (field === 2) name = reader.text();
    else if (field === 5) {
      const tensor = countedTensor(reader.message(), tally);
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

function countedTensor(reader: WireReader, tally: Tally): OnnxTensor {
  bound(reader, tally.tensors, MAX_TENSORS, 'tensors');
  tally.tensors += 1;
  const tensor = readTensor(reader);
  if (tensor.external) tally.external.push(tensor);
  return tensor;
}

/** FunctionProto, with what its calls are told apart by. */
function readFunction(reader: WireReader, tally: Tally): [key: string, value: OnnxFunction] {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const defaults = new Map<string, OnnxAttribute>();
  const opsets = new Map<string, number>();
  const nodes: OnnxNode[] = [];
  let [opType, domain, overload] = ['', '', ''];
  while (reader.next()) {
    const { field } = reader;
    if (field === 1) opType = reader.text();
    else if (field === 4 || field === 5) {
      const values = field === 4 ? inputs : outputs;
      bound(reader, values.length, MAX_NODE_VALUES, 'inputs or outputs of a function');
      values.push(reader.text());
    } else if (field === 7) nodes.push(readNode(reader.message(), tally, 0));
    else if (field === 9) readOpset(reader, opsets);
    else if (field === 10) domain = normalizeDomain(reader.text());
    else if (field === 11) readAttributeInto(defaults, reader, tally, 0);
    else if (field === 13) overload = reader.text();
    else reader.skip();
  }
  return [keyOf({ domain, opType, overload }), { inputs, outputs, defaults, opsets, nodes }];
}

function readNode(reader: WireReader, tally: Tally, depth: number): OnnxNode {
  bound(reader, tally.nodes, MAX_NODES, 'nodes');
  tally.nodes += 1;
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, OnnxAttribute>();
  let [name, opType, domain, overload] = ['', '', '', ''];
  while (reader.next()) {
    const { field } = reader;
    if (field === 1 || field === 2) {
      const values = field === 1 ? inputs : outputs;
      bound(reader, values.length, MAX_NODE_VALUES, 'inputs or outputs of a node');
      values.push(reader.text());
    } else if (field === 3) name = reader.text();
    else if (field === 4) opType = reader.text();
    else if (field === 5) readAttributeInto(attributes, reader, tally, depth);
    else if (field === 7) domain = normalizeDomain(reader.text());
    else if (field === 8) overload = reader.text();
    else reader.skip();
  }
  return { name, opType, domain, overload, inputs, outputs, attributes };
}

function readAttributeInto(
  attributes: Map<string, OnnxAttribute>,
  from: WireReader,
  tally: Tally,
  depth: number,
): void {
  bound(from, attributes.size, MAX_ATTRIBUTES, 'attributes of a node');
  const [key, value] = readAttribute(from.message(), tally, depth);
  attributes.set(key, value);
}

function readAttribute(
  reader: WireReader,
  tally: Tally,
  depth: number,
): [name: string, value: OnnxAttribute] {
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
    else if (field === 5) value = { ...value, tensor: countedTensor(reader.message(), tally) };
    else if (field === 6) {
      bound(reader, depth, MAX_DEPTH, 'graphs inside each other');
      value = { ...value, graph: readGraph(reader.message(), tally, depth + 1) };
    } else if (field === 7) reader.floats(floats, MAX_ATTRIBUTE_VALUES);
    else if (field === 8) reader.ints(ints, MAX_ATTRIBUTE_VALUES);
    else if (field === 21) value = { ...value, reference: reader.text() };
    else if ((field >= 9 && field <= 11) || field >= 22) {
      value = { ...value, other: true };
      reader.skip();
    } else reader.skip();
  }
  if (floats.length > 0) value = { ...value, floats };
  if (ints.length > 0) value = { ...value, ints };
  return [name, value];
}
