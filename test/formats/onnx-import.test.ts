/** Whole files: published forms, their defects, names, outputs and what is refused. */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { onnxOfSynth } from '../../src/synth/onnx.ts';
import { floats, joined, node, onnxFile } from '../support/onnx-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';
import { isOwn } from '../support/preprocessing.ts';
import { graphOfSynth, pixels, tinyModel } from '../support/synth-graph.ts';

const irTiny = new URL('../../../shared/fixtures/ir-tiny/', import.meta.url);
const faceplugin = new URL(
  '../../node_modules/faceplugin-face-recognition-js/model/fr_feature.onnx',
  import.meta.url,
);

function countOf(nodes: readonly { op: string }[], op: string): number {
  return nodes.filter((each) => each.op === op).length;
}

/** The data of a .npy of f32. */
function npy(url: URL): Float32Array {
  const bytes = readFileSync(url);
  return new Float32Array(new Uint8Array(bytes.subarray(10 + bytes.readUInt16LE(8))).buffer);
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] as number))));
}

function unit(values: Float64Array): Float64Array {
  const norm = Math.hypot(...values);
  return values.map((value) => value / norm);
}

const noFixture = !existsSync(irTiny);
if (noFixture) console.warn('ir-tiny is absent: its import is not tested');

describe.skipIf(noFixture)('the published small IR network', () => {
  const read = () => importOnnx(readFileSync(new URL('ir-tiny.onnx', irTiny)));

  it('has the convolutions, batch norms and names of its file', () => {
    const imported = read();
    const { graph, formatDetail, notes } = imported;
    expect(formatDetail).toBe('ONNX opset 11');
    expect(isOwn(imported)).toBe(true);
    expect(notes).toEqual([]);
    expect(graph.input).toEqual({ name: 'data', shape: [3, 112, 112] });
    expect(graph.output).toBe('fc1');
    expect(countOf(graph.nodes, 'conv')).toBe(15);
    expect(countOf(graph.nodes, 'prelu')).toBe(6);
    expect(countOf(graph.nodes, 'add')).toBe(5);
    expect(countOf(graph.nodes, 'fc')).toBe(1);
  });

  it('gives the stored output on the stored input', () => {
    const { graph } = read();
    const values = evaluateGraph(graph, npy(new URL('input.npy', irTiny)));
    const expected = npy(new URL('fc1.npy', irTiny));
    expect(largestDifference(expected, values.get('fc1') ?? [])).toBeLessThan(1e-5);
  });
});

describe('the trained network of the faceplugin package', () => {
  it('imports with its 50 convolutions and leaves normalisation to the caller', () => {
    const imported = importOnnx(readFileSync(faceplugin));
    const { graph, notes } = imported;
    expect(countOf(graph.nodes, 'conv')).toBe(50);
    expect(countOf(graph.nodes, 'prelu')).toBe(33);
    expect(countOf(graph.nodes, 'add')).toBe(12);
    expect(graph.nodes.at(-1)).toMatchObject({ op: 'flatten', name: 'output' });
    expect(isOwn(imported)).toBe(false);
    expect(notes).toEqual([]);
  });
});

describe('a seeded network', () => {
  const model = tinyModel(3);
  const face = pixels(5);
  const truth = unit(evaluateGraph(graphOfSynth(model), face).get('fc1') as Float64Array);
  const embed = (bytes: Uint8Array): Float64Array => {
    const imported = importOnnx(bytes);
    const { graph } = imported;
    const input = isOwn(imported) ? face : face.map((value) => (value - 127.5) / 127.5);
    return unit(evaluateGraph(graph, input).get(graph.output) as Float64Array);
  };

  it.each([
    ['zoo', {}, 1e-11],
    ['zoo', { slope: '1C11', storage: 'float_data' }, 1e-11],
    ['zoo', { slope: 'reshape', storage: 'constant_nodes' }, 1e-11],
    ['torch', {}, 1e-7],
    ['torch', { slope: 'unsqueeze', storage: 'constant_nodes' }, 1e-7],
    ['folded', {}, 1e-7],
  ] as const)('in %s style %o gives the embedding of its definition', (style, options, bound) => {
    const embedding = embed(joined(onnxOfSynth(model, style, options)));
    expect(largestDifference(truth, embedding)).toBeLessThan(bound);
  });

  it('with the exporter defects gives the same embedding and says what was repaired', () => {
    const bytes = joined(onnxOfSynth(model, 'zoo', { slope: 'C', spatial: 0 }));
    expect(largestDifference(truth, embed(bytes))).toBeLessThan(1e-11);
    const { notes } = importOnnx(bytes);
    expect(notes).toContainEqual(
      expect.stringMatching(/^repaired: BatchNorm.*spatial=0.*22 nodes/),
    );
    expect(notes).toContainEqual(expect.stringMatching(/^repaired: PRelu slopes.*6 nodes/));
  });

  it('has any input and output names and an open batch in torch style', () => {
    const { graph } = importOnnx(joined(onnxOfSynth(model, 'torch')));
    expect(graph.input.name).toBe('input.1');
    expect(graph.output).toBe('683');
    expect(graph.input.shape).toEqual([3, 112, 112]);
    expect(countOf(graph.nodes, 'affine')).toBe(22);
  });

  it('has its foldable batch norms folded in folded style', () => {
    const { graph } = importOnnx(joined(onnxOfSynth(model, 'folded')));
    // bn1 of five units, bn1 and fc1 of the head.
    expect(countOf(graph.nodes, 'affine')).toBe(7);
  });

  it('can be cut at any inner value by name', () => {
    const { graph } = importOnnx(joined(onnxOfSynth(model, 'zoo')), { output: 'pre_fc1' });
    expect(graph.output).toBe('pre_fc1');
    expect(graph.nodes.at(-1)?.name).toBe('pre_fc1');
  });
});

