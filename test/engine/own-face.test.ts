/** Every embedding is of its own face: whatever the network ends with, however many faces run at once. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertModel } from '../../src/convert/convert.ts';
import type { Imported } from '../../src/formats/imported.ts';
import { encodeWeightsHeader, parseWeightsHeader } from '../../src/formats/safetensors.ts';
import type { Graph, GraphNode } from '../../src/graph/graph.ts';
import { NOTHING } from '../../src/graph/preprocessing.ts';
import { loadModel } from '../../src/index.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { bitsOf, noiseFace } from '../support/engine-files.ts';
import { graphOf, mulberry32, type Random, randomTensor, uniform } from '../support/graphs.ts';
import { joined } from '../support/onnx-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

const source = { name: 'test', sha256: '0'.repeat(64) };

function imported(graph: Graph): Imported {
  const raw = { source: 'constants', text: 'takes raw values', front: NOTHING, own: true } as const;
  return { graph, format: 'onnx', formatDetail: 'test', claims: [raw], notes: [] };
}

function conv(random: Random, name: string, input: string, o: number, i: number, side: number) {
  const stride = [side, side] as const;
  const weight = randomTensor(random, o, i, side, side);
  const node = { op: 'conv', name, inputs: [input], weight, stride, group: 1 } as const;
  return { ...node, pads: [0, 0, 0, 0] as const };
}

/** How networks end: each takes `trunk`, [4, 14, 14], and leaves a vector. */
const HEADS: Readonly<Record<string, (random: Random, features: number) => GraphNode[]>> = {
  fc: (random, f) => [
    { op: 'flatten', name: 'flat', inputs: ['trunk'] },
    { op: 'fc', name: 'y', inputs: ['flat'], weight: randomTensor(random, f, 4 * 14 * 14) },
  ],
  'a convolution over everything': (random, f) => [conv(random, 'y', 'trunk', f, 4, 14)],
  pooling: (random, f) => [
    conv(random, 'wide', 'trunk', f, 4, 1),
    { op: 'global_average_pool', name: 'y', inputs: ['wide'] },
  ],
  'a vector of length 1': (random, f) => [
    conv(random, 'whole', 'trunk', f, 4, 14),
    { op: 'flatten', name: 'flat', inputs: ['whole'] },
    { op: 'l2_normalize', name: 'y', inputs: ['flat'], eps: 1e-12 },
  ],
  'a batch norm that stays': (random, f) => [
    conv(random, 'whole', 'trunk', f, 4, 14),
    { op: 'prelu', name: 'act', inputs: ['whole'], slope: uniform(random, f) },
    {
      op: 'affine',
      name: 'y',
      inputs: ['act'],
      scale: uniform(random, f),
      shift: uniform(random, f),
    },
  ],
};

function network(head: string, features: number, seed: number): Graph {
  const random = mulberry32(seed);
  const ends = HEADS[head]?.(random, features) ?? [];
  return graphOf([3, 112, 112], [conv(random, 'trunk', 'data', 4, 3, 8), ...ends]);
}

async function load(graph: Graph) {
  const converted = convertModel(imported(graph), { source });
  return loadModel(joined([converted.header, ...converted.chunks()]) as Uint8Array<ArrayBuffer>);
}

describe('an embedding', () => {
  it.each(Object.keys(HEADS))('is of its own face, behind %s', async (head) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 21 }),
        fc.nat(1000),
        fc.array(fc.nat(6), { minLength: 1, maxLength: 9 }),
        async (features, seed, picks) => {
          const graph = network(head, features, seed);
          using model = await load(graph);
          const faces = picks.map(noiseFace);
          const together = await model.embedBatch(faces);
          for (const [i, face] of faces.entries()) {
            const got = together[i] as Float32Array;
            expect(bitsOf(got)).toEqual(bitsOf(await model.embed(face)));
            const truth = evaluateGraph(graph, face.data).get('y') as Float64Array;
            const largest = Math.max(...truth.map(Math.abs));
            expect(got).toHaveLength(features);
            for (const [k, value] of truth.entries()) {
              expect(Math.abs((got[k] as number) - value)).toBeLessThan(1e-5 * largest);
            }
          }
        },
      ),
      { numRuns: 6 },
    );
  });
});

describe('a feature map', () => {
  const map = network('fc', 8, 1);
  const cut = { ...map, output: 'trunk' };

  it('is no embedding when converting; the message names the vectors there are', () => {
    expect(codeOf(() => convertModel(imported(cut), { source }))).toBe('bad_model');
    expect(messageOf(() => convertModel(imported(cut), { source }))).toBe(
      'value "trunk": expected a vector, the embedding, got [4, 14, 14]; ' +
        'give --value with one of its vectors, such as "y", "flat"',
    );
    const mapOnly = graphOf([3, 112, 112], [map.nodes[0] as GraphNode]);
    expect(messageOf(() => convertModel(imported(mapOnly), { source }))).toMatch(/computes none$/);
  });

  it('nor is one number', () => {
    const score = network('fc', 1, 1);
    expect(messageOf(() => convertModel(imported(score), { source }))).toMatch(
      /^value "y": expected a vector, the embedding, got a single number; .* such as "flat"$/,
    );
  });

  it('is no embedding when loading, whatever the file says', async () => {
    const converted = convertModel(imported(map), { source });
    const { metadata, network: right } = parseWeightsHeader(converted.header);
    const header = encodeWeightsHeader(metadata, { ...right, output: 'trunk' });
    expect(messageOf(() => parseWeightsHeader(header))).toMatch(
      /network\.output: expected a vector, the embedding, got \[4, 14, 14\]/,
    );
    const bytes = joined([header, ...converted.chunks()]) as Uint8Array<ArrayBuffer>;
    await expect(loadModel(bytes)).rejects.toMatchObject({ code: 'bad_weights' });
  });
});
