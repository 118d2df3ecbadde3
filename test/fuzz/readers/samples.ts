/** Small whole files of every format, made by the writers of the tests. */

import { readFileSync } from 'node:fs';
import { embeddingsToNpy } from '../../../src/cli/embedding-file.ts';
import { convertModel } from '../../../src/convert/convert.ts';
import { writeNpy } from '../../../src/formats/npy.ts';
import { importOnnx } from '../../../src/formats/onnx/import.ts';
import { DTYPE_NAMES, type Dtype } from '../../../src/graph/dtype.ts';
import { onnxOfSynth } from '../../../src/synth/onnx.ts';
import {
  bytes,
  floats,
  ints,
  joined,
  node,
  onnxFile,
  smallNetwork,
} from '../../support/onnx-files.ts';
import {
  type ModelFunction,
  type ModelNode,
  type ModelTensor,
  modelBytes,
} from '../../support/onnx-model.ts';
import { microModel } from '../../support/synth-graph.ts';

/** What `convert` writes. */
export function smallWeights(onnx: Uint8Array, dtype?: Dtype): Uint8Array {
  const source = { name: 'small.onnx', sha256: 'ab'.repeat(32) };
  const converted = convertModel(importOnnx(onnx), { source, dtype });
  return joined([converted.header, ...converted.chunks()]);
}

/** Without its fully connected layer of 100 KB. */
export function onnxSamples(): Uint8Array[] {
  const conv = {
    kernel_shape: { ints: [3, 3] },
    pads: { ints: [1, 1, 1, 1] },
    strides: { ints: [16, 16] },
  };
  const quantized = onnxFile(
    [
      node('QuantizeLinear', ['x', 'xs', 'xz'], 'q'),
      node('DequantizeLinear', ['q', 'xs', 'xz'], 'd'),
      node('Conv', ['d', 'w'], 'c', conv),
      node('LeakyRelu', ['c'], 'l', { alpha: { float: 0.1 } }),
      node('Flatten', ['l'], 'f', { axis: { int: 1 } }),
      node('MatMul', ['f', 'm'], 'y'),
    ],
    [
      floats('xs', [], [1]),
      { name: 'xz', dims: [], dataType: 2, data: Uint8Array.of(0) },
      floats('w', [4, 3, 3, 3]),
      floats('m', [196, 2]),
    ],
    { inputs: [{ name: 'x', dims: ['N', 3, 112, 112] }] },
  );
  return [smallNetwork(), quantized, joined(onnxOfSynth(smallModel(), 'torch')), modern(), keras()];
}

/** A function, a branch, computed shapes, subsampling, block and dynamic quantisation, a spelled norm. */
function modern(tensors: readonly ModelTensor[] = [floats('w', [4, 3, 3, 3])]): Uint8Array {
  const axes = { keepdims: { int: 1 } };
  const branch = (inner: ModelNode) => ({ graph: { nodes: [inner], outputs: inner.outputs } });
  const rectify: ModelFunction = {
    domain: 'pkg',
    name: 'Rectify',
    inputs: ['a', 's'],
    outputs: ['r'],
    nodes: [
      node('Shape', ['a'], 'dims'),
      node('Size', ['dims'], 'rank'),
      { ...node('Constant', [], 'four'), attributes: { value_int: { int: 4 } } },
      { ...node('Constant', [], 'spatial'), attributes: { value_ints: { ints: [1, 2] } } },
      node('Equal', ['rank', 'four'], 'is'),
      {
        ...node('If', ['is'], 'slope'),
        attributes: {
          then_branch: branch(node('Unsqueeze', ['s', 'spatial'], 's3')),
          else_branch: branch(node('Identity', ['s'], 's1')),
        },
      },
      node('PRelu', ['a', 'slope'], 'r'),
    ],
  };
  const nodes: ModelNode[] = [
    node('Conv', ['x', 'w'], 'c', { strides: { ints: [16, 16] } }),
    node('pkg:Rectify', ['c', 'slopes'], 'p'),
    node('MaxPool', ['p'], 'half', { kernel_shape: { ints: [1, 1] }, strides: { ints: [2, 2] } }),
    node('Slice', ['half', 'zero', 'far', 'row', 'two'], 'less'),
    node('Reshape', ['less', 'to'], 'f'),
    { ...node('DynamicQuantizeLinear', ['f'], 'q'), outputs: ['q', 's', 'z'] },
    node('MatMulInteger', ['q', 'm', 'z'], 'i'),
    node('Cast', ['i'], 'k', { to: { int: 1 } }),
    node('Mul', ['s', 'ms'], 'sms'),
    node('Mul', ['k', 'sms'], 'e'),
    node('DequantizeLinear', ['bq', 'bs'], 'b', { axis: { int: 0 }, block_size: { int: 2 } }),
    node('Add', ['e', 'b'], 'v'),
    node('Mul', ['v', 'v'], 'vv'),
    node('ReduceSum', ['vv', 'last'], 'sum', axes),
    node('Sqrt', ['sum'], 'norm'),
    node('Div', ['v', 'norm'], 'y'),
  ];
  return modelBytes({
    nodes,
    tensors: [
      ...tensors,
      floats('slopes', [4], [0.25, -0.5, 0, 1.5]),
      ...[ints('zero', [0]), ints('far', [99]), ints('row', [2])],
      ...[ints('two', [2]), ints('to', [1, -1]), ints('last', [-1])],
      bytes(
        'm',
        [32, 4],
        Array.from({ length: 128 }, (_, i) => ((i * 37) % 255) - 128),
      ),
      floats('ms', [4], [0.1, 0.2, 0.3, 0.4]),
      bytes('bq', [4], [1, -2, 3, -4]),
      floats('bs', [2], [0.5, 0.25]),
    ],
    functions: [rectify],
    input: { name: 'x', dims: ['N', 3, 112, 112] },
    opset: 21,
  });
}