describe('importing ONNX', () => {
  const conv = node('Conv', ['x', 'w'], 'c');
  const weight = floats('w', [4, 3, 8, 8]);

  it('ignores nodes that the output does not need, whatever they are', () => {
    const dead = node('NonMaxSuppression', ['x'], 'boxes');
    const { graph } = importOnnx(onnxFile([dead, conv], [weight]));
    expect(graph.nodes.map((each) => each.op)).toEqual(['conv']);
  });

  it('refuses an operator outside the family with node, operator and what is supported', () => {
    const lstm = { ...node('LSTM', ['c'], 'y'), name: 'encoder/lstm' };
    const bytes = onnxFile([conv, lstm], [weight]);
    expect(codeOf(() => importOnnx(bytes))).toBe('unsupported_operator');
    expect(messageOf(() => importOnnx(bytes))).toMatch(
      /^ONNX operator LSTM of ai.onnx: .* like Gemm, got node "encoder\/lstm"; .* Add, .*Conv, /,
    );
    const foreign = node('acme:Conv', ['x', 'w'], 'y');
    expect(messageOf(() => importOnnx(onnxFile([foreign], [weight])))).toMatch(
      /^ONNX operator Conv of acme: .* like Conv, got node "y"/,
    );
  });

  it('refuses weights that do not fit their input', () => {
    const bytes = onnxFile([conv], [floats('w', [4, 5, 3, 3])]);
    expect(codeOf(() => importOnnx(bytes))).toBe('bad_model');
    expect(messageOf(() => importOnnx(bytes))).toMatch(/conv "c": expected weights for 3 input/);
  });

  it('takes the first of several outputs, or the one asked for', () => {
    const outputs = ['a', 'b'].map((name) => ({ name, dims: [1] }));
    const nodes = [conv, node('Relu', ['c'], 'a'), node('Sigmoid', ['c'], 'b')];
    const bytes = onnxFile(nodes, [weight], { outputs });
    expect(importOnnx(bytes).graph.output).toBe('a');
    expect(importOnnx(bytes, { output: 'b' }).graph.output).toBe('b');
    expect(messageOf(() => importOnnx(bytes, { output: 'z' }))).toMatch(
      /got "z"; its outputs are "a", "b"/,
    );
  });

  it('lets initialisers be listed as inputs, as files before IR 4 do', () => {
    const inputs = [
      { name: 'w', dims: [4, 3, 8, 8] },
      { name: 'x', dims: [1, 3, 8, 8] },
    ];
    expect(importOnnx(onnxFile([conv], [weight], { inputs })).graph.input.name).toBe('x');
  });

  it('refuses a graph with two inputs that matter', () => {
    const inputs = ['x', 'y'].map((name) => ({ name, dims: [1, 3, 8, 8] }));
    const bytes = onnxFile([node('Add', ['x', 'y'], 'z')], [], { inputs });
    expect(messageOf(() => importOnnx(bytes))).toMatch(/one input.*got \["x", "y"\]/);
  });

  it('takes open sizes for a 112x112 face and says so', () => {
    const inputs = [{ name: 'x', dims: ['N', 3, 'H', 'W'] }];
    const { graph, notes } = importOnnx(onnxFile([conv], [weight], { inputs }));
    expect(graph.input.shape).toEqual([3, 112, 112]);
    expect(notes[0]).toMatch(/assumed: input "x" is \[3, 112, 112\]/);
  });

  it('reads a fixed batch as a batch of one', () => {
    const nodes = [conv, node('Reshape', ['c', 'target'], 'y')];
    const target = { ...floats('target', [2], [32, 4]) };
    const inputs = [{ name: 'x', dims: [32, 3, 8, 8] }];
    const { graph, notes } = importOnnx(onnxFile(nodes, [weight, target], { inputs }));
    expect(graph.nodes.at(-1)?.op).toBe('flatten');
    expect(notes[0]).toMatch(/batch of 32 is read as a batch of 1/);
  });
});
