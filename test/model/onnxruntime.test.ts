/** Whole networks against an independent engine: onnxruntime-web on the same ONNX. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel, type Model } from '../../dist/index.js';
import { type Converted, type ConvertOptions, convertModel } from '../../src/convert/convert.ts';
import { readLfwBin } from '../../src/dataset/lfw-bin.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { decodePicture } from '../../src/image/decode.ts';
import { cosineSimilarity, l2Normalize } from '../../src/similarity.ts';
import { bitsOf, largestDifference } from '../support/engine-files.ts';
import { pixels } from '../support/synth-graph.ts';

const FEATURE = 'node_modules/faceplugin-face-recognition-js/model/fr_feature.onnx';
const LFW = '../shared/data/small_lfw.bin';
const R100 = 'weights/cache/r100-seed1.onnx';
/** Of unit vectors. Direct convolution holds 2e-6; Winograd's transforms may cost as much again. */
const R100_BOUND = 4e-6;
const SIZE = 112;
const PLANE = SIZE * SIZE;

/** [3, 112, 112], raw values 0..255. */
type Planes = Float32Array;

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
});

function convert(onnx: Uint8Array, options: Partial<ConvertOptions> = {}): Converted {
  const source = { name: 'test.onnx', sha256: '0'.repeat(64) };
  return convertModel(importOnnx(onnx), { source, ...options });
}

function load(converted: Converted, threads = 1): Promise<Model> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield converted.header;
    yield* converted.chunks();
  }
  return loadModel(pieces(), { threads });
}

const face = (data: Planes) => ({ data, layout: 'nchw', channels: 'rgb' }) as const;

/** `inputs`: what the graph itself takes, normalised where it does not do that by itself. */
async function runReference(onnx: Uint8Array, inputs: readonly Planes[]): Promise<Float32Array[]> {
  const session = await ort.InferenceSession.create(onnx);
  const [input, output] = [session.inputNames[0] as string, session.outputNames[0] as string];
  const outputs: Float32Array[] = [];
  for (const data of inputs) {
    const feeds = { [input]: new ort.Tensor('float32', data, [1, 3, SIZE, SIZE]) };
    const results = await session.run(feeds);
    outputs.push(Float32Array.from(results[output]?.data as Float32Array));
  }
  await session.release();
  return outputs;
}

/** The first pictures of the first pairs. */
async function lfwFaces(count: number): Promise<Planes[]> {
  const { images } = readLfwBin(readFileSync(LFW), LFW);
  const faces: Planes[] = [];
  for (let i = 0; i < count; i++) {
    const { data, channels } = await decodePicture(images[2 * i] as Uint8Array, LFW);
    const planes = new Float32Array(3 * PLANE);
    planes.forEach((_, at) => {
      planes[at] = data[(at % PLANE) * channels.length + Math.floor(at / PLANE)] as number;
    });
    faces.push(planes);
  }
  return faces;
}

const featureMissing = [FEATURE, LFW].filter((path) => !existsSync(path));
if (featureMissing.length > 0) console.warn(`skipped: ${featureMissing.join(', ')} absent`);

describe.skipIf(featureMissing.length > 0)('a trained MobileFaceNet on faces', () => {
  it('equals onnxruntime to a cosine of 0.999999', async () => {
    const onnx = readFileSync(FEATURE);
    const faces = await lfwFaces(3);
    const [mean, std] = [127, 128];
    const normalized = faces.map((planes) => planes.map((value) => (value - mean) / std));
    const expected = await runReference(onnx, normalized);
    const model = await load(convert(onnx, { mean, std }));
    const got = await model.embedBatch(faces.map(face));
    model.dispose();
    const cosines = got.map((one, i) => cosineSimilarity(one, expected[i] as Float32Array));
    for (const cosine of cosines) expect(cosine).toBeGreaterThanOrEqual(0.999999);
    // Three faces, not one embedding thrice.
    const [first, second] = got as [Float32Array, Float32Array];
    expect(cosineSimilarity(first, second)).toBeLessThan(0.9);
  });
});

describe('R100 on seeded weights', () => {
  beforeAll(() => {
    if (existsSync(R100)) return;
    mkdirSync('weights/cache', { recursive: true });
    execFileSync(process.execPath, [
      'dist/cli/main.js',
      'synth',
      'r100',
      '--seed',
      '1',
      '-o',
      R100,
    ]);
  });

  const planesOf = (value: (c: number, y: number, x: number) => number): Planes =>
    Float32Array.from({ length: 3 * PLANE }, (_, at) =>
      value(Math.floor(at / PLANE), Math.floor(at / SIZE) % SIZE, at % SIZE),
    );
  const gradient = planesOf((c, y, x) => Math.round(([x, y, (x + y) / 2][c] as number) * 2.29));
  /** Steps from 0 to 255, as at the border of a mask. */
  const tiles = planesOf((_, y, x) => ((Math.floor(y / 9) + Math.floor(x / 9)) % 2) * 255);
  const inputs = [pixels(41), gradient, tiles];

  it(`equals onnxruntime within ${R100_BOUND} of a unit vector, with one thread and with two`, async () => {
    const onnx = readFileSync(R100);
    const expected = await runReference(onnx, inputs);
    const converted = convert(onnx);
    const model = await load(converted);
    const got: Float32Array[] = [];
    for (const input of inputs) got.push(await model.embed(face(input)));
    model.dispose();
    const differences = got.map((one, i) =>
      largestDifference(l2Normalize(one), l2Normalize(expected[i] as Float32Array)),
    );
    const shown = differences.map((difference) => difference.toExponential(2)).join(', ');
    console.info(`R100 against onnxruntime-web: ${shown}`);
    expect(got[0]).toHaveLength(512);
    for (const difference of differences) expect(difference).toBeLessThanOrEqual(R100_BOUND);
    const threaded = await load(converted, 2);
    const batch = await threaded.embedBatch(inputs.map(face));
    threaded.dispose();
    expect(batch.map(bitsOf)).toEqual(got.map(bitsOf));
  }, 180_000);
});
