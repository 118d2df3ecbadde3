/**
 * Published structures beyond InsightFace's own, as their exporters write them: through conversion and the
 * kernels, against onnxruntime-web on the same file and the same face.
 */

import { describe, expect, it } from 'vitest';
import { convertModel } from '../../src/convert/convert.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { readOnnx } from '../../src/formats/onnx/read.ts';
import type { OnnxTensor } from '../../src/formats/onnx/tensor.ts';
import { parseWeightsHeader } from '../../src/formats/safetensors.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { cosineSimilarity, l2Normalize } from '../../src/similarity.ts';
import { runNetwork } from '../support/network-run.ts';
import { floats, bytes as int8s, joined, node } from '../support/onnx-files.ts';
import { type ModelNode, type ModelTensor, modelBytes } from '../support/onnx-model.ts';
import { ghostNetwork, irNetwork } from '../support/onnx-networks.ts';
import { runtimeOutputs } from '../support/onnx-oracle.ts';
import { pixels } from '../support/synth-graph.ts';

const source = { name: 'model.onnx', sha256: '0'.repeat(64) };

/** Pixels of [3, 112, 112] as the file takes them. */
function inputOf(face: Float32Array, isLast: boolean, normalise: boolean): Float32Array {
  const value = (v: number): number => (normalise ? (v - 127.5) / 127.5 : v);
  if (!isLast) return face.map(value);
  return Float32Array.from(face, (_, i) =>
    value(face[(i % 3) * 112 * 112 + Math.floor(i / 3)] as number),
  );
}

/** Both embeddings of length 1, the operators of the graph, and how far apart they are. */
async function compared(bytes: Uint8Array, dims: readonly number[], normalise = true) {
  const face = pixels(9);
  const imported = importOnnx(bytes);
  const converted = convertModel(imported, { source });
  const weights = {
    header: parseWeightsHeader(converted.header),
    data: joined(converted.chunks()),
  };
  const { embedding } = runNetwork(weights, face, false);
  const input = inputOf(face, dims[3] === 3, normalise);
  const [expected] = (await runtimeOutputs(bytes, { dims, input })).values();
  const truth = l2Normalize(expected as Float32Array);
  const largest = embedding.reduce(
    (max, v, i) => Math.max(max, Math.abs(v - (truth[i] as number))),
    0,
  );
  return { cosine: cosineSimilarity(embedding, truth), largest, imported, converted };
}

function expectSame({ cosine, largest }: { cosine: number; largest: number }): void {
  expect(cosine).toBeGreaterThanOrEqual(0.999999);
  expect(largest).toBeLessThanOrEqual(2e-6);
}

describe('IR networks with a pooling of one pixel as shortcut', () => {
  it.each([
    ['AdaFace: MaxPool, the norm as second output', {}],
    ['CurricularFace and face.evoLVe: no normalisation', { tail: 'none' }],
    ['IR-SE', { se: true }],
    ['AveragePool', { shortcut: 'AveragePool' }],
    ['a strided Slice', { shortcut: 'Slice' }],
  ] as const)('%s', async (_, options) => {
    const result = await compared(irNetwork(31, options), [1, 3, 112, 112]);
    expectSame(result);
    const ops = result.imported.graph.nodes.map(({ op }) => op);
    // Of strides 2 and 1 in each of the stages that keep their width, only the former are nodes.
    expect(ops.filter((op) => op === 'subsample')).toHaveLength(2);
    expect(ops.filter((op) => op === 'add')).toHaveLength(8);
    const { folded } = result.converted.report;
    expect(folded.residuals).toBe(options && 'se' in options ? 0 : 8);
  });
});

describe('GhostFaceNets as Keras models', () => {
  it.each([
    ['with a Transpose around every operator', {}, true],
    ['with Transposes cancelled', { optimised: true }, true],
    ['with its own normalisation, channels last', { normalises: true }, false],
    ['with its own normalisation, planar inside', { normalises: true, optimised: true }, false],
  ] as const)('%s', async (_, options, normalise) => {
    const result = await compared(ghostNetwork(77, options), [1, 112, 112, 3], normalise);
    expectSame(result);
    const ops = result.imported.graph.nodes.map(({ op }) => op);
    expect(ops.filter((op) => op === 'concat')).toHaveLength(8);
    expect(ops.filter((op) => op === 'gate')).toHaveLength(2);
    // Every PReLU is one node again.
    expect(ops.filter((op) => op === 'prelu').length).toBe(1 + 2 * 4 + 1 + 2);
  });
});

