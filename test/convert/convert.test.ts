import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ConvertOptions, convertModel } from '../../src/convert/convert.ts';
import { foldGraph } from '../../src/convert/fold.ts';
import type { Imported } from '../../src/formats/imported.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { parseWeightsHeader } from '../../src/formats/safetensors.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { type Claim, NOTHING, uniform as same } from '../../src/graph/preprocessing.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { graphOf, mulberry32, randomTensor, uniform } from '../support/graphs.ts';
import { joined } from '../support/onnx-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

const source = { name: 'm.onnx', sha256: '0'.repeat(64) };

function stem(): Graph {
  const weight = randomTensor(mulberry32(3), 8, 3, 3, 3);
  return graphOf(
    [3, 112, 112],
    [
      {
        op: 'conv',
        name: 'conv',
        inputs: ['data'],
        weight,
        stride: [112, 112],
        pads: [1, 1, 1, 1],
        group: 1,
      },
    ],
  );
}

function imported(fields: Partial<Imported> = {}): Imported {
  return {
    graph: stem(),
    format: 'onnx',
    formatDetail: 'ONNX opset 11',
    claims: [],
    notes: ['imported'],
    ...fields,
  };
}

/** What an importer says of a graph that subtracts and divides. */
const OWN: Claim = { source: 'constants', text: 'It normalises', front: NOTHING, own: true };
const ON_BGR: Claim = { source: 'metadata', text: 'It says BGR', order: 'bgr' };

/** The tensors of the weights file by name. */
function tensorsOf(model: Imported, options: Partial<ConvertOptions> = {}): Map<string, number[]> {
  const { header, chunks } = convertModel(model, { source, ...options });
  const { tensors } = parseWeightsHeader(header);
  const data = [...chunks()];
  return new Map(
    tensors.map(({ name }, at) => {
      const bytes = data[at] as Uint8Array;
      return [name, [...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)]];
    }),
  );
}

const preprocessingOf = (model: Imported, options: Partial<ConvertOptions> = {}): unknown =>
  convertModel(model, { source, ...options }).report.preprocessing;

