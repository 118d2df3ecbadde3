/**
 * What kind of file some bytes are, by content first and name second. What is neither a model nor weights is
 * refused with what it is and how to get on (`cli/foreign-files.ts`).
 */

import { ArcfaceError } from '../errors.ts';
import { foreignFile } from './foreign-files.ts';

export type ModelKind =
  | 'onnx'
  | 'onnx-data'
  | 'mxnet-symbol'
  | 'mxnet-params'
  | 'openvino-xml'
  | 'openvino-bin'
  | 'weights';

/** In words. */
export const KIND_NAMES: Readonly<Record<ModelKind, string>> = {
  onnx: 'an ONNX model',
  'onnx-data': 'external data of an ONNX model',
  'mxnet-symbol': 'an MXNet symbol (JSON)',
  'mxnet-params': 'MXNet parameters',
  'openvino-xml': 'an OpenVINO network (XML)',
  'openvino-bin': 'OpenVINO weights',
  weights: 'weights (safetensors)',
};

/** Enough to see `<net` behind a long comment, or "nodes" behind nothing. */
export const HEAD_BYTES = 4096;
const MXNET_LIST = [0x12, 0x01, 0, 0, 0, 0, 0, 0];
/** Field 1 (ir_version), varint: how every ONNX file known begins. */
const ONNX_FIRST = 0x08;

/** What should stand where a file stands. */
export interface Wanted {
  readonly what: string;
  readonly code: 'bad_model' | 'bad_weights';
}

export const A_MODEL: Wanted = {
  what: 'a model (ONNX, MXNet .params, OpenVINO .xml)',
  code: 'bad_model',
};
export const WEIGHTS: Wanted = { what: 'weights that `convert` wrote', code: 'bad_weights' };

export interface KindOptions {
  /** Of the file, if `bytes` are its start only. */
  readonly size?: number;
  /** Of a zip. */
  readonly entries?: readonly string[] | undefined;
  readonly wanted?: Wanted;
}

/** `bytes`: the file, or its first `HEAD_BYTES`. `path` is for its ending and for messages. */
export function modelKind(
  bytes: Uint8Array,
  path: string,
  { size = bytes.length, entries, wanted = A_MODEL }: KindOptions = {},
): ModelKind {
  const refuse = (got: string): ArcfaceError => refused(path, wanted.what, got, wanted.code);
  if (bytes.length === 0) throw refuse('an empty file');
  const head = bytes.subarray(0, HEAD_BYTES);
  // Raw weights may start with any bytes.
  const raw = kindOfRaw(path);
  if (raw !== undefined && !isPage(head)) return raw;
  const kind = kindByContent(head, path, size);
  if (kind !== undefined) return kind;
  const foreign = foreignFile({ head, path, entries });
  if (foreign !== undefined) throw refuse(`${foreign.what}; ${foreign.advice}`);
  const named = kindByName(path) ?? (head[0] === ONNX_FIRST ? 'onnx' : undefined);
  if (named !== undefined) return named;
  throw refuse(`something else, which starts with ${startOf(head)}`);
}

export function refused(
  path: string,
  expected: string,
  got: string,
  code: Wanted['code'] = 'bad_model',
): ArcfaceError {
  return new ArcfaceError(code, `${path}: expected ${expected}, got ${got}`);
}

function kindByContent(head: Uint8Array, path: string, size: number): ModelKind | undefined {
  if (MXNET_LIST.every((byte, i) => head[i] === byte)) return 'mxnet-params';
  if (isSafetensors(head, size)) return 'weights';
  const text = textOf(head);
  if (text.startsWith('<') && /<net[\s>]/.test(text)) return 'openvino-xml';
  const isJson = text.startsWith('{') && !/"(modelTopology|weightsManifest)"/.test(text);
  return isJson && !/\.onnx$/i.test(path) ? 'mxnet-symbol' : undefined;
}

/** By the name alone: raw numbers start with anything. */
function kindOfRaw(path: string): ModelKind | undefined {
  if (/\.bin$/i.test(path)) return 'openvino-bin';
  return /[._]data$/i.test(path) ? 'onnx-data' : undefined;
}

/** For raw weights under any name: a pointer or web page that stands in their place is refused. */
export function refuseStandIn(bytes: Uint8Array, path: string): void {
  const head = bytes.subarray(0, HEAD_BYTES);
  const foreign = isPage(head) ? foreignFile({ head, path }) : undefined;
  if (foreign) throw refused(path, A_MODEL.what, `${foreign.what}; ${foreign.advice}`);
}

/** A page or a pointer in place of raw weights. */
function isPage(head: Uint8Array): boolean {
  return /^(<(!doctype|html|head|body)|version https:\/\/git-lfs)/i.test(textOf(head));
}

function textOf(head: Uint8Array): string {
  return new TextDecoder().decode(head).trimStart();
}

function kindByName(path: string): ModelKind | undefined {
  if (/\.onnx$/i.test(path)) return 'onnx';
  if (/\.params$/i.test(path)) return 'mxnet-params';
  if (/\.json$/i.test(path)) return 'mxnet-symbol';
  if (/\.xml$/i.test(path)) return 'openvino-xml';
  return /\.safetensors$/i.test(path) ? 'weights' : undefined;
}

/** Length of the header (8 bytes), then its JSON. */
export function isSafetensors(head: Uint8Array, size: number): boolean {
  if (head.length < 10 || head[8] !== 0x7b) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return view.getUint32(4, true) === 0 && view.getUint32(0, true) <= size - 8;
}

function startOf(head: Uint8Array): string {
  return Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
