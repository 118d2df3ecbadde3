/** What `convert` and `inspect` say of the evidence that a network carries. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { convert } from '../../src/cli/commands/convert.ts';
import { inspect } from '../../src/cli/commands/inspect.ts';
import { LFW_FACES } from '../../src/convert/evidence/lfw-faces.ts';
import { predictBatchNorms } from '../../src/convert/evidence/predict.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { type ChannelOrder, type PerChannel, uniform } from '../../src/graph/preprocessing.ts';
import { floats, node, onnxFile } from '../support/onnx-files.ts';

const CHANNELS = 16;
const folder = mkdtempSync(join(tmpdir(), 'arcface-evidence-'));
const output = join(folder, 'out.safetensors');
let printed = '';

beforeEach(() => {
  printed = '';
  vi.spyOn(console, 'log').mockImplementation((line: string) => {
    printed += `${line}\n`;
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Convolution, batch norm with this memory, average: 16 numbers of a face. */
function stem(mean?: Float64Array, variance?: Float64Array): Uint8Array {
  const vector = (name: string, values: ArrayLike<number> | undefined, other: number) =>
    floats(name, [CHANNELS], Array.from(values ?? new Array(CHANNELS).fill(other)));
  return onnxFile(
    [
      node('Conv', ['x', 'w'], 'conv', { pads: { ints: [1, 1, 1, 1] }, strides: { ints: [2, 2] } }),
      node('BatchNormalization', ['conv', 'gamma', 'beta', 'mean', 'variance'], 'bn'),
      node('GlobalAveragePool', ['bn'], 'pooled'),
      node('Flatten', ['pooled'], 'features'),
    ],
    [
      floats('w', [CHANNELS, 3, 3, 3]),
      vector('gamma', undefined, 1),
      vector('beta', undefined, 0),
      vector('mean', mean, 0),
      vector('variance', variance, 1),
    ],
    { inputs: [{ name: 'x', dims: [1, 3, 112, 112] }] },
  );
}

/** The path of a network whose batch norm saw faces in this form. */
function trainedOn(order: ChannelOrder, mean: PerChannel, std: PerChannel): string {
  const { graph } = importOnnx(stem());
  const [prediction] = predictBatchNorms(graph, { order, mean, std }, LFW_FACES);
  const path = join(folder, 'model.onnx');
  writeFileSync(path, stem(prediction?.predicted.mean, prediction?.predicted.variance));
  return path;
}

describe('the evidence of a network', () => {
  it('is printed where it agrees', async () => {
    const model = trainedOn('rgb', uniform(127.5), uniform(127.5));
    await convert.run([model, '-o', output]);
    expect(printed).toMatch(/^evidence: agrees \(99\.\d % sure\): batch norm "bn" .*-1\.\.1 RGB/m);
    expect(printed).not.toMatch(/^warning/m);
  });

  it('is a warning with the options that follow it, and changes nothing', async () => {
    const model = trainedOn('bgr', uniform(0), uniform(255));
    await convert.run([model, '-o', output]);
    expect(printed).toMatch(/^preprocessing: \(x - 127.5\) \/ 127.5 .*trained on RGB/m);
    const options = '--trained-on bgr --mean 0 --std 255';
    expect(printed).toMatch(
      new RegExp(`^warning: .*99.9 % sure.*0\\.\\.1 BGR.*; ${options} would follow it$`, 'm'),
    );
    printed = '';
    await convert.run([model, '-o', output, ...options.split(' ')]);
    expect(printed).toMatch(/^evidence: agrees/m);
  });

  it('names three numbers in the order of the network', async () => {
    const model = trainedOn('bgr', [103.53, 116.28, 123.675], [57.375, 57.12, 58.395]);
    await convert.run([model, '-o', output, '--json']);
    const { evidence, preprocessing } = JSON.parse(printed);
    expect(preprocessing.mean).toBe(127.5);
    expect(evidence).toMatchObject({
      verdict: 'against',
      confidence: 0.999,
      batchNorm: 'bn',
      channels: CHANNELS,
      pictures: LFW_FACES.pictures,
      tellsOrder: true,
      options: '--trained-on bgr --mean 103.53,116.28,123.675 --std 57.375,57.12,58.395',
    });
    expect(evidence.fits[0]).toMatchObject({ trainedOn: 'bgr', mean: [103.53, 116.28, 123.675] });
    expect(evidence.fits[0].divergence).toBeLessThan(1e-6);
    expect(evidence.fits).toHaveLength(12);
  });

  it('gives three numbers anew where only the order was wrong', async () => {
    const model = trainedOn('bgr', [103.53, 116.28, 123.675], [57.375, 57.12, 58.395]);
    const given = ['--mean', '123.675,116.28,103.53', '--std', '58.395,57.12,57.375'];
    await convert.run([model, '-o', output, '--json', ...given]);
    const { options } = JSON.parse(printed).evidence;
    expect(options).toBe('--trained-on bgr --mean 103.53,116.28,123.675 --std 57.375,57.12,58.395');
    printed = '';
    await convert.run([model, '-o', output, ...options.split(' ')]);
    expect(printed).toMatch(/^evidence: agrees/m);
  });

  it('is shown by inspect, as read with its options; a weights file has none', async () => {
    const model = trainedOn('bgr', uniform(127.5), uniform(127.5));
    await inspect.run([model]);
    expect(printed).toMatch(/^warning: .*; --trained-on bgr would follow it$/m);
    printed = '';
    await inspect.run([model, '--trained-on', 'bgr', '--json']);
    expect(JSON.parse(printed).evidence.verdict).toBe('agrees');
    await convert.run([model, '-o', output]);
    printed = '';
    await inspect.run([output, '--json']);
    expect(JSON.parse(printed).evidence).toBeNull();
  });

  it('is said to be gone where there is none', async () => {
    const path = join(folder, 'untrained.onnx');
    writeFileSync(path, stem());
    await convert.run([path, '-o', output]);
    expect(printed).toMatch(/^evidence: cannot tell: batch norm "bn" remembers nothing/m);
  });
});
