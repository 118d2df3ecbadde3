/** What stands where a model or weights should: each is recognised, and told what to do about it. */

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadWithProgress } from '../../src/cli/load.ts';
import { openModelFiles } from '../../src/cli/model-files.ts';
import { recognitionNetworks } from '../../src/cli/packs.ts';
import { ArcfaceError } from '../../src/errors.ts';
import { importMxnet } from '../../src/formats/mxnet/import.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import type { OnnxFileValue } from '../../src/formats/onnx/write.ts';
import { writeZip } from '../support/archives.ts';
import { node, onnxFile, smallNetwork } from '../support/onnx-files.ts';
import { concatenate } from '../support/synth-graph.ts';

const root = mkdtempSync(join(tmpdir(), 'arcface-foreign-'));
afterAll(() => rmSync(root, { recursive: true }));

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const zipOf = (...names: string[]): Uint8Array =>
  writeZip(names.map((path) => ({ path, bytes: utf8('x'.repeat(5000)) })));
/** As the safetensors package of another program writes it. */
const otherTensors = ((): Uint8Array => {
  const header =
    '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
  const length = new Uint8Array(BigUint64Array.of(BigInt(header.length)).buffer);
  return concatenate([length, utf8(header), new Uint8Array(4)]);
})();

let folders = 0;
function folderOf(files: Readonly<Record<string, Uint8Array>>): string {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return folder;
}

async function fault(run: () => unknown): Promise<ArcfaceError> {
  const error = await Promise.resolve()
    .then(run)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ArcfaceError);
  return error as ArcfaceError;
}

