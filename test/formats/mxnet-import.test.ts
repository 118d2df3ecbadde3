import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readLfwBin } from '../../src/dataset/lfw-bin.ts';
import type { Imported } from '../../src/formats/imported.ts';
import { importMxnet } from '../../src/formats/mxnet/import.ts';
import { decodePicture } from '../../src/image/decode.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { writeMxnetParams, writeMxnetSymbol } from '../support/mxnet/write.ts';
import { paramsOf, symbolOf, vector } from '../support/mxnet-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';
import { isOwn } from '../support/preprocessing.ts';
import {
  concatenate,
  graphOfSynth,
  pixels,
  relativeDifference,
  tinyModel,
} from '../support/synth-graph.ts';

const Y1 = '../shared/fixtures/y1';
const FACES = '../shared/data/small_lfw.bin';

describe('importMxnet', () => {
  const model = tinyModel();
  const symbol = writeMxnetSymbol(model);
  const params = concatenate(writeMxnetParams(model));
  const expected = evaluateGraph(graphOfSynth(model), pixels());

  it('gives the graph that the network defines, with every value of every layer', () => {
    const { graph, ...rest } = importMxnet(symbol, params);
    expect(rest).toEqual({
      format: 'mxnet',
      formatDetail: 'MXNet 1.2.1',
      claims: ['constants', 'rule'].map((source) => expect.objectContaining({ source, own: true })),
      notes: [],
    });
    expect(graph.output).toBe('fc1');
    const values = evaluateGraph(graph, pixels());
    for (const node of model.nodes) {
      const value = values.get(node.name);
      if (!value) continue;
      const truth = expected.get(node.name) as Float64Array;
      expect(relativeDifference(value, truth), node.name).toBeLessThan(1e-12);
    }
    expect(values.get('fc1')).toBeDefined();
  });

  it.each(['0.8', '0.11'] as const)('reads the symbols of MXNet %s to the same graph', (era) => {
    const old = importMxnet(writeMxnetSymbol(model, { era }), params).graph;
    const now = importMxnet(symbol, params).graph;
    const form = (graph: typeof old): unknown =>
      graph.nodes.map(({ op, name, inputs }) => [op, name, inputs]);
    expect(form(old)).toEqual(form(now));
    const value = evaluateGraph(old, pixels()).get('fc1') as Float64Array;
    expect(relativeDifference(value, expected.get('fc1') as Float64Array)).toBeLessThan(1e-12);
  });

  it('gives either side of the last batch norm, with or without _output', () => {
    for (const output of ['pre_fc1', 'pre_fc1_output']) {
      expect(importMxnet(symbol, params, { output }).graph.output).toBe('pre_fc1');
    }
    expect(importMxnet(symbol, params, { output: 'fc1_output' }).graph.output).toBe('fc1');
    const wrong = (): unknown => importMxnet(symbol, params, { output: 'fc7' });
    expect(codeOf(wrong)).toBe('bad_argument');
    expect(messageOf(wrong)).toContain('"pre_fc1", "fc1"');
  });

  it('reads f16 parameters within their rounding', () => {
    const halves = concatenate(writeMxnetParams(model, { type: 'f16' }));
    const value = evaluateGraph(importMxnet(symbol, halves).graph, pixels()).get('fc1');
    const truth = expected.get('fc1') as Float64Array;
    expect(relativeDifference(value as Float64Array, truth)).toBeLessThan(1e-2);
  });

  it('takes parameters without prefix and ignores a training head', () => {
    const symbols = symbolOf(
      ['null', 'face'],
      ['null', 'slopes'],
      ['LeakyReLU', 'fc1', [0, 1], { act_type: 'prelu' }],
      ['null', 'label'],
      ['SoftmaxOutput', 'softmax', [2, 3]],
    );
    const { graph } = importMxnet(symbols, paramsOf({ slopes: vector(0.1, 0.2, 0.3) }));
    expect(graph.input.name).toBe('face');
    expect(graph.output).toBe('fc1');
    expect(graph.nodes.map(({ op }) => op)).toEqual(['prelu']);
  });
});

describe('MXNet files of the published architectures', () => {
  it('have the node and parameter counts of R100', () => {
    const text = new TextDecoder().decode(writeMxnetSymbol(synthesize('r100', 1)));
    const nodes = (JSON.parse(text) as { nodes: { op: string; name: string }[] }).nodes;
    expect(nodes.length).toBe(1133);
    const count = (op: string): number => nodes.filter((node) => node.op === op).length;
    expect(['null', 'BatchNorm', 'Convolution', 'LeakyReLU', 'elemwise_add'].map(count)).toEqual([
      772, 154, 103, 50, 49,
    ]);
  });
});

describe.skipIf(!existsSync(Y1))('the trained MobileFaceNet (y1)', () => {
  const read = (): Imported => {
    const symbol = readFileSync(`${Y1}/model-symbol.json`);
    return importMxnet(symbol, readFileSync(`${Y1}/model-0000.params`));
  };

  it('has the operators that were counted in it', () => {
    const imported = read();
    const { graph, formatDetail } = imported;
    const count = (op: string): number => graph.nodes.filter((node) => node.op === op).length;
    expect(isOwn(imported)).toBe(true);
    expect(formatDetail).toBe('MXNet 1.0.0');
    expect(['conv', 'prelu', 'add', 'fc', 'affine'].map(count)).toEqual([49, 33, 12, 1, 52]);
  });

  it.skipIf(!existsSync(FACES))(
    'gives the values that an independent evaluator found for two faces',
    async () => {
      const { graph } = read();
      const { images } = readLfwBin(readFileSync(FACES));
      const embed = async (index: number): Promise<Float64Array> => {
        const { data } = await decodePicture(images[index] as Uint8Array);
        const area = 112 * 112;
        const planes = Float32Array.from(
          { length: 3 * area },
          (_, i) => data[4 * (i % area) + Math.floor(i / area)] as number,
        );
        return evaluateGraph(graph, planes).get('fc1') as Float64Array;
      };
      const [a, b] = [await embed(0), await embed(1)];
      // To the digits that were published; those pictures were decoded by Pillow.
      const published = [-0.29987, 0.23623, -0.72208, 0.6457, 0.15353, -0.15353, 0.12876, -1.5963];
      published.forEach((value, i) => {
        expect(Math.abs((a[i] as number) - value)).toBeLessThan(1e-4);
      });
      const dot = (x: Float64Array, y: Float64Array): number =>
        x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
      expect(Math.abs(Math.sqrt(dot(a, a)) - 10.8554)).toBeLessThan(1e-4);
      const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
      expect(Math.abs(cosine - 0.69884)).toBeLessThan(1e-4);
    },
  );
});
for (const path of [Y1, FACES]) {
  if (!existsSync(path)) console.warn(`${path} is absent: tests that need it are skipped`);
}
