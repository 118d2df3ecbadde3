/**
 * Files that often stand where a model or weights should, and are neither: checkpoints, other engines'
 * models, pictures, archives, pages. Receives the start of a file, its name and, of a zip, the names in it;
 * returns what it is and how to get on, or undefined. Content counts first, the name second.
 */

import { basename } from 'node:path';
import { type FileGroup, signatureOf } from '../formats/signatures.ts';

export interface Look {
  /** The first bytes, `HEAD_BYTES` where there are so many. */
  readonly head: Uint8Array;
  readonly path: string;
  /** Paths of a zip's entries. */
  readonly entries?: readonly string[] | undefined;
}

export interface ForeignFile {
  readonly what: string;
  readonly advice: string;
}

const NO_WAY_BACK =
  'it was made for one engine and cannot be read back; take the file that it was made of ' +
  '(ONNX, MXNet, PyTorch)';
const PICTURE =
  'a model or weights belong here; `embed` and `compare` take pictures behind the weights';
const UNPACK = 'unpack it first';

/** A network of torch exists in Python only: three lines of it make a file that is read. */
function fromTorch(model: string): string {
  return [
    'export it to ONNX first, where its code is:',
    `  ${model}; model.eval()`,
    "  torch.onnx.export(model, torch.zeros(1, 3, 112, 112), 'model.onnx')",
    'then: arcface-wasm convert model.onnx -o model.safetensors',
  ].join('\n');
}

function fromTensorflow(flag: string): string {
  return `make ONNX of it first: python -m tf2onnx.convert ${flag} --output model.onnx`;
}

const CHECKPOINT: ForeignFile = {
  what: 'a PyTorch checkpoint, which has numbers and no network',
  advice: fromTorch("model = ...; model.load_state_dict(torch.load('<file>', map_location='cpu'))"),
};
const TORCH_SCRIPT: ForeignFile = {
  what: 'a TorchScript module',
  advice: fromTorch("model = torch.jit.load('<file>', map_location='cpu')"),
};

/** The first that fits counts. `has`: is there an entry of that ending? */
const ZIPS: readonly (readonly [(has: (ending: string) => boolean) => boolean, ForeignFile])[] = [
  [(has) => has('data.pkl') && has('constants.pkl'), TORCH_SCRIPT],
  [(has) => has('data.pkl'), CHECKPOINT],
  [
    (has) => has('model.weights.h5') || (has('config.json') && has('metadata.json')),
    { what: 'a Keras model', advice: fromTensorflow('--keras <file>') },
  ],
  [
    (has) => has('saved_model.pb'),
    {
      what: 'a zip archive of a TensorFlow model',
      advice: `${UNPACK}, then ${fromTensorflow('--saved-model <folder>')}`,
    },
  ],
  [(has) => has('.mlmodel'), { what: 'a Core ML package', advice: NO_WAY_BACK }],
  [
    (has) => has('.npy'),
    { what: 'NumPy arrays (.npz)', advice: 'a network is more than arrays; take its ONNX file' },
  ],
  [
    (has) => has('.onnx') || has('.params') || has('.xml'),
    {
      what: 'a zip archive with models',
      advice: `${UNPACK}, then name the recognition network in it`,
    },
  ],
];

/** PyTorch before 1.6: pickles, the first of which is a magic number. */
const TORCH_LEGACY = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9];

interface Known extends ForeignFile {
  /** Of the name, in lower case. */
  readonly name?: RegExp;
  /** Of the first bytes, as Latin-1. */
  readonly text?: RegExp;
}

