/** Small whole files of every format, made by the writers of the tests. */

import { readFileSync } from 'node:fs';
import { embeddingsToNpy } from '../../../src/cli/embedding-file.ts';
import { convertModel } from '../../../src/convert/convert.ts';
import { writeNpy } from '../../../src/formats/npy.ts';
import { importOnnx } from '../../../src/formats/onnx/import.ts';
import { DTYPE_NAMES, type Dtype } from '../../../src/graph/dtype.ts';
import { onnxOfSynth } from '../../../src/synth/onnx.ts';
import { floats, joined, node, onnxFile, smallNetwork } from '../../support/onnx-files.ts';
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
  return [smallNetwork(), quantized, joined(onnxOfSynth(smallModel(), 'torch'))];
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