/**
 * The file with int8 weights per output channel and int8 activations in front of every convolution, whose
 * ranges end at `share` of the largest value that one face gives: a calibration that saturates.
 */
function quantizedNetwork(bytes: Uint8Array, share: number): Uint8Array {
  const { graph } = readOnnx(bytes);
  const face = pixels(5).map((v) => (v - 127.5) / 127.5);
  const values = evaluateGraph(importOnnx(bytes).graph, face);
  values.set('x', Float64Array.from(face));
  const nodes: ModelNode[] = [];
  const tensors: ModelTensor[] = [];
  const kept = new Map([...graph.initializers].map(([name, tensor]) => [name, tensorOf(tensor)]));
  for (const { name, opType, inputs, outputs, attributes } of graph.nodes) {
    const stated = Object.fromEntries(attributes) as unknown as ModelNode['attributes'];
    if (opType !== 'Conv') {
      nodes.push({ name, opType, inputs, outputs, attributes: stated ?? {} });
      continue;
    }
    const [x = '', w = ''] = inputs;
    const largest = (values.get(x) as Float64Array).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    const weight = kept.get(w) as ModelTensor & { values: Float32Array };
    kept.delete(w);
    const rows = weight.dims[0] as number;
    const length = weight.values.length / rows;
    const scales = Array.from({ length: rows }, (_, o) => {
      const row = weight.values.subarray(o * length, (o + 1) * length);
      return row.reduce((m, v) => Math.max(m, Math.abs(v)), 0) / 127;
    });
    const q = Array.from(weight.values, (v, i) =>
      Math.round(v / (scales[Math.floor(i / length)] as number)),
    );
    tensors.push(
      floats(`${name}/xs`, [], [(share * largest) / 127]),
      int8s(`${name}/xz`, [], [0], 'int8'),
      int8s(`${name}/w`, weight.dims, q, 'int8'),
      floats(`${name}/ws`, [rows], scales),
    );
    nodes.push(
      node('QuantizeLinear', [x, `${name}/xs`, `${name}/xz`], `${name}/q`),
      node('DequantizeLinear', [`${name}/q`, `${name}/xs`, `${name}/xz`], `${name}/d`),
      node('DequantizeLinear', [`${name}/w`, `${name}/ws`], `${name}/wd`, { axis: { int: 0 } }),
      {
        name,
        opType,
        inputs: [`${name}/d`, `${name}/wd`, ...inputs.slice(2)],
        outputs,
        attributes: stated ?? {},
      },
    );
  }
  const input = { name: 'x', dims: ['N', 3, 112, 112] };
  const outputs = graph.outputs.map((value) => value.name);
  return modelBytes({ nodes, tensors: [...tensors, ...kept.values()], input, outputs });
}

function tensorOf(tensor: OnnxTensor): ModelTensor & { values: Float32Array } {
  const values = new Float32Array(tensor.count);
  tensor.decodeInto(values);
  const { name, dims, dataType } = tensor;
  const data =
    dataType === 1
      ? new Uint8Array(values.buffer)
      : new Uint8Array(BigInt64Array.from(values, (v) => BigInt(v)).buffer);
  return { name, dims, dataType, data, values };
}

describe('an int8 network whose activations saturate', () => {
  it('has the embedding that onnxruntime gives, which one without its limits has not', async () => {
    const float = irNetwork(31, { tail: 'none' });
    const bytes = quantizedNetwork(float, 0.4);
    const face = pixels(9);
    const input = inputOf(face, false, true);
    const [expected] = (await runtimeOutputs(bytes, { dims: [1, 3, 112, 112], input })).values();
    const of = (file: Uint8Array): number => {
      const { graph } = importOnnx(file);
      const got = evaluateGraph(graph, input).get(graph.output) as Float64Array;
      return cosineSimilarity(Float32Array.from(got), expected as Float32Array);
    };
    console.info(`int8, saturating: cosine ${of(bytes)}; without its limits ${of(float)}`);
    expect(of(bytes)).toBeGreaterThan(0.999);
    expect(of(float)).toBeLessThan(0.99);
  });
});
