/**
 * The header of a weights file (`weights/FORMAT.md`): 8 bytes of length, JSON, then the data, which
 * is read elsewhere. Whatever the file states about its tensors is derived again from its network
 * and compared, so nothing in it is trusted to find anything. Refuses holes, overlaps, wrong sizes,
 * duplicate keys, foreign tensors and dtypes, and headers above 16 MiB before they are allocated.
 */

import { ArcfaceError } from '../errors.ts';
import { DTYPES } from '../graph/dtype.ts';
import type { Shape } from '../graph/graph.ts';
import { type TensorSpec, tensorsOf } from '../graph/layout.ts';
import { elementsOf, expect } from '../graph/limits.ts';
import { dtypeOf, type Network } from '../graph/network.ts';
import { inferNetworkShapes } from '../graph/shapes.ts';
import { validateNetwork } from '../graph/validate-network.ts';
import { parseJsonStrictly } from './json-keys.ts';
import { type FileGroup, signatureOf } from './signatures.ts';
import { encodeMetadata, parseMetadata, type WeightsMetadata } from './weights-metadata.ts';

export interface StoredTensor {
  readonly name: string;
  readonly spec: TensorSpec;
  /** From the start of the data. */
  readonly offset: number;
  readonly bytes: number;
}

export interface WeightsHeader {
  readonly metadata: WeightsMetadata;
  readonly network: Network;
  /** Of the input and of every operator's value. */
  readonly shapes: Map<string, Shape>;
  /** Where the data starts in the file; a multiple of 64. */
  readonly dataOffset: number;
  readonly dataBytes: number;
  /** In file order, without gaps. */
  readonly tensors: readonly StoredTensor[];
}

const CODE = 'bad_weights';
const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 16 * 2 ** 20;
/** What fits a 32-bit memory. */
const MAX_DATA_BYTES = 2 ** 32;
const ALIGNMENT = 64;
const BIAS_BYTES = 4;

/** From the first 8 bytes: how many bytes, these included, `parseWeightsHeader` needs. */
export function headerBytesNeeded(first8: Uint8Array, fileSize?: number): number {
  const got = first8.length;
  expect(got >= LENGTH_BYTES, CODE, 'weights file', `at least ${LENGTH_BYTES} bytes`, got);
  const view = new DataView(first8.buffer, first8.byteOffset, LENGTH_BYTES);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  const bounded = length >= 2 && length <= MAX_HEADER_BYTES;
  if (!bounded || !isAligned(LENGTH_BYTES + length)) refuseForeign(first8);
  expect(
    bounded,
    CODE,
    'weights file',
    `a safetensors header of 2..${MAX_HEADER_BYTES} bytes`,
    length,
  );
  const needed = LENGTH_BYTES + length;
  const fits = fileSize === undefined || needed <= fileSize;
  expect(fits, CODE, 'weights file', `a header within ${fileSize} bytes`, needed);
  return needed;
}

/**
 * `bytes`: the file's first `headerBytesNeeded` bytes, or more. With `fileSize` the length of the
 * whole file is compared too.
 */
export function parseWeightsHeader(bytes: Uint8Array, fileSize?: number): WeightsHeader {
  const dataOffset = headerBytesNeeded(bytes, fileSize);
  const complete = bytes.length >= dataOffset;
  expect(complete, CODE, 'weights file', `a header of ${dataOffset} bytes`, bytes.length);
  const entries = parseEntries(bytes.subarray(LENGTH_BYTES, dataOffset));
  const metadataEntries = metadataOf(entries);
  entries.delete('__metadata__');
  const aligned = isAligned(dataOffset);
  expect(aligned, CODE, 'weights file', `data at a multiple of ${ALIGNMENT}`, dataOffset);
  const network = parseNetwork(metadataEntries.get('network'));
  const metadata = parseMetadata(metadataEntries, network.name);
  const dtype = dtypeOf(network);
  expect(metadata.dtype === dtype, CODE, 'weights file: dtype', dtype, metadata.dtype);
  const shapes = inferNetworkShapes(network);
  const limit = fileSize === undefined ? MAX_DATA_BYTES : fileSize - dataOffset;
  const tensors = placeTensors(specsOf(network, shapes, limit), limit);
  compareEntries(entries, tensors);
  const dataBytes = endOf(tensors);
  const complies = fileSize === undefined || fileSize === dataOffset + dataBytes;
  expect(complies, CODE, 'weights file', `${dataOffset + dataBytes} bytes`, fileSize);
  return { metadata, network, shapes, dataOffset, dataBytes, tensors };
}

/** The bytes before the data, which are the tensors of `tensorsOf`, operator by operator. */
export function encodeWeightsHeader(
  metadata: Omit<WeightsMetadata, 'contract'>,
  network: Network,
): Uint8Array {
  const shapes = inferNetworkShapes(network);
  const tensors = placeTensors(specsOf(network, shapes, MAX_DATA_BYTES), MAX_DATA_BYTES);
  const text = JSON.stringify({
    __metadata__: Object.fromEntries([
      ...encodeMetadata(metadata),
      ['network', JSON.stringify(network)],
    ]),
    ...Object.fromEntries(tensors.map((tensor) => [tensor.name, entryOf(tensor)])),
  });
  const json = new TextEncoder().encode(text);
  const size = Math.ceil((LENGTH_BYTES + json.length) / ALIGNMENT) * ALIGNMENT;
  if (size > MAX_HEADER_BYTES) {
    const message = `network: expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${size}`;
    throw new ArcfaceError('bad_model', message);
  }
  const header = new Uint8Array(size).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(size - LENGTH_BYTES), true);
  header.set(json, LENGTH_BYTES);
  return header;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function entryOf({ spec, offset, bytes }: StoredTensor): Entry {
  const { stored } = DTYPES[spec.dtype];
  return { dtype: stored, shape: spec.shape, data_offsets: [offset, offset + bytes] };
}

