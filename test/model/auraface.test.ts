/**
 * The form of AuraFace-v1's glintr100.onnx: an iresnet100 as torch exports it, batch norms behind
 * convolutions folded, normalisation left to the caller. Its numbers are not at hand; its structure is
 * that of a seeded network, held to what is published of the file.
 */

import * as ort from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { findModel, readManifest } from '../../src/cli/fetch/manifest.ts';
import { convertModel } from '../../src/convert/convert.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { loadModel } from '../../src/index.ts';
import { l2Normalize } from '../../src/similarity.ts';
import { resNet, synthesize } from '../../src/synth/architectures.ts';
import { onnxFileOfSynth, onnxOfSynth } from '../../src/synth/onnx.ts';
import { largestDifference } from '../support/engine-files.ts';
import { joined } from '../support/onnx-files.ts';
import { pixels } from '../support/synth-graph.ts';

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
});

type Style = 'torch' | 'folded';

const fileOf = (style: Style) => onnxFileOfSynth(synthesize('r100', 1), style);

/** Bytes of all constants. */
function valueBytes(style: Style): number {
  const counts = fileOf(style).initializers.map(({ dims }) => dims.reduce((a, b) => a * b, 1));
  return 4 * counts.reduce((sum, count) => sum + count, 0);
}

describe('the structure of glintr100.onnx', () => {
  it('is an iresnet100 of 512 numbers under torch names, with an open batch', () => {
    const { nodes, initializers, inputs, outputs, opset } = fileOf('folded');
    const counts: Record<string, number> = {};
    for (const { opType } of nodes) counts[opType] = (counts[opType] ?? 0) + 1;
    // 49 units of two convolutions and one batch norm in front; stem, four projections, bn2, features.
    expect(counts).toEqual({
      Conv: 1 + 2 * 49 + 4,
      PRelu: 1 + 49,
      BatchNormalization: 49 + 2,
      Add: 49,
      Flatten: 1,
      Gemm: 1,
    });
    expect(inputs).toEqual([{ name: 'input.1', dims: ['None', 3, 112, 112] }]);
    expect(outputs[0]?.dims).toEqual(['None', 512]);
    expect(opset).toBe(11);
    const dims = new Map(initializers.map((tensor) => [tensor.name, tensor.dims]));
    expect(dims.get('layer3.29.bn1.running_mean')).toEqual([256]);
    expect(dims.get('layer4.0.downsample.0.weight')).toEqual([512, 256, 1, 1]);
    expect(dims.get('fc.weight')).toEqual([512, 512 * 7 * 7]);
    expect(dims.get('features.running_var')).toEqual([512]);
    expect(dims.has('layer1.0.bn2.weight')).toBe(false);
  });

  it('has as many values as the published file has room for; with every batch norm it would not', async () => {
    const [part] = findModel(await readManifest(), 'auraface-v1').parts;
    const published = part?.bytes as number;
    // Some 250 nodes and 460 names take less than 100 kB.
    expect(published - valueBytes('folded')).toBeGreaterThan(0);
    expect(published - valueBytes('folded')).toBeLessThan(100_000);
    expect(valueBytes('torch')).toBeGreaterThan(published);
  });
});

describe('a small network of that form', () => {
  const spec = { units: [1, 2, 1, 1], channels: [8, 8, 16, 16, 32], embedding: 512 } as const;
  const onnx = joined(onnxOfSynth(resNet('small', spec, 5), 'folded'));
  const source = { name: 'glintr100.onnx', sha256: '0'.repeat(64) };

  it('takes (x - 127.5) / 127.5 in RGB without an option, and gives what onnxruntime gives', async () => {
    const converted = convertModel(importOnnx(onnx), { source });
    const { preprocessing, inputOrder, trainedOn } = converted.report;
    expect(preprocessing).toMatchObject({
      mean: [127.5, 127.5, 127.5],
      std: [127.5, 127.5, 127.5],
    });
    expect([inputOrder, trainedOn]).toEqual(['rgb', 'rgb']);
    const planes = pixels(3);
    const model = await loadModel(joined([converted.header, ...converted.chunks()]));
    const embedding = await model.embed({ data: planes, layout: 'nchw', channels: 'rgb' });
    model.dispose();
    const normalized = planes.map((value) => (value - 127.5) / 127.5);
    const session = await ort.InferenceSession.create(onnx);
    const feeds = { 'input.1': new ort.Tensor('float32', normalized, [1, 3, 112, 112]) };
    const { data } = Object.values(await session.run(feeds))[0] as ort.Tensor;
    await session.release();
    expect(embedding).toHaveLength(512);
    const expected = l2Normalize(data as Float32Array);
    expect(largestDifference(l2Normalize(embedding), expected)).toBeLessThan(4e-6);
  });
});