describe('convertModel', () => {
  it('folds 127.5 and 127.5 in front of a graph that does not normalise, and says so', () => {
    const { report } = convertModel(imported(), { source });
    expect(report.preprocessing).toEqual({ mean: same(127.5), std: same(127.5), own: false });
    expect(report.notes).toEqual([
      'imported',
      expect.stringMatching(/^Nothing says .* normalises .*: \(x - 127.5\) \/ 127.5 was folded in/),
      expect.stringMatching(/^Nothing says which channel order .*: it is taken for RGB/),
    ]);
    expect(tensorsOf(imported()).get('conv.pad')?.slice(0, 4)).toEqual([127.5, 127.5, 127.5, 0]);
  });

  it('leaves a graph that normalises by itself alone', () => {
    const own = imported({ claims: [OWN] });
    expect(preprocessingOf(own)).toEqual({ mean: same(0), std: same(1), own: true });
    expect([...tensorsOf(own).keys()]).toEqual(['conv.weight', 'conv.bias']);
  });

  it('takes mean and std as asked, and the default for the one that is not', () => {
    expect(preprocessingOf(imported(), { mean: 127, std: 128 })).toMatchObject({
      mean: same(127),
      std: same(128),
    });
    expect(preprocessingOf(imported(), { mean: 0 })).toMatchObject({
      mean: same(0),
      std: same(127.5),
    });
    const own = imported({ claims: [OWN] });
    expect(preprocessingOf(own, { std: 2 })).toEqual({ mean: same(0), std: same(2), own: true });
    const { notes } = convertModel(own, { source, std: 2 }).report;
    expect(notes.join()).toMatch(/in front of what the graph does itself/);
    expect(codeOf(() => convertModel(own, { source, std: 0 }))).toBe('bad_argument');
  });

  it('exchanges the channels of the first convolution for --input bgr', () => {
    const rgb = tensorsOf(imported()).get('conv.weight') as number[];
    const bgr = tensorsOf(imported(), { input: 'bgr' }).get('conv.weight') as number[];
    // [taps][4 channels][8]: channel 0 of one is channel 2 of the other.
    for (let tap = 0; tap < 9; tap++) {
      expect(bgr.slice(tap * 32, tap * 32 + 8)).toEqual(rgb.slice(tap * 32 + 16, tap * 32 + 24));
    }
    const { header } = convertModel(imported(), { source, input: 'bgr' });
    expect(parseWeightsHeader(header).metadata.inputOrder).toBe('bgr');
  });

  it('leaves a model that takes BGR as it is', () => {
    const model = imported({ claims: [ON_BGR] });
    const { header } = convertModel(model, { source });
    expect(parseWeightsHeader(header).metadata.inputOrder).toBe('bgr');
    expect(tensorsOf(model).get('conv.weight')).toEqual(tensorsOf(imported()).get('conv.weight'));
  });

  it('refuses inputs that no face is loaded into: other sizes, other channels', () => {
    const inputOf = (...shape: [number, number, number]): Imported =>
      imported({ graph: { ...stem(), input: { name: 'data', shape } } });
    for (const model of [inputOf(3, 160, 160), inputOf(1, 112, 112), inputOf(3, 112, 96)]) {
      expect(codeOf(() => convertModel(model, { source }))).toBe('bad_model');
    }
    expect(messageOf(() => convertModel(inputOf(1, 112, 112), { source }))).toMatch(
      /^input "data": expected \[1, 3, 112, 112\], an aligned face, got \[1, 1, 112, 112\];/,
    );
  });

  it('gives another contract for whatever makes another network of the same weights', () => {
    const contractOf = (model: Imported, options: Partial<ConvertOptions> = {}): string =>
      parseWeightsHeader(convertModel(model, { source, ...options }).header).metadata.contract;
    const graph = (digit: string): Partial<ConvertOptions> => ({
      source: { ...source, graphSha256: digit.repeat(64) },
    });
    const all = [
      contractOf(imported()),
      contractOf(imported({ claims: [ON_BGR] })),
      contractOf(imported(), { mean: 127 }),
      contractOf(imported(), { std: 128 }),
      contractOf(imported(), graph('1')),
      contractOf(imported(), graph('2')),
      contractOf(imported(), { source: { ...source, sha256: '3'.repeat(64) } }),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(contractOf(imported())).toBe(all[0]);
  });

  it('counts cleaned constants once the data was written', () => {
    const graph = stem();
    const bias = uniform(mulberry32(1), 8);
    bias[3] = 1e-38;
    const nodes = graph.nodes.map((node) => ({ ...node, bias }) as (typeof graph.nodes)[number]);
    const model = imported({ graph: { ...graph, nodes }, claims: [OWN] });
    const { report, chunks } = convertModel(model, { source });
    expect([...chunks()]).toHaveLength(2);
    expect(report.cleaned.get('conv.bias')).toBe(1);
  });

  const fixture = '../shared/fixtures/ir-tiny';
  if (!existsSync(fixture)) console.warn(`skipped: ${fixture} is absent`);
  it.skipIf(!existsSync(fixture))('folds ir-tiny to the embedding that onnxruntime gives', () => {
    const model = importOnnx(readFileSync(`${fixture}/ir-tiny.onnx`));
    const input = readNpy(readFileSync(`${fixture}/input.npy`)).data as Float32Array;
    const expected = readNpy(readFileSync(`${fixture}/fc1.npy`)).data as Float32Array;
    const { graph, report } = foldGraph(model.graph);
    const got = evaluateGraph(graph, Float32Array.from(input)).get(graph.output) as Float64Array;
    const worst = expected.reduce((max, v, at) => {
      return Math.max(max, Math.abs(v - (got[at] as number)));
    }, 0);
    expect(worst).toBeLessThan(1e-5);
    expect(report.kept).toEqual([]);
    const converted = convertModel(model, { source });
    const bytes = joined([converted.header, ...converted.chunks()]);
    expect(parseWeightsHeader(bytes, bytes.length).network.ops.at(-1)?.op).toBe('fc');
  });
});
