import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModelFiles } from '../../src/cli/model-files.ts';
import { convertModel } from '../../src/convert/convert.ts';
import { ArcfaceError } from '../../src/errors.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { writeMxnetParams, writeMxnetSymbol } from '../support/mxnet/write.ts';
import { floats, node, smallNetwork } from '../support/onnx-files.ts';
import { type ModelTensor, modelBytes } from '../support/onnx-model.ts';
import { writeOpenvinoBin, writeOpenvinoXml } from '../support/openvino/write.ts';
import { concatenate, tinyModel } from '../support/synth-graph.ts';

const model = tinyModel();
let root: string;
let directories = 0;

/** A fresh directory with these files. */
function directoryOf(files: Record<string, Uint8Array | string>): string {
  directories += 1;
  const directory = join(root, String(directories));
  mkdirSync(directory);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes);
  return directory;
}

async function faultOf(path: string): Promise<[string, string]> {
  try {
    await openModelFiles(path);
    return ['opened', ''];
  } catch (error) {
    if (error instanceof ArcfaceError) return [error.code, error.message];
    throw error;
  }
}

/** A convolution whose weights, and bias if there are two, lie in files of these names. */
function externalModel(locations: readonly string[]): {
  bytes: Uint8Array;
  files: Map<string, Uint8Array>;
} {
  const [weight = '', bias] = locations;
  const external = (location: string, tensor: ModelTensor): ModelTensor => ({
    ...tensor,
    data: new Uint8Array(),
    external: { location, offset: 0 },
  });
  const tensors = [external(weight, floats('w', [4, 3, 1, 1]))];
  const inputs = ['x', 'w'];
  if (bias) {
    tensors.push(external(bias, floats('b', [4])));
    inputs.push('b');
  }
  const values = (count: number, seed: number): Uint8Array =>
    new Uint8Array(Float32Array.from({ length: count }, (_, i) => i + seed).buffer);
  const files = new Map([[weight, values(12, 1)]]);
  if (bias) files.set(bias, values(4, 2));
  return { bytes: modelBytes({ nodes: [node('Conv', inputs, 'y')], tensors }), files };
}