const FOREIGN: readonly (readonly [name: string, bytes: Uint8Array, what: RegExp])[] = [
  [
    'a.pth',
    zipOf('archive/data.pkl', 'archive/data/0'),
    /a PyTorch checkpoint.*torch\.load\('a\.pth'/s,
  ],
  ['a.onnx', zipOf('archive/data.pkl', 'archive/version'), /a PyTorch checkpoint/],
  [
    'a.pt',
    zipOf('m/data.pkl', 'm/code/x.py', 'm/constants.pkl'),
    /a TorchScript.*torch\.jit\.load\('a\.pt'/s,
  ],
  ['cut.pth', latin1('PK\x03\x04 cut off'), /a PyTorch checkpoint/],
  ['text.pt', utf8('what?'), /a PyTorch checkpoint/],
  ['old.pth', latin1('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.'), /a PyTorch checkpoint/],
  ['x.pkl', latin1('\x80\x04\x95rest'), /a Python pickle/],
  [
    'a.keras',
    zipOf('config.json', 'metadata.json', 'model.weights.h5'),
    /Keras.*tf2onnx\.convert --keras a\.keras/s,
  ],
  ['a.h5', latin1('\x89HDF\r\n\x1a\n'), /HDF5 file \(Keras\).*--keras a\.h5/s],
  ['a.tflite', latin1('\x1c\0\0\0TFL3'), /TensorFlow Lite.*--tflite a\.tflite/s],
  ['frozen.pb', latin1('\x0a\x10\x0a\x04data'), /a TensorFlow graph.*tf2onnx/s],
  ['saved_model.pb', latin1('\x08\x01\x12\x50'), /a TensorFlow graph.*--saved-model/s],
  [
    'model.json',
    utf8('{"format": "layers-model", "modelTopology": {}}'),
    /TensorFlow\.js.*--tfjs model\.json/s,
  ],
  ['a.caffemodel', latin1('\x0a\x06ResNet'), /a Caffe model.*Model Optimizer/s],
  ['a.prototxt', utf8('name: "ResNet"\nlayer {'), /a Caffe .prototxt/],
  ['a.param', utf8('7767517\n75 83\n'), /an ncnn .param file; it was made for one engine/],
  ['a.mlmodel', latin1('\x08\x04\x12\x10'), /a Core ML model; it was made for one engine/],
  ['a.zip', zipOf('Manifest.json', 'Data/com.apple.CoreML/m.mlmodel'), /a Core ML package/],
  ['a.engine', latin1('ftrt\0\0\0\0'), /a TensorRT engine/],
  ['a.trt', latin1('\x01\x02\x03\x04'), /a TensorRT engine/],
  ['a.ort', latin1('\x20\0\0\0ORTM'), /\(\.ort\); take the \.onnx file/],
  ['a.mnn', latin1('\x30\0\0\0'), /another engine's model/],
  ['a.pdmodel', latin1('\x0a\x01'), /PaddlePaddle.*paddle2onnx/],
  ['a.npz', zipOf('arr_0.npy'), /NumPy arrays \(\.npz\)/],
  ['a.npy', latin1('\x93NUMPY\x01\0'), /NumPy array \(\.npy\); .*`embed` takes it as a face/],
  [
    'buffalo_l.zip',
    zipOf('det_10g.onnx', 'w600k_r50.onnx'),
    /a zip archive with models; unpack it first/,
  ],
  ['other.zip', zipOf('readme.txt'), /a zip archive.*unpack it first/],
  ['a.tar', latin1(`${'m.onnx'.padEnd(257, '\0')}ustar`), /a tar archive; unpack it first/],
  ['a.tar.gz', latin1('\x1f\x8b\x08\0'), /a gzip archive; unpack it first/],
  [
    'face.jpg',
    latin1('\xff\xd8\xff\xe0\0\x10JFIF'),
    /a JPEG picture; .*`embed` and `compare` take pictures/,
  ],
  ['face.onnx', latin1('\xff\xd8\xff\xe0\0\x10JFIF'), /a JPEG picture/],
  ['face.png', latin1('\x89PNG\r\n\x1a\n'), /a PNG picture/],
  ['face.bmp', latin1('BM\x36\x10\0\0\0\0\0\0'), /a BMP picture/],
  ['page.onnx', utf8('\n<!DOCTYPE html><html>'), /a web page; was it downloaded from the right/],
  [
    'pointer.onnx',
    utf8('version https://git-lfs.github.com/spec/v1\n'),
    /a Git LFS pointer; run `git lfs pull`/,
  ],
];

describe('a file in place of a model', () => {
  it.each(FOREIGN)('%s', async (name, bytes, what) => {
    const path = join(folderOf({ [name]: bytes }), name);
    const error = await fault(() => openModelFiles(path));
    expect(error.code).toBe('bad_model');
    expect(
      error.message.startsWith(
        `${path}: expected a model (ONNX, MXNet .params, OpenVINO .xml), got `,
      ),
    ).toBe(true);
    expect(error.message).toMatch(what);
  });

  it('a safetensors file of another program', async () => {
    const path = join(folderOf({ 'model.safetensors': otherTensors }), 'model.safetensors');
    const error = await fault(() => openModelFiles(path));
    expect(error.code).toBe('bad_model');
    expect(error.message).toMatch(
      /model\.safetensors: .*of another program; export the network to ONNX/,
    );
  });

  it.each<[string, Readonly<Record<string, Uint8Array>>, RegExp]>([
    [
      'lfw.bin',
      { 'lfw.bin': latin1('\x80\x03]q') },
      /a Python pickle.*`evaluate` takes an lfw\.bin/,
    ],
    [
      'm.bin',
      { 'm.bin': latin1('\0\0\0\0'), 'm.param': utf8('7767517') },
      /ncnn weights; take the ONNX/,
    ],
    [
      'pytorch_model.bin',
      { 'pytorch_model.bin': zipOf('archive/data.pkl') },
      /a PyTorch checkpoint/,
    ],
    ['plain.bin', { 'plain.bin': latin1('\x01\x02\x03\x04') }, /expected plain\.xml beside it/],
  ])('%s, which is no IR', async (name, files, what) => {
    expect((await fault(() => openModelFiles(join(folderOf(files), name)))).message).toMatch(what);
  });
});

describe('a file in place of weights', () => {
  it.each(FOREIGN)('%s', async (name, bytes, what) => {
    const path = join(folderOf({ [name]: bytes }), name);
    const error = await fault(() => loadWithProgress(path, {}));
    expect(error.code).toBe('bad_weights');
    expect(error.message.startsWith(`${path}: expected weights that \`convert\` wrote, got `)).toBe(
      true,
    );
    expect(error.message).toMatch(what);
  });

  it('a model that is still to be converted', async () => {
    const path = join(folderOf({ 'm.onnx': smallNetwork() }), 'm.onnx');
    const { message } = await fault(() => loadWithProgress(path, {}));
    expect(message).toMatch(
      /got an ONNX model; make weights of it: arcface-wasm convert <model> -o/,
    );
  });
});

describe('a folder', () => {
  const some = smallNetwork();
  const pack = ['1k3d68', '2d106det', 'det_10g', 'genderage', 'w600k_r50'];

  it('that is a pack of InsightFace is told which of its networks recognises faces', async () => {
    const folder = folderOf(Object.fromEntries(pack.map((name) => [`${name}.onnx`, some])));
    const { message } = await fault(() => openModelFiles(folder));
    const network = join(folder, 'w600k_r50.onnx');
    expect(message).toBe(
      `${folder}: expected one model, got a pack of 5; name its recognition network, ${network}`,
    );
    // The advice works.
    expect((await openModelFiles(network)).format).toBe('onnx');
  });

  it('with several networks that may recognise faces is asked for one', async () => {
    const folder = folderOf({ 'r50.onnx': some, 'r100.onnx': some });
    expect((await fault(() => openModelFiles(folder))).message).toMatch(
      /got r100\.onnx, r50\.onnx; name the one you mean/,
    );
  });

  it.each<[string, string[], RegExp]>([
    ['a SavedModel', ['saved_model.pb', 'variables'], /a TensorFlow SavedModel; .*--saved-model/],
    [
      'a checkpoint',
      ['backbone.pth', 'train.log'],
      /backbone\.pth, a PyTorch checkpoint.*torch\.onnx/s,
    ],
    ['a Core ML package', ['Manifest.json', 'Data'], /a Core ML package/],
    ['a Lite model', ['m.tflite'], /m\.tflite, a TensorFlow Lite model; .*--tflite m\.tflite/],
    ['nothing of the kind', ['readme.md'], /expected one model .*, got none/],
  ])('that holds %s', async (_, names, what) => {
    const folder = folderOf(Object.fromEntries(names.map((name) => [name, utf8('x')])));
    expect((await fault(() => openModelFiles(folder))).message).toMatch(what);
  });

  it('of any published pack leaves one network', () => {
    for (const [network, others] of [
      ['w600k_r50.onnx', ['1k3d68.onnx', '2d106det.onnx', 'det_2.5g.onnx', 'genderage.onnx']],
      ['w600k_mbf.onnx', ['1k3d68.onnx', '2d106det.onnx', 'det_500m.onnx', 'genderage.onnx']],
      [
        'glintr100.onnx',
        ['1k3d68.onnx', '2d106det.onnx', 'genderage.onnx', 'scrfd_10g_bnkps.onnx'],
      ],
    ] as const) {
      expect(recognitionNetworks([network, ...others])).toEqual([network]);
    }
  });
});

describe('another network of a pack', () => {
  function networkOf(outputs: readonly OnnxFileValue[], side: number): Uint8Array {
    const inputs = [{ name: 'x', dims: [1, 3, side, side] }];
    return onnxFile(
      outputs.map(({ name }) => node('Relu', ['x'], name)),
      [],
      { inputs, outputs },
    );
  }
  const fc1 = (length: number): OnnxFileValue[] => [{ name: 'fc1', dims: [1, length] }];
  const named = (...names: [string, ...number[]][]): OnnxFileValue[] =>
    names.map(([name, ...dims]) => ({ name, dims }));

  it.each<[string, OnnxFileValue[], number, RegExp]>([
    ['2d106det.onnx', fc1(212), 192, /106 landmarks/],
    ['1k3d68.onnx', fc1(3309), 192, /3D landmarks/],
    ['genderage.onnx', fc1(3), 96, /gender and age/],
    [
      'det_10g.onnx',
      named(['448', 800, 1], ['451', 800, 4], ['454', 800, 10]),
      640,
      /a face detector \(3 outputs: scores, boxes, points\)/,
    ],
    ['UltraFace', named(['scores', 1, 4420, 2], ['boxes', 1, 4420, 4]), 320, /a face detector/],
    [
      'RetinaFace',
      named(
        ['face_rpn_cls_prob_reshape_stride32', 1, 4, 20, 20],
        ['face_rpn_bbox_pred_stride32', 1, 8, 20, 20],
        ['face_rpn_landmark_pred_stride32', 1, 20, 20, 20],
      ),
      640,
      /a face detector/,
    ],
  ])('%s is told from a recognition network', async (_, outputs, side, what) => {
    const { code, message } = await fault(() => importOnnx(networkOf(outputs, side)));
    expect(code).toBe('bad_model');
    expect(message).toMatch(what);
    expect(message).toMatch(/take the recognition network of the pack: w600k_r50\.onnx/);
  });

  it('a swapper, which takes a picture and an embedding', async () => {
    const inputs = named(['target', 1, 3, 128, 128], ['source', 1, 512]);
    const outputs = named(['output', 1, 3, 128, 128]);
    const bytes = onnxFile([node('Relu', ['target'], 'output')], [], { inputs, outputs });
    expect((await fault(() => importOnnx(bytes))).message).toMatch(/a face swapper/);
  });

  it('is what its --value says', async () => {
    const outputs = named(['scores', 1, 2], ['boxes', 1, 4]);
    const { message } = await fault(() => importOnnx(networkOf(outputs, 112), { output: 'none' }));
    expect(message).not.toMatch(/detector/);
  });

  it('of MXNet with heads for boxes', async () => {
    const variable = { op: 'null', name: 'data', inputs: [] };
    const heads = ['cls_prob', 'bbox_pred', 'landmark_pred'].map((name) => {
      return { op: 'Flatten', name: `face_rpn_${name}_stride32`, inputs: [[0, 0, 0]] };
    });
    const symbol = {
      nodes: [variable, ...heads],
      arg_nodes: [0],
      heads: [
        [1, 0, 0],
        [2, 0, 0],
        [3, 0, 0],
      ],
      attrs: { mxnet_version: ['int', 10201] },
    };
    const params = new Uint8Array(BigUint64Array.of(0x112n, 0n, 0n, 0n).buffer);
    const bytes = utf8(JSON.stringify(symbol));
    expect((await fault(() => importMxnet(bytes, params))).message).toMatch(/got a face detector/);
  });

  const detectors = fileURLToPath(new URL('../../../shared/fixtures/detectors/', import.meta.url));
  const absent = !existsSync(detectors);
  if (absent) console.warn('skipped: the detectors are not beside the repository');

  it.skipIf(absent).each(['scrfd_det_500m.onnx', 'yunet_2026may.onnx'])(
    '%s as it is published',
    async (name) => {
      const files = await openModelFiles(join(detectors, name));
      const { message } = await fault(() => files.import());
      expect(message).toMatch(/^ONNX graph: expected a recognition network, got a face detector/);
    },
  );
});
