import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { foldGraph } from '../../src/convert/fold.ts';
import { importMxnet } from '../../src/formats/mxnet/import.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { importOpenvino } from '../../src/formats/openvino/import.ts';
import { countGraph } from '../../src/graph/count.ts';
import type { Graph, GraphNode } from '../../src/graph/graph.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { onnxOfSynth } from '../../src/synth/onnx.ts';
import { graphOf, mulberry32, randomTensor } from '../support/graphs.ts';
import { joined } from '../support/onnx-files.ts';
import { writeOpenvinoBin, writeOpenvinoXml } from '../support/openvino/write.ts';
import { graphOfSynth } from '../support/synth-graph.ts';

const r100 = graphOfSynth(synthesize('r100', 1));

/** As a framework that folds batch norms itself would export it: bias on the layer, no affine. */
function withFoldedNorms(graph: Graph): Graph {
  const moved = new Map<string, string>();
  const products = new Set(['conv', 'fc']);
  const byName = new Map(graph.nodes.map((node) => [node.name, node]));
  const nodes: GraphNode[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => moved.get(name) ?? name);
    const before = byName.get(inputs[0] ?? '');
    if (node.op === 'affine' && before && products.has(before.op)) {
      moved.set(node.name, before.name);
    } else if (node.op === 'conv' || node.op === 'fc') {
      const bias = new Float64Array(node.weight.shape[0] as number);
      nodes.push({ ...node, inputs, bias } as GraphNode);
    } else {
      nodes.push({ ...node, inputs } as GraphNode);
    }
  }
  return { ...graph, nodes, output: moved.get(graph.output) ?? graph.output };
}

/** As an IR without biases on its layers: scale absorbed, an addition behind. */
function withAddedBiases(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) =>
    node.op === 'affine' && node.name !== 'bn1' && !node.name.endsWith('_bn1')
      ? { ...node, scale: node.scale.map(() => 1) }
      : node,
  );
  return { ...graph, nodes };
}

describe('countGraph', () => {
  it.each([
    ['r100', 24.209042, 65.130944],
    ['r50', 12.63655, 43.576128],
    ['r34', 8.934364, 34.128704],
    ['mobilefacenet', 0.448541, 0.993344],
  ] as const)('counts %s as the Open Model Zoo publishes it', (name, gflops, mparams) => {
    const { zoo } = countGraph(graphOfSynth(synthesize(name, 1)));
    expect(zoo.mxnet.flops / 1e9).toBeCloseTo(gflops, 6);
    expect(zoo.mxnet.parameters / 1e6).toBe(mparams);
  });

  it('counts the products and convolutions of R100', () => {
    const { macs, convolutions } = countGraph(r100);
    expect(macs).toBe(12_089_606_144);
    expect(convolutions).toBe(103);
  });

  it('counts the MACs of MobileFaceNet with its depthwise layers', () => {
    const counts = countGraph(graphOfSynth(synthesize('mobilefacenet', 1)));
    expect(counts.macs).toBe(220_965_376);
    expect(counts.convolutions).toBe(49);
  });

  it('counts R100 by the rule of the ONNX entry', () => {
    const { onnx } = countGraph(r100).zoo;
    expect(onnx.flops / 1e9).toBeCloseTo(24.211476, 6);
    expect(onnx.parameters).toBe(65_131_968);
  });

  it.each([
    ['batch norms folded into biases', withFoldedNorms],
    ['biases as additions', withAddedBiases],
  ])('gives the same numbers for R100 with %s', (_, form) => {
    expect(countGraph(form(r100))).toEqual(countGraph(r100));
  });

  it('counts no constants for a ReLU and no bias where none is', () => {
    const conv: GraphNode = {
      op: 'conv',
      name: 'conv',
      inputs: ['data'],
      weight: randomTensor(mulberry32(1), 4, 2, 3, 3),
      stride: [1, 1],
      pads: [1, 1, 1, 1],
      group: 1,
    };
    const relu: GraphNode = {
      op: 'prelu',
      name: 'relu',
      inputs: ['conv'],
      slope: new Float64Array(4),
    };
    const { zoo } = countGraph(graphOf([2, 5, 5], [conv, relu]));
    expect(zoo.mxnet).toEqual({ flops: 2 * 100 * 18 + 2 * 100, parameters: 72 });
    expect(zoo.onnx).toEqual(zoo.mxnet);
  });
});

const mobile = synthesize('mobilefacenet', 1);
const imported: [string, () => Graph][] = [
  ...(['zoo', 'torch', 'folded'] as const).map((style): [string, () => Graph] => [
    `ONNX, ${style}`,
    () => importOnnx(joined(onnxOfSynth(mobile, style))).graph,
  ]),
  ...([7, 10, 11] as const).map((version): [string, () => Graph] => [
    `OpenVINO IR v${version}`,
    () =>
      importOpenvino(
        writeOpenvinoXml(mobile, { version }),
        joined(writeOpenvinoBin(mobile, { version })),
      ).graph,
  ]),
];

describe('the published row of MobileFaceNet', () => {
  const published = { flops: 448_541_440, parameters: 993_344 };

  it.each(imported)('comes out of %s', (_, read) => {
    const graph = read();
    expect(countGraph(graph)).toMatchObject({ macs: 220_965_376, zoo: { mxnet: published } });
    // Folding moves the input's normalisation, which this rule does not count, and nothing else.
    expect(countGraph(foldGraph(graph).graph).zoo.mxnet).toEqual(published);
  });

  const y1 = '../shared/fixtures/y1';
  if (!existsSync(y1)) console.warn(`skipped: ${y1} is absent`);
  it.skipIf(!existsSync(y1))('comes out of the trained model itself', () => {
    const [symbol, params] = ['model-symbol.json', 'model-0000.params'].map((name) =>
      readFileSync(`${y1}/${name}`),
    ) as [Buffer, Buffer];
    expect(countGraph(importMxnet(symbol, params).graph).zoo.mxnet).toEqual(published);
  });
});
