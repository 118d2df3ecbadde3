/**
 * What kind of file some bytes are, by content first and name second. Files that are no model but
 * often stand where one should be (HTML, Git LFS pointers, archives, checkpoints) are refused with
 * what to do about it.
 */

import { ArcfaceError } from '../errors.ts';

export type ModelKind =
  | 'onnx'
  | 'onnx-data'
  | 'mxnet-symbol'
  | 'mxnet-params'
  | 'openvino-xml'
  | 'openvino-bin'
  | 'weights';

/** Enough to see `<net` behind a long comment, or "nodes" behind nothing. */
export const HEAD_BYTES = 4096;
const WEB_PAGE = 'a web page or other markup; was it downloaded from the right address?';
const MXNET_LIST = [0x12, 0x01, 0, 0, 0, 0, 0, 0];
/** Field 1 (ir_version), varint: how every ONNX file known begins. */
const ONNX_FIRST = 0x08;

/**
 * `bytes`: the file, or its first `HEAD_BYTES` and its `size`. `path` is for its ending and for messages.
 */
export function modelKind(bytes: Uint8Array, path: string, size = bytes.length): ModelKind {
  if (bytes.length === 0) throw noModel(path, 'an empty file');
  const head = bytes.subarray(0, HEAD_BYTES);
  const text = new TextDecoder().decode(head).trimStart();
  refusePointer(text, path);
  // Raw weights may start with any bytes.
  if (/\.bin$/i.test(path)) return weightsOrPage(text, path, 'openvino-bin');
  if (/[._]data$/i.test(path)) return weightsOrPage(text, path, 'onnx-data');
  refuseArchives(head, path);
  if (startsWith(head, MXNET_LIST)) return 'mxnet-params';
  if (isSafetensors(head, size)) return 'weights';
  if (text.startsWith('{') && !/\.onnx$/i.test(path)) return 'mxnet-symbol';
  if (text.startsWith('<')) {
    if (/<net[\s>]/.test(text)) return 'openvino-xml';
    throw noModel(path, WEB_PAGE);
  }
  return kindByName(path) ?? kindByFirstByte(bytes, path);
}

function refusePointer(text: string, path: string): void {
  if (!text.startsWith('version https://git-lfs')) return;
  throw noModel(path, 'a Git LFS pointer to it; run `git lfs pull` in its repository');
}

function weightsOrPage<Kind extends ModelKind>(text: string, path: string, kind: Kind): Kind {
  if (/^<(!doctype|html|head|body)/i.test(text)) throw noModel(path, WEB_PAGE);
  return kind;
}

/** For raw weights under any name: a pointer or web page that stands in their place is refused. */
export function refuseStandIn(bytes: Uint8Array, path: string): void {
  const text = new TextDecoder().decode(bytes.subarray(0, HEAD_BYTES)).trimStart();
  refusePointer(text, path);
  weightsOrPage(text, path, 'onnx-data');
}

function refuseArchives(head: Uint8Array, path: string): void {
  if (startsWith(head, [0x50, 0x4b, 0x03, 0x04])) {
    throw noModel(path, 'a zip archive; unpack it first (PyTorch checkpoints: export to ONNX)');
  }
  if (startsWith(head, [0x1f, 0x8b])) throw noModel(path, 'a gzip archive; unpack it first');
}

function kindByName(path: string): ModelKind | undefined {
  if (/\.onnx$/i.test(path)) return 'onnx';
  if (/\.params$/i.test(path)) return 'mxnet-params';
  if (/\.json$/i.test(path)) return 'mxnet-symbol';
  if (/\.xml$/i.test(path)) return 'openvino-xml';
  return /\.safetensors$/i.test(path) ? 'weights' : undefined;
}

function kindByFirstByte(bytes: Uint8Array, path: string): ModelKind {
  if (bytes[0] === ONNX_FIRST) return 'onnx';
  throw noModel(path, 'something else');
}

/** Length of the header (8 bytes), then its JSON. */
function isSafetensors(head: Uint8Array, size: number): boolean {
  if (head.length < 10 || head[8] !== 0x7b) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return view.getUint32(4, true) === 0 && view.getUint32(0, true) <= size - 8;
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, i) => bytes[i] === byte);
}

function noModel(path: string, got: string): ArcfaceError {
  const expected = 'a model (ONNX, MXNet .params, OpenVINO .xml)';
  return new ArcfaceError('bad_model', `${path}: expected ${expected}, got ${got}`);
}