function specsOf(network: Network, shapes: Map<string, Shape>, limit: number): TensorSpec[] {
  let outputs = 0;
  return network.ops.flatMap((op) => {
    // Every product has a bias: whoever claims more outputs than data could hold is stopped before
    // anything loops over them.
    if (op.op === 'conv') outputs += op.outChannels;
    const fits = outputs * BIAS_BYTES <= limit;
    expect(fits, CODE, `weights file: "${op.name}"`, `biases within ${limit} bytes`, outputs);
    return tensorsOf(op, shapes.get(op.inputs[0] as string) as Shape);
  });
}

/** One after the other, without gaps. */
function placeTensors(specs: readonly TensorSpec[], limit: number): StoredTensor[] {
  let offset = 0;
  return specs.map((spec) => {
    const elements = elementsOf(spec.shape);
    const bytes = (elements ?? 0) * DTYPES[spec.dtype].bytes;
    const fits = elements !== undefined && offset + bytes <= limit;
    const where = `weights file: tensor "${spec.name}"`;
    expect(fits, CODE, where, `data that ends within ${limit} bytes`, [...spec.shape]);
    const stored = { name: spec.name, spec, offset, bytes };
    offset += bytes;
    return stored;
  });
}

function endOf(tensors: readonly StoredTensor[]): number {
  const last = tensors.at(-1);
  return last === undefined ? 0 : last.offset + last.bytes;
}

function compareEntries(
  entries: ReadonlyMap<string, unknown>,
  tensors: readonly StoredTensor[],
): void {
  const known = new Set(tensors.map((tensor) => tensor.name));
  const foreign = [...entries.keys()].find((name) => !known.has(name));
  expect(foreign === undefined, CODE, 'weights file', 'only tensors of its network', foreign);
  for (const tensor of tensors) {
    const where = `weights file: tensor "${tensor.name}"`;
    expect(entries.has(tensor.name), CODE, where, 'an entry', 'none');
    const entry = entriesOf(entries.get(tensor.name), tensor.name);
    const expected = entryOf(tensor);
    const { dtype } = expected;
    expect(entry.get('dtype') === dtype, CODE, where, `dtype ${dtype}`, entry.get('dtype'));
    compareNumbers(where, 'shape', entry.get('shape'), expected.shape);
    compareNumbers(where, 'data_offsets', entry.get('data_offsets'), expected.data_offsets);
    expect(entry.size === 3, CODE, where, 'dtype, shape, data_offsets', [...entry.keys()]);
  }
}

/** A gap or an overlap shows here: each tensor must start where the one before it ends. */
function compareNumbers(
  where: string,
  what: string,
  got: unknown,
  expected: readonly number[],
): void {
  const equal =
    Array.isArray(got) &&
    got.length === expected.length &&
    got.every((value, at) => value === expected[at]);
  expect(equal, CODE, where, `${what} [${expected.join(', ')}]`, got);
}

function parseEntries(json: Uint8Array): Map<string, unknown> {
  expect(json[0] === 0x7b, CODE, 'weights file: header', "'{' at its start", json[0]);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(json);
  } catch (cause) {
    throw new ArcfaceError(CODE, 'weights file: header: expected UTF-8, got other bytes', {
      cause,
    });
  }
  return entriesOf(parseJsonStrictly(text, 'weights file: header', CODE), 'header');
}

/** Any program writes safetensors; only `convert` says in them what they compute. */
function metadataOf(entries: ReadonlyMap<string, unknown>): Map<string, unknown> {
  const metadata = entriesOf(entries.get('__metadata__') ?? {}, '__metadata__');
  if (metadata.has('network') || metadata.has('dtype')) return metadata;
  throw new ArcfaceError(
    CODE,
    'weights file: expected what `convert` writes, got a safetensors file of another program; ' +
      'export the network to ONNX, then run `convert`',
  );
}

function parseNetwork(text: unknown): Network {
  expect(typeof text === 'string', CODE, 'weights file: network', 'a string', text);
  return validateNetwork(parseJsonStrictly(text, 'weights file: network', CODE));
}

function entriesOf(value: unknown, name: string): Map<string, unknown> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  expect(isObject, CODE, `weights file: ${name}`, 'a JSON object', value);
  return new Map(Object.entries(value as object));
}

function isAligned(dataOffset: number): boolean {
  return dataOffset % ALIGNMENT === 0;
}

function refuseForeign(first8: Uint8Array): void {
  const found = signatureOf(first8);
  if (found === undefined) return;
  const got = `${found.what}; ${WAYS[found.group]}`;
  throw new ArcfaceError(CODE, `weights file: expected what \`convert\` writes, got ${got}`);
}

const CHECKPOINT = 'export a PyTorch checkpoint to ONNX, then run `convert`';

/** What to do about a file that is no weights. */
const WAYS: Readonly<Record<FileGroup, string>> = {
  picture: 'loadModel takes weights, `embed` takes pictures',
  zip: `unpack it first; ${CHECKPOINT}`,
  archive: 'unpack it first',
  pickle: CHECKPOINT,
  array: '`embed` takes it as a face',
  hdf5: 'export it to ONNX first',
  tflite: 'export it to ONNX first',
  wasm: 'kernels go into options.wasm',
  model: 'run `convert` first',
  pointer: 'run `git lfs pull`',
  page: 'is the address right?',
  openvino: 'an OpenVINO model is converted first',
  json: 'an MXNet symbol is converted first',
};