/** Channels last: Transposes, a Pad, a concatenation, a PReLU in parts. */
function keras(): Uint8Array {
  const perm = (...order: number[]) => ({ perm: { ints: order } });
  const nodes = [
    node('Transpose', ['x'], 't', perm(0, 3, 1, 2)),
    node('Pad', ['t', 'pads'], 'p'),
    node('Conv', ['p', 'w'], 'c', { strides: { ints: [32, 32] } }),
    node('Transpose', ['c'], 'h', perm(0, 2, 3, 1)),
    node('Relu', ['h'], 'above'),
    node('Neg', ['h'], 'n'),
    node('Relu', ['n'], 'below'),
    node('Mul', ['below', 'a'], 'ab'),
    node('Add', ['above', 'ab'], 'r'),
    node('Concat', ['r', 'h'], 'j', { axis: { int: 3 } }),
    node('ReduceMean', ['j', 'hw'], 'g', { keepdims: { int: 0 } }),
    node('MatMul', ['g', 'm'], 'y'),
  ];
  const tensors = [
    ints('pads', [0, 0, 1, 1, 0, 0, 0, 0]),
    floats('w', [3, 3, 3, 3]),
    floats('a', [1, 1, 3]),
    ints('hw', [1, 2]),
    floats('m', [6, 4]),
  ];
  return modelBytes({ nodes, tensors, input: { name: 'x', dims: [1, 112, 112, 3] } });
}

/** A model and the file beside it that holds its first weights. */
export function externalSample(): [model: Uint8Array, data: Uint8Array] {
  const { data, ...inside } = floats('w', [4, 3, 3, 3]);
  const values = 'read' in data ? data.read() : data;
  const external = { location: 'model.onnx.data', offset: 64, length: values.length };
  const file = new Uint8Array(64 + values.length);
  file.set(values, 64);
  return [modern([{ ...inside, external }]), file];
}

export function weightsSamples(): Uint8Array[] {
  const onnx = onnxSamples();
  const small = DTYPE_NAMES.map((dtype) => smallWeights(onnx[2] as Uint8Array, dtype));
  return [smallWeights(onnx[0] as Uint8Array), ...small];
}

/** `microModel` with its last layer narrowed: mutations by the million need few bytes. */
export function smallModel(): ReturnType<typeof microModel> {
  return microModel(16);
}

interface PictureFixtures {
  readonly pictures: readonly { readonly name: string; readonly base64: string }[];
  readonly inks: readonly { readonly name: string; readonly base64: string }[];
}

export type PictureKind = 'JPEG' | 'PNG' | 'inks';

/** Pictures of test/fixtures whose names begin with `format`; JPEGs of four inks for 'inks'. */
export function pictureSamples(format: PictureKind): Uint8Array[] {
  const { pictures, inks } = JSON.parse(
    readFileSync('test/fixtures/pictures.json', 'utf8'),
  ) as PictureFixtures;
  const named = format === 'inks' ? inks : pictures.filter(({ name }) => name.startsWith(format));
  return named.map(({ base64 }) => new Uint8Array(Buffer.from(base64, 'base64')));
}

export function npySamples(): Uint8Array[] {
  const floats = writeNpy(
    Float32Array.from({ length: 12 }, (_, i) => i / 3),
    [1, 3, 2, 2],
  );
  const text = new TextDecoder('latin1').decode(writeNpy(new Float32Array(3), [3]));
  const bytes = text
    .replace("'<f4'", "'|u1'")
    .replace('(3,)', '(2, 2, 3)')
    .replace(/ {5}\n/, '\n');
  return [
    floats,
    Uint8Array.from(bytes, (c) => c.charCodeAt(0)),
    writeNpy(new Float32Array(4), [4]),
  ];
}

/** What `embed -o` writes, of both kinds. */
export function embeddingSamples(): Uint8Array[] {
  const embedding = Float32Array.from({ length: 16 }, (_, i) => i / 7 - 1);
  const contract = 'arcface-wasm/1:0123:fc1:rgb:127.5,128:f32';
  const npy = embeddingsToNpy([embedding], { contract, flip: false, training: 'unknown' });
  const model = { contract, training: 'none' };
  const faces = [{ file: 'a.jpg', embedding: [...embedding] }];
  return [npy, new TextEncoder().encode(JSON.stringify({ model, flip: false, faces }))];
}