/** Formats without a signature of eight bytes, by how their text starts or by their name. */
const KNOWN: readonly Known[] = [
  { text: /^7767517\s/, what: 'an ncnn .param file', advice: NO_WAY_BACK },
  {
    text: /^.{4}ORTM/s,
    what: "ONNX Runtime's own format (.ort)",
    advice: 'take the .onnx file that it was made of',
  },
  { text: /^(?:.{257})ustar/s, what: 'a tar archive', advice: UNPACK },
  { text: /^BM.{4}\0\0\0\0/s, what: 'a BMP picture', advice: PICTURE },
  { text: /^RKNN/, what: 'an RKNN model', advice: NO_WAY_BACK },
  { text: /^[fp]trt/, what: 'a TensorRT engine', advice: NO_WAY_BACK },
  { text: /^GGUF/, what: 'a GGUF file', advice: 'take the ONNX file of a recognition network' },
  {
    text: /^\s*\{.*"(modelTopology|weightsManifest)"/s,
    what: 'a TensorFlow.js model',
    advice: fromTensorflow('--tfjs <file>'),
  },
  {
    text: /^\s*(#[^\n]*\n\s*)*(name\s*:\s*"[^"\n]*"\s*)?(input|input_dim|layer|layers|state)\s*[:{]/,
    what: 'a Caffe .prototxt',
    advice: "convert it with OpenVINO's Model Optimizer of 2022; its .xml and .bin are read",
  },
  {
    name: /\.(caffemodel|prototxt)$/,
    what: 'a Caffe model',
    advice: "convert it with OpenVINO's Model Optimizer of 2022; its .xml and .bin are read",
  },
  {
    name: /\.(pb|pbtxt)$/,
    what: 'a TensorFlow graph',
    advice: fromTensorflow('--saved-model <folder>'),
  },
  { name: /\.(pt|pth)$/, ...CHECKPOINT },
  { name: /\.tflite$/, what: 'a TensorFlow Lite model', advice: fromTensorflow('--tflite <file>') },
  {
    name: /\.(ckpt|index|meta)$/,
    what: 'a checkpoint of TensorFlow or PyTorch Lightning',
    advice: 'export its network to ONNX first',
  },
  { name: /\.(h5|hdf5|keras)$/, what: 'a Keras model', advice: fromTensorflow('--keras <file>') },
  { name: /\.(engine|plan|trt)$/, what: 'a TensorRT engine', advice: NO_WAY_BACK },
  { name: /\.(mlmodel|mlmodelc|mlpackage)$/, what: 'a Core ML model', advice: NO_WAY_BACK },
  {
    name: /\.(mnn|rknn|hef|om|nb|tmfile|tnnmodel|tnnproto|dlc|bmodel|espdl|param|ort|uff|blob)$/,
    what: "another engine's model",
    advice: NO_WAY_BACK,
  },
  {
    name: /\.(pdmodel|pdiparams|pdparams)$/,
    what: 'a PaddlePaddle model',
    advice: 'make ONNX of it with paddle2onnx',
  },
];

/** What to do about a file that is known by its first eight bytes alone. */
const WAYS: Readonly<Partial<Record<FileGroup, string>>> = {
  picture: PICTURE,
  zip: UNPACK,
  archive: UNPACK,
  pickle: CHECKPOINT.advice,
  array: 'a model or weights belong here; `embed` takes it as a face',
  hdf5: fromTensorflow('--keras <file>'),
  tflite: fromTensorflow('--tflite <file>'),
  wasm: 'a model or weights belong here',
  pointer: 'run `git lfs pull` in its repository',
  page: 'was it downloaded from the right address?',
};

export function foreignFile({ head, path, entries = [] }: Look): ForeignFile | undefined {
  const found =
    ofTorch(head) ??
    ofZip(entries) ??
    ofText(latin1(head)) ??
    ofSignature(head, path) ??
    ofName(path);
  if (found === undefined) return undefined;
  const name = basename(path)
    .replace(/[^\w.-]/g, '?')
    .slice(0, 60);
  return { what: found.what, advice: found.advice.replaceAll('<file>', name) };
}

/** A model that is a folder, or a folder of models of another kind, by the names in it. */
export function foreignFolder(names: readonly string[]): ForeignFile | undefined {
  const has = (name: RegExp): boolean => names.some((one) => name.test(one));
  if (has(/^saved_model\.pb$/)) {
    return { what: 'a TensorFlow SavedModel', advice: fromTensorflow('--saved-model <folder>') };
  }
  if (has(/^manifest\.json$/i) && has(/^data$/i)) {
    return { what: 'a Core ML package', advice: NO_WAY_BACK };
  }
  const name = names.find((one) =>
    /\.(pth?|ckpt|pkl|h5|keras|tflite|pb|caffemodel|param)$/i.test(one),
  );
  return name === undefined ? undefined : foreignByName(name);
}

/** What a name alone says. */
function foreignByName(name: string): ForeignFile | undefined {
  const head = new Uint8Array(0);
  const found = /\.(pth?|pkl)$/i.test(name) ? CHECKPOINT : foreignFile({ head, path: name });
  return (
    found && { what: `${name}, ${found.what}`, advice: found.advice.replaceAll('<file>', name) }
  );
}

function ofTorch(head: Uint8Array): ForeignFile | undefined {
  return TORCH_LEGACY.every((byte, i) => head[i] === byte) ? CHECKPOINT : undefined;
}

/** Nothing of a zip whose directory could not be read: then its signature and its name count. */
function ofZip(entries: readonly string[]): ForeignFile | undefined {
  const has = (ending: string): boolean => entries.some((entry) => entry.endsWith(ending));
  return ZIPS.find(([fits]) => fits(has))?.[1];
}

function ofText(text: string): ForeignFile | undefined {
  return KNOWN.find((known) => known.text?.test(text));
}

function ofName(path: string): ForeignFile | undefined {
  const name = basename(path).toLowerCase();
  return KNOWN.find((known) => known.name?.test(name));
}

function ofSignature(head: Uint8Array, path: string): ForeignFile | undefined {
  const found = signatureOf(head.subarray(0, 8));
  if (found?.group === 'zip' && /\.pth?$/i.test(path)) return CHECKPOINT;
  const advice = found && WAYS[found.group];
  return found && advice ? { what: found.what, advice } : undefined;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
