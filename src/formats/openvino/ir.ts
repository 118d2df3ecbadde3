/**
 * OpenVINO IR `.xml` (versions 5 to 7, 10, 11): bytes -> layers whose inputs are resolved to other
 * layers. Refuses other versions, edges to nowhere, ports fed twice. Knows nothing about operators.
 *
 * Source: docs.openvino.ai, "Operation Sets and IR format"; "Intermediate Representation notation".
 */

import { ArcfaceError } from '../../errors.ts';
import { describe, isIntegerIn } from '../../graph/limits.ts';
import { type IrStatements, readStatements } from './statements.ts';
import { childOf, childrenOf, readXml, type XmlElement } from './xml.ts';

/** Output `output` (by position) of layer `layer` (by position). */
export interface IrSource {
  readonly layer: number;
  readonly output: number;
}

export interface IrPort {
  /** -1 where unknown. */
  readonly dims: readonly number[];
  readonly precision: string | undefined;
  /** Tensor names, version 11. */
  readonly names: readonly string[];
}

/** Bytes of the `.bin` file, not yet checked against its length. */
export interface IrBlob {
  readonly offset: number;
  readonly size: number;
  readonly precision: string | undefined;
}

export interface IrLayer {
  readonly name: string;
  readonly type: string;
  readonly data: ReadonlyMap<string, string>;
  /** By port order; undefined where nothing is connected. */
  readonly inputs: readonly (IrSource | undefined)[];
  readonly outputs: readonly IrPort[];
  /** 'weights', 'biases', 'custom': versions 5 to 7. */
  readonly blobs: ReadonlyMap<string, IrBlob>;
  readonly precision: string | undefined;
  /** 'opset1'; undefined in versions 5 to 7. */
  readonly opset: string | undefined;
}

export interface Ir {
  readonly name: string;
  readonly version: number;
  readonly layers: readonly IrLayer[];
  /** The `<pre-process>` section, which the runtime applies. */
  readonly preProcess: XmlElement | undefined;
  readonly statements: IrStatements;
}

const WHERE = 'OpenVINO .xml';
const VERSIONS = [5, 6, 7, 10, 11];
const MAX_LAYERS = 50_000;
const NO_DATA: ReadonlyMap<string, string> = new Map();

export function readIr(bytes: Uint8Array): Ir {
  const root = readXml(bytes);
  if (root.name !== 'net') throw fault('root', 'an element <net>', `<${root.name}>`);
  const version = Number(root.attributes.get('version'));
  if (!VERSIONS.includes(version)) {
    const got = root.attributes.get('version');
    throw fault('net', `version ${VERSIONS.join(', ')}`, got);
  }
  const elements = childOf(root, 'layers')?.children ?? [];
  if (elements.length > MAX_LAYERS) throw fault('layers', `at most ${MAX_LAYERS}`, elements.length);
  const sources = readEdges(root, elements);
  return {
    name: root.attributes.get('name') ?? 'openvino',
    version,
    layers: elements.map((element) => readLayer(element, sources)),
    preProcess: childOf(root, 'pre-process'),
    statements: readStatements(root),
  };
}

/** By `<layer id>:<port id>` of the receiving end. */
function readEdges(root: XmlElement, layers: readonly XmlElement[]): Map<string, IrSource> {
  const ports = new Map<string, IrSource>();
  layers.forEach((element, layer) => {
    const id = required(element, 'id', 'layer');
    portsOf(element, 'output').forEach((port, output) => {
      const key = `${id}:${required(port, 'id', `layer ${id}`)}`;
      if (ports.has(key)) throw fault(`layer ${id}`, 'ids of its own', key);
      ports.set(key, { layer, output });
    });
  });
  const sources = new Map<string, IrSource>();
  for (const edge of childOf(root, 'edges')?.children ?? []) {
    const from = `${required(edge, 'from-layer', 'edge')}:${required(edge, 'from-port', 'edge')}`;
    const to = `${required(edge, 'to-layer', 'edge')}:${required(edge, 'to-port', 'edge')}`;
    const source = ports.get(from);
    if (!source) throw fault('edge', 'the port of a layer', from);
    if (sources.has(to)) throw fault('edge', `one edge to ${to}`, 'two');
    sources.set(to, source);
  }
  return sources;
}

function readLayer(element: XmlElement, sources: ReadonlyMap<string, IrSource>): IrLayer {
  const id = required(element, 'id', 'layer');
  const type = required(element, 'type', `layer ${id}`);
  const inputs = portsOf(element, 'input').map((port) =>
    sources.get(`${id}:${required(port, 'id', `layer ${id}`)}`),
  );
  return {
    name: element.attributes.get('name') || `${type}_${id}`,
    type,
    data: childOf(element, 'data')?.attributes ?? NO_DATA,
    inputs,
    outputs: portsOf(element, 'output').map(readPort),
    blobs: readBlobs(element, id),
    precision: element.attributes.get('precision'),
    opset: element.attributes.get('version'),
  };
}

function portsOf(element: XmlElement, side: 'input' | 'output'): XmlElement[] {
  const ports = childOf(element, side);
  return ports ? childrenOf(ports, 'port') : [];
}

function readPort(port: XmlElement): IrPort {
  const dims = childrenOf(port, 'dim').map(({ text }) =>
    /^\d{1,9}$/.test(text) ? Number(text) : -1,
  );
  const names = port.attributes.get('names')?.split(',') ?? [];
  return { dims, precision: port.attributes.get('precision'), names };
}

/** Inside <blobs>, or directly in the layer. */
function readBlobs(element: XmlElement, id: string): Map<string, IrBlob> {
  const blobs = new Map<string, IrBlob>();
  const holders = [element, ...childrenOf(element, 'blobs')];
  for (const blob of holders.flatMap(({ children }) => children)) {
    if (!/^(weights|biases|custom)$/.test(blob.name)) continue;
    const where = `layer ${id}, ${blob.name}`;
    const offset = byteCount(blob.attributes.get('offset'), where);
    const size = byteCount(blob.attributes.get('size'), where);
    blobs.set(blob.name, { offset, size, precision: blob.attributes.get('precision') });
  }
  return blobs;
}

/** Offset or size in the `.bin` file. */
export function byteCount(text: string | undefined, where: string): number {
  const count = text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (!isIntegerIn(count, 0, Number.MAX_SAFE_INTEGER)) throw fault(where, 'a count of bytes', text);
  return count;
}

function required(element: XmlElement, key: string, where: string): string {
  const value = element.attributes.get(key);
  if (value === undefined) throw fault(where, `an attribute ${key}`, 'none');
  return value;
}

function fault(where: string, expected: string, got: unknown): ArcfaceError {
  const message = `${WHERE}, ${where.slice(0, 128)}: expected ${expected}, got ${describe(got)}`;
  return new ArcfaceError('bad_model', message);
}
