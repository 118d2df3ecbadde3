/**
 * Published structures beyond InsightFace's own, as their exporters write them: through conversion and the
 * kernels, against onnxruntime-web on the same file and the same face.
 */

import { describe, expect, it } from 'vitest';
import { convertModel } from '../../src/convert/convert.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { parseWeightsHeader } from '../../src/formats/safetensors.ts';
import { cosineSimilarity, l2Normalize } from '../../src/similarity.ts';
import { runNetwork } from '../support/network-run.ts';
import { joined } from '../support/onnx-files.ts';
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
