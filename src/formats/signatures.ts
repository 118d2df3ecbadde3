/**
 * Files that stand where weights should, known by their first eight bytes. Receives these, returns what the
 * file is and what to do about it; undefined for what nobody knows. No weights file begins so: the length of
 * its header ends with five bytes of 0, and is 8 less than a multiple of 64.
 */

interface Signature {
  readonly bytes: readonly number[];
  /** Where they stand; 0 if absent. */
  readonly at?: number;
  readonly kind: string;
}

const PICTURE = 'loadModel takes weights, `embed` takes pictures';
const CONVERT = 'run `convert` first';
const CHECKPOINT = 'export a PyTorch checkpoint to ONNX, then run `convert`';
const UNPACK = `unpack it first; ${CHECKPOINT}`;

/** More than one may fit: the first counts. */
const SIGNATURES: readonly Signature[] = [
  { bytes: [0xff, 0xd8, 0xff], kind: `a JPEG picture; ${PICTURE}` },
  { bytes: [0x89, ...ascii('PNG')], kind: `a PNG picture; ${PICTURE}` },
  { bytes: ascii('GIF8'), kind: `a GIF picture; ${PICTURE}` },
  { bytes: ascii('RIFF'), kind: `a WebP picture, or another RIFF file; ${PICTURE}` },
  { bytes: ascii('ftyp'), at: 4, kind: `an AVIF or HEIC picture, or a film; ${PICTURE}` },
  { bytes: ascii('PK\x03\x04'), kind: `a zip archive (PyTorch's .pt is one, too); ${UNPACK}` },
  { bytes: [0x1f, 0x8b], kind: 'a gzip archive; unpack it first' },
  { bytes: ascii('BZh'), kind: 'a bzip2 archive; unpack it first' },
  { bytes: [0xfd, ...ascii('7zXZ')], kind: 'an xz archive; unpack it first' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], kind: 'a Zstandard archive; unpack it first' },
  { bytes: [...ascii('7z'), 0xbc, 0xaf], kind: 'a 7z archive; unpack it first' },
  { bytes: ascii('Rar!'), kind: 'a RAR archive; unpack it first' },
  ...[2, 3, 4, 5].map((protocol) => ({
    bytes: [0x80, protocol],
    kind: `a Python pickle (old .pt and .pth files, lfw.bin); ${CHECKPOINT}`,
  })),
  { bytes: [0x93, ...ascii('NUMPY')], kind: 'a NumPy array (.npy); `embed` takes it as a face' },
  { bytes: [0x89, ...ascii('HDF')], kind: 'an HDF5 file (Keras); export it to ONNX first' },
  { bytes: ascii('TFL3'), at: 4, kind: 'a TensorFlow Lite model; export it to ONNX first' },
  { bytes: ascii('\0asm'), kind: 'a WebAssembly binary; kernels go into options.wasm' },
  { bytes: [0x12, 0x01, 0, 0, 0, 0, 0, 0], kind: `an MXNet .params file; ${CONVERT}` },
  { bytes: ascii('version'), kind: 'a Git LFS pointer; run `git lfs pull`' },
  { bytes: [0x08], kind: `what may be an ONNX model; ${CONVERT}` },
];

/** `first8`: the file's first bytes, eight of them where it has so many. */
export function kindBySignature(first8: Uint8Array): string | undefined {
  const found = SIGNATURES.find(({ bytes, at = 0 }) =>
    bytes.every((byte, i) => first8[at + i] === byte),
  );
  return found?.kind ?? kindOfText(String.fromCharCode(...first8.subarray(0, 8)));
}

/** Text may start with a byte order mark or white space. */
function kindOfText(first8: string): string | undefined {
  const text = first8.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^<(\?xml|net)/i.test(text)) return `an XML file; an OpenVINO model is converted first`;
  if (text.startsWith('<')) return 'a web page; is the address right?';
  if (/^[{[]/.test(text)) return 'JSON; an MXNet symbol is converted first';
  return undefined;
}

function ascii(text: string): number[] {
  return Array.from(text, (char) => char.charCodeAt(0));
}