const symbol = writeMxnetSymbol(model);
const params = concatenate(writeMxnetParams(model));
const xml = writeOpenvinoXml(model, { reverseChannels: true });
const bin = concatenate(writeOpenvinoBin(model, { reverseChannels: true }));

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'model-files-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('openModelFiles', () => {
  it('opens an ONNX model with external data by the model, the data or the directory', async () => {
    const { bytes, files: data } = externalModel(['model.onnx.data']);
    const weights = data.get('model.onnx.data') as Uint8Array;
    const directory = directoryOf({ 'model.onnx': bytes, 'model.onnx.data': weights });
    for (const name of ['model.onnx', 'model.onnx.data', '']) {
      const files = await openModelFiles(join(directory, name));
      expect(files).toMatchObject({
        format: 'onnx',
        sourceName: 'model.onnx.data',
        sourceSha256: createHash('sha256').update(weights).digest('hex'),
        graphSha256: createHash('sha256').update(bytes).digest('hex'),
        bytes: bytes.length + weights.length,
      });
      expect(files.import().graph.nodes.map(({ op }) => op)).toEqual(['conv']);
    }
  });

  it('opens an ONNX model whose tensors are files in a folder beside it', async () => {
    const { bytes, files: data } = externalModel(['weights/b', 'weights/a']);
    const directory = directoryOf({ 'model.onnx': bytes });
    mkdirSync(join(directory, 'weights'));
    for (const [name, values] of data) writeFileSync(join(directory, name), values);
    const files = await openModelFiles(directory);
    const hash = createHash('sha256');
    for (const name of ['weights/a', 'weights/b']) hash.update(data.get(name) as Uint8Array);
    expect(files).toMatchObject({ sourceName: 'a', sourceSha256: hash.digest('hex') });
    expect(files.paths).toHaveLength(3);
  });

  it('names external data that is missing, stands for something else, or lies elsewhere', async () => {
    const { bytes } = externalModel(['model.onnx.data']);
    const alone = join(directoryOf({ 'model.onnx': bytes }), 'model.onnx');
    expect(await faultOf(alone)).toEqual([
      'io',
      `${alone}: expected model.onnx.data beside it, got none that can be read; the model consists of both files`,
    ]);
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n';
    const lfs = directoryOf({ 'model.onnx': bytes, 'model.onnx.data': pointer });
    expect(await faultOf(lfs)).toEqual(['bad_model', expect.stringMatching(/Git LFS pointer/)]);
    const outside = directoryOf({ 'model.onnx': externalModel(['../secret']).bytes });
    expect(await faultOf(outside)).toEqual([
      'bad_model',
      expect.stringMatching(
        /model\.onnx: ONNX tensor "w": expected .* inside the model's folder, got "\.\.\/secret"/,
      ),
    ]);
    const data = join(directoryOf({ 'model.onnx.data': 'x' }), 'model.onnx.data');
    expect(await faultOf(data)).toEqual([
      'io',
      expect.stringMatching(/expected model\.onnx beside it/),
    ]);
  });

  it('opens an MXNet model by either file or its directory', async () => {
    const directory = directoryOf({ 'model-symbol.json': symbol, 'model-0000.params': params });
    for (const name of ['model-symbol.json', 'model-0000.params', '']) {
      const files = await openModelFiles(join(directory, name));
      expect(files).toMatchObject({
        format: 'mxnet',
        sourceName: 'model-0000.params',
        sourceSha256: createHash('sha256').update(params).digest('hex'),
        graphSha256: createHash('sha256').update(symbol).digest('hex'),
        bytes: symbol.length + params.length,
      });
      expect(files.import().graph.output).toBe('fc1');
      expect(files.import({ output: 'pre_fc1' }).graph.output).toBe('pre_fc1');
    }
  });

  it('opens an OpenVINO model by either file or its directory', async () => {
    const directory = directoryOf({ 'face.v1.xml': xml, 'face.v1.bin': bin });
    for (const name of ['face.v1.xml', 'face.v1.bin', '']) {
      const files = await openModelFiles(join(directory, name));
      const graphSha256 = createHash('sha256').update(xml).digest('hex');
      expect(files).toMatchObject({ format: 'openvino', sourceName: 'face.v1.bin', graphSha256 });
      expect(files.import().reversedChannels).toBe(true);
    }
  });

  it('takes the only partner of another name, and asks when there are several', async () => {
    const one = directoryOf({ 'net-symbol.json': symbol, 'other-0007.params': params });
    expect(await faultOf(join(one, 'other-0007.params'))).toEqual(['opened', '']);
    const two = directoryOf({
      'model-symbol.json': symbol,
      'model-0001.params': params,
      'model-0002.params': params,
    });
    const [code, message] = await faultOf(join(two, 'model-symbol.json'));
    expect(code).toBe('io');
    expect(message).toContain('got model-0001.params, model-0002.params; name the one you mean');
    expect(await faultOf(join(two, 'model-0002.params'))).toEqual(['opened', '']);
    expect((await faultOf(two))[1]).toContain('expected one model');
  });

  it('names the partner that is missing', async () => {
    const alone = directoryOf({ 'a.xml': xml, 'b-0000.params': params });
    expect((await faultOf(join(alone, 'a.xml')))[1]).toContain('expected a.bin beside it');
    expect((await faultOf(join(alone, 'b-0000.params')))[1]).toContain(
      '*-symbol.json beside it, got none',
    );
    const other = directoryOf({ 'a.bin': bin, 'c-symbol.json': symbol });
    expect((await faultOf(join(other, 'a.bin')))[1]).toContain('expected a.xml beside it');
    expect((await faultOf(join(other, 'c-symbol.json')))[1]).toContain(
      '*.params beside it, got none',
    );
  });

  const source = { name: 'm.onnx', sha256: '0'.repeat(64) };
  const converted = convertModel(importOnnx(smallNetwork()), { source });
  const safetensors = concatenate([converted.header, ...converted.chunks()]);

  it.each<[string, string, Uint8Array | string, string]>([
    ['an empty file', 'a.onnx', '', 'got an empty file'],
    ['a web page', 'a.onnx', '\n<!DOCTYPE html><html>', 'a web page'],
    ['a Git LFS pointer', 'a.onnx', 'version https://git-lfs.github.com/spec/v1\n', 'git lfs pull'],
    [
      'a Git LFS pointer for weights',
      'a.bin',
      'version https://git-lfs.github.com/',
      'git lfs pull',
    ],
    ['a web page for weights', 'a.bin', '<!doctype html>', 'a web page'],
    ['a zip archive', 'a.zip', 'PK\x03\x04rest', 'unpack it first'],
    ['converted weights', 'a.safetensors', safetensors, 'got converted weights (safetensors)'],
    ['converted weights by another name', 'a.onnx', safetensors, 'got converted weights'],
    [
      'a picture',
      'a.png',
      Buffer.from('\x89PNG', 'latin1'),
      'got a PNG picture; a model or weights belong here',
    ],
    ['what nobody knows', 'a.dat', 'what?', 'got something else, which starts with 77 68 61 74 3f'],
  ])('refuses %s with what to do', async (_, name, bytes, words) => {
    const [code, message] = await faultOf(join(directoryOf({ [name]: bytes }), name));
    expect(code).toBe('bad_model');
    expect(message).toContain(words);
  });

  it('refuses paths that lead nowhere and directories without a model', async () => {
    expect(await faultOf(join(root, 'none.onnx'))).toMatchObject([
      'io',
      expect.stringContaining('it does not exist'),
    ]);
    expect((await faultOf(directoryOf({ 'a.txt': 'x' })))[1]).toContain('expected one model');
  });

  it('takes weights whatever bytes they start with', async () => {
    for (const start of ['<', '{', '\x1f\x8b', '\n<']) {
      const weights = bin.slice();
      weights.set(Buffer.from(start, 'latin1'));
      const directory = directoryOf({ 'a.xml': xml, 'a.bin': weights });
      expect((await openModelFiles(join(directory, 'a.bin'))).format).toBe('openvino');
    }
  });

  it('looks at the partner too before it believes its name', async () => {
    const page = directoryOf({ 'm-symbol.json': '<html>', 'm-0000.params': params });
    expect((await faultOf(join(page, 'm-0000.params')))[1]).toContain('a web page');
    const swapped = directoryOf({ 'm-symbol.json': params, 'm-0000.params': params });
    expect((await faultOf(join(swapped, 'm-0000.params')))[1]).toContain(
      'an MXNet symbol (JSON), got MXNet parameters',
    );
  });
});
