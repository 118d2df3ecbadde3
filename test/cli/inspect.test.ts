import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertModel } from '../../src/convert/convert.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { encodeWeightsHeader, parseWeightsHeader } from '../../src/formats/safetensors.ts';
import { countGraph } from '../../src/graph/count.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { onnxOfSynth } from '../../src/synth/onnx.ts';
import { joined, node, onnxFile } from '../support/onnx-files.ts';
import { graphOfSynth, tinyModel } from '../support/synth-graph.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'arcface-inspect-'));
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'inspect', ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function json(path: string, ...flags: string[]) {
  const { status, stdout, stderr } = run(path, '--json', ...flags);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe('inspect', () => {
  const onnx = join(folder, 'tiny.onnx');
  const weights = join(folder, 'tiny.safetensors');
  beforeAll(() => {
    const bytes = joined(onnxOfSynth(tinyModel(), 'zoo'));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const source = { name: 'tiny.onnx', sha256 };
    const converted = convertModel(importOnnx(bytes), { source });
    writeFileSync(onnx, bytes);
    writeFileSync(weights, joined([converted.header, ...converted.chunks()]));
  });

  it('tells the same of a model and of its weights, whose batch norms are gone', () => {
    const { format, formatDetail, notes, evidence, ...model } = json(onnx);
    expect([format, notes.length]).toEqual(['onnx', 2]);
    expect(formatDetail).toMatch(/^ONNX opset 8/);
    const { format: kind, formatDetail: detail, notes: kept, ...converted } = json(weights);
    expect([kind, detail]).toEqual(['weights', 'weights (f32) converted from tiny.onnx']);
    expect(kept).toEqual(notes);
    expect(evidence).toMatchObject({ verdict: 'cannot tell', batchNorm: 'bn0' });
    expect(converted).toEqual({ ...model, evidence: null });
  });

  it('counts the file as it was published, and every layer with its kernel and reason', () => {
    const { layers, ...model } = json(weights);
    const counts = countGraph(graphOfSynth(tinyModel()));
    expect(model.macs).toBe(counts.macs);
    expect(model.convolutions).toBe(counts.convolutions);
    expect(layers.reduce((sum: number, layer: { macs: number }) => sum + layer.macs, 0)).toBe(
      counts.macs,
    );
    expect(layers.at(-1)).toMatchObject({ op: 'fc', shape: [16], parameters: (12 * 49 + 1) * 16 });
    for (const { kernel, reason } of layers) expect(kernel && reason).toBeTruthy();
    expect(model.arenaBytes).toBeGreaterThanOrEqual(model.arenaLowerBoundBytes);
    expect(model).toMatchObject({ inputOrder: 'rgb', outputFeatures: 16 });
  });

  it('prints the published numbers of R100 from the header alone', () => {
    // The head of an R100's weights; the data is a hole in the file.
    const path = join(folder, 'r100.safetensors');
    const imported = importOnnx(joined(onnxOfSynth(tinyModel(), 'zoo')));
    const r100 = graphOfSynth(synthesize('r100', 1));
    const source = { name: 'r100.onnx', sha256: '0'.repeat(64) };
    const converted = convertModel({ ...imported, graph: r100 }, { source });
    writeFileSync(path, converted.header);
    truncateSync(path, converted.byteLength);
    const { stdout } = run(path);
    const lines = stdout.split('\n');
    expect(lines[1]).toBe('24.209 GFLOPs, 65.131 MParams, 12,089,606,144 MACs, 103 convolutions');
    expect(lines[2]).toMatch(/^24\.2115 GFLOPs, 65\.1320 MParams by the rule of .*-onnx entries$/);
    expect(lines[4]).toMatch(
      /^weights [\d,]+ bytes; arena [\d,]+ bytes, lower bound [\d,]+; scratch [\d,]+ bytes$/,
    );
    const { arenaBytes, scratchBytes, ...inspection } = json(path);
    // README.md: half as much as the arena.
    expect(scratchBytes / arenaBytes).toBeGreaterThan(0.3);
    expect(scratchBytes / arenaBytes).toBeLessThan(0.7);
    expect(inspection).toMatchObject({
      gflops: 24.209,
      mparams: 65.131,
      macs: 12_089_606_144,
      convolutions: 103,
      counts: {
        mxnet: { gflops: 24.209, mparams: 65.131 },
        onnx: { gflops: 24.2115, mparams: 65.132 },
      },
    });
  });

  it('prints what stands in front of the network, and what that rests on, of both', () => {
    for (const path of [onnx, weights]) {
      expect(run(path).stdout).toContain(
        'preprocessing: nothing, then what the graph does itself ' +
          "(inferred by the graph's first constants); trained on RGB (assumed by InsightFace's default)",
      );
    }
  });

  it('says of weights from before there was a basis that it is not recorded', () => {
    const old = join(folder, 'old.safetensors');
    const bytes = readFileSync(weights);
    const { metadata, network, dataOffset } = parseWeightsHeader(bytes, bytes.length);
    const { trainedOn: _, basis: __, ...rest } = metadata;
    const header = encodeWeightsHeader(rest, network);
    writeFileSync(old, joined([header, bytes.subarray(dataOffset)]));
    expect(json(old)).toMatchObject({ trainedOn: null, basis: null, notes: [] });
    expect(run(old).stdout).toContain(
      'preprocessing: nothing, then what the graph does itself (not recorded); ' +
        'trained on an order not recorded',
    );
  });

  it('reads a model with the options of convert', () => {
    const model = json(onnx, '--mean', '3', '--std', '2', '--input', 'bgr');
    expect(model.inputOrder).toBe('bgr');
    expect(model.notes.join()).toContain('(x - 3) / 2 was folded in');
    expect(model).toMatchObject({
      trainedOn: 'rgb',
      preprocessing: { mean: 3, std: 2, own: true },
      basis: { values: { source: 'option' }, order: { source: 'default' } },
    });
    const { status, stderr } = run(onnx, '--value', 'fc7');
    expect(status).toBe(1);
    expect(stderr).toMatch(/tiny\.onnx: ONNX graph: expected an output of the graph, got "fc7"/);
  });

  it.each<[string, () => string[], number, RegExp]>([
    [
      'options of a conversion for weights',
      () => [weights, '--mean', '0'],
      2,
      /--mean: expected a model to convert, got converted weights/,
    ],
    [
      'a channel order for weights, under the name of its option',
      () => [weights, '--trained-on', 'bgr'],
      2,
      /--trained-on: expected a model to convert, got converted weights/,
    ],
    [
      'a model whose operator is unknown, with its path',
      () => {
        const odd = join(folder, 'odd.onnx');
        writeFileSync(odd, onnxFile([node('Softplus', ['x'], 'y')]));
        return [odd];
      },
      1,
      /odd\.onnx: .*Softplus/,
    ],
    ['no argument', () => [], 2, /expected one model or weights file, got none/],
    ['two arguments', () => [onnx, weights], 2, /expected one model or weights file/],
    ['a file that does not exist', () => [join(folder, 'none')], 1, /none: .*does not exist/],
    ['a file that is no model', () => [main], 1, /expected a model .*got something else/],
    [
      'weights whose data is cut off',
      () => {
        const cut = join(folder, 'cut.safetensors');
        writeFileSync(cut, readFileSync(weights).subarray(0, -64));
        return [cut];
      },
      1,
      /weights file/,
    ],
    [
      'weights that are a web page',
      () => {
        const page = join(folder, 'page.safetensors');
        writeFileSync(page, '<!doctype html><title>404</title>');
        return [page];
      },
      1,
      /a web page/,
    ],
  ])('refuses %s', (_, args, code, message) => {
    const { status, stdout, stderr } = run(...args());
    expect([status, stdout]).toEqual([code, '']);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/unexpected error|^ +at /m);
  });
});
