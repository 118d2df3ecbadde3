/**
 * Files that stand where weights or a model should, known by their first eight bytes. Receives these, returns
 * what the file is, and of which group; undefined for what nobody knows. No weights file begins so: the
 * length of its header ends with five bytes of 0, and is 8 less than a multiple of 64.
 */

/** What is to be done about a file depends on its group, and on what stood there should be. */
export type FileGroup =
  | 'picture'
  | 'zip'
  | 'archive'
  | 'pickle'
  | 'array'
  | 'hdf5'
  | 'tflite'
  | 'wasm'
  | 'model'
  | 'pointer'
  | 'page'
  | 'openvino'
  | 'json';

export interface Signature {
  readonly what: string;
  readonly group: FileGroup;
}

interface Pattern extends Signature {
  readonly bytes: readonly number[];
  /** Where they stand; 0 if absent. */
  readonly at?: number;
}

/** More than one may fit: the first counts. */
const PATTERNS: readonly Pattern[] = [
  { bytes: [0xff, 0xd8, 0xff], what: 'a JPEG picture', group: 'picture' },
  { bytes: [0x89, ...ascii('PNG')], what: 'a PNG picture', group: 'picture' },
  { bytes: ascii('GIF8'), what: 'a GIF picture', group: 'picture' },
  { bytes: ascii('RIFF'), what: 'a WebP picture, or another RIFF file', group: 'picture' },
  { bytes: ascii('ftyp'), at: 4, what: 'an AVIF or HEIC picture, or a film', group: 'picture' },
  { bytes: ascii('II*\0'), what: 'a TIFF picture', group: 'picture' },
  { bytes: ascii('MM\0*'), what: 'a TIFF picture', group: 'picture' },
  { bytes: ascii('PK\x03\x04'), what: "a zip archive (PyTorch's .pt is one, too)", group: 'zip' },
  { bytes: [0x1f, 0x8b], what: 'a gzip archive', group: 'archive' },
  { bytes: ascii('BZh'), what: 'a bzip2 archive', group: 'archive' },
  { bytes: [0xfd, ...ascii('7zXZ')], what: 'an xz archive', group: 'archive' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], what: 'a Zstandard archive', group: 'archive' },
  { bytes: [...ascii('7z'), 0xbc, 0xaf], what: 'a 7z archive', group: 'archive' },
  { bytes: ascii('Rar!'), what: 'a RAR archive', group: 'archive' },
  ...[2, 3, 4, 5].map((protocol) => ({
    bytes: [0x80, protocol],
    what: 'a Python pickle (old .pt and .pth files, lfw.bin)',
    group: 'pickle' as const,
  })),
  { bytes: [0x93, ...ascii('NUMPY')], what: 'a NumPy array (.npy)', group: 'array' },
  { bytes: [0x89, ...ascii('HDF')], what: 'an HDF5 file (Keras)', group: 'hdf5' },
  { bytes: ascii('TFL3'), at: 4, what: 'a TensorFlow Lite model', group: 'tflite' },
  { bytes: ascii('\0asm'), what: 'a WebAssembly binary', group: 'wasm' },
  { bytes: [0x12, 0x01, 0, 0, 0, 0, 0, 0], what: 'an MXNet .params file', group: 'model' },
  { bytes: ascii('version'), what: 'a Git LFS pointer', group: 'pointer' },
  { bytes: [0x08], what: 'what may be an ONNX model', group: 'model' },
];

/** `first8`: the file's first bytes, eight of them where it has so many. */
export function signatureOf(first8: Uint8Array): Signature | undefined {
  const found = PATTERNS.find(({ bytes, at = 0 }) =>
    bytes.every((byte, i) => first8[at + i] === byte),
  );
  return found ?? signatureOfText(String.fromCharCode(...first8.subarray(0, 8)));
}

/** Text may start with a byte order mark or white space. */
function signatureOfText(first8: string): Signature | undefined {
  const text = first8.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^<(\?xml|net)/i.test(text)) return { what: 'an XML file', group: 'openvino' };
  if (text.startsWith('<')) return { what: 'a web page', group: 'page' };
  return /^[{[]/.test(text) ? { what: 'JSON', group: 'json' } : undefined;
}

function ascii(text: string): number[] {
  return Array.from(text, (char) => char.charCodeAt(0));
}
