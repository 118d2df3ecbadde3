/** Subsampling: the rows and columns that it keeps, as it is stated and as what the engine runs. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertModel } from '../../src/convert/convert.ts';
import { foldGraph } from '../../src/convert/fold.ts';
import { GraphBuilder } from '../../src/formats/graph-builder.ts';
import { parseWeightsHeader } from '../../src/formats/safetensors.ts';
import { countGraph } from '../../src/graph/count.ts';
import type { Graph, GraphNode, SubsampleNode } from '../../src/graph/graph.ts';
import { sizeOf } from '../../src/graph/limits.ts';
import { inferShapes } from '../../src/graph/shapes.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { l2Normalize } from '../../src/similarity.ts';
import { graphOf, mulberry32, type Random, randomTensor, uniform } from '../support/graphs.ts';
import { runNetwork } from '../support/network-run.ts';
import { joined } from '../support/onnx-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

type Pair = readonly [number, number];

function subsample(stride: Pair, offset?: Pair, input = 'data'): SubsampleNode {
  return { op: 'subsample', name: 's', inputs: [input], stride, offset };
}

function outputOf(graph: Graph, input: Float64Array): Float64Array {
  return evaluateGraph(graph, input).get(graph.output) as Float64Array;
}

/** The residual unit of AdaFace and CurricularFace whose shortcut is a 1x1 max pooling. */
function unit(random: Random, channels: number, prefix = '', input = 'data'): GraphNode[] {
  const conv = (name: string, from: string, stride: number): GraphNode => ({
    op: 'conv',
    name: prefix + name,
    inputs: [from],
    weight: randomTensor(random, channels, channels, 3, 3),
    stride: [stride, stride],
    pads: [1, 1, 1, 1],
    group: 1,
  });
  const affine = (name: string, from: string): GraphNode => ({
    op: 'affine',
    name: prefix + name,
    inputs: [from],
    scale: uniform(random, channels, 0.5, 1.5),
    shift: uniform(random, channels),
  });
  const slope = uniform(random, channels);
  return [
    { ...subsample([2, 2], undefined, input), name: `${prefix}shortcut` },
    affine('bn1', input),
    conv('conv1', `${prefix}bn1`, 1),
    { op: 'prelu', name: `${prefix}relu`, inputs: [`${prefix}conv1`], slope },
    conv('conv2', `${prefix}relu`, 2),
    affine('bn2', `${prefix}conv2`),
    { op: 'add', name: `${prefix}sum`, inputs: [`${prefix}bn2`, `${prefix}shortcut`] },
  ];
}

describe('subsampling', () => {
  it('keeps every second row and third column, worked by hand', () => {
    const input = Float64Array.from({ length: 2 * 3 * 4 }, (_, i) => i);
    const kept = outputOf(graphOf([2, 3, 4], [subsample([2, 3])]), input);
    expect([...kept]).toEqual([0, 3, 8, 11, 12, 15, 20, 23]);
    const later = outputOf(graphOf([2, 3, 4], [subsample([2, 3], [1, 2])]), input);
    expect([...later]).toEqual([6, 18]);
  });

  it('has the size that max pooling with a window of one pixel has', () => {
    const shapeOf = (side: number, stride: number) =>
      inferShapes(graphOf([4, side, side], [subsample([stride, stride])])).get('s');
    expect(shapeOf(112, 2)).toEqual([4, 56, 56]);
    expect(shapeOf(7, 2)).toEqual([4, 4, 4]);
    expect(shapeOf(1, 2)).toEqual([4, 1, 1]);
  });

  it('is a depthwise convolution for the engine, which gives the same values exactly', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
        fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
        fc.tuple(fc.nat(3), fc.nat(3)),
        fc.integer({ min: 1, max: 5 }),
        ([height, width], stride, [oy, ox], channels) => {
          const offset = [Math.min(oy, height - 1), Math.min(ox, width - 1)] as const;
          const graph = graphOf([channels, height, width], [subsample(stride, offset)]);
          const { graph: folded } = foldGraph(graph);
          expect(folded.nodes.map(({ op }) => op)).toEqual(['conv']);
          const input = uniform(mulberry32(height * width), sizeOf(graph.input.shape));
          expect([...outputOf(folded, input)]).toEqual([...outputOf(graph, input)]);
        },
      ),
    );
  });

  it('in a residual unit leaves three convolutions, the sum in one of them', () => {
    const graph = graphOf([4, 6, 6], unit(mulberry32(3), 4));
    const { graph: folded, report } = foldGraph(graph);
    expect(folded.nodes.map(({ op }) => op)).toEqual(['conv', 'conv', 'conv']);
    expect(report.residuals).toBe(1);
    const input = uniform(mulberry32(4), 144);
    const [expected, got] = [outputOf(graph, input), outputOf(folded, input)];
    for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, 12);
  });

  it('counts as pooling, not as a convolution with weights', () => {
    const { macs, convolutions, zoo } = countGraph(graphOf([4, 6, 6], [subsample([2, 2])]));
    expect({ macs, convolutions }).toEqual({ macs: 0, convolutions: 0 });
    expect(zoo.onnx).toEqual({ flops: 36, parameters: 0 });
  });

  it('refuses strides and offsets that leave nothing, and vectors', () => {
    const refused = (node: SubsampleNode, shape: readonly [number, number, number] = [2, 4, 4]) =>
      messageOf(() => inferShapes(graphOf(shape, [node])));
    expect(refused(subsample([0, 1]))).toMatch(/subsample "s": expected strides of 1\.\.1024/);
    expect(refused(subsample([2, 2], [4, 0]))).toMatch(/an offset inside 4x4, got \[4, 0\]/);
    const flat: GraphNode = { op: 'flatten', name: 'f', inputs: ['data'] };
    const graph = graphOf([2, 4, 4], [flat, subsample([2, 2], undefined, 'f')]);
    expect(messageOf(() => inferShapes(graph))).toMatch(/an input \[C, H, W\], got \[32\]/);
    expect(codeOf(() => inferShapes(graph))).toBe('bad_model');
  });

  it('that keeps everything is no node', () => {
    const builder = new GraphBuilder({ name: 'data', shape: [3, 4, 4] });
    expect(builder.subsample('s', 'data', [1, 1])).toBe('data');
    expect(builder.subsample('s', 'data', [2, 1])).toBe('s');
    expect(builder.shapeOf('s')).toEqual([3, 2, 4]);
  });

  it('runs in the kernels: two units and a head on a face', () => {
    const random = mulberry32(7);
    const graph = graphOf(
      [3, 112, 112],
      [
        ...unit(random, 3, 'a.'),
        ...unit(random, 3, 'b.', 'a.sum'),
        { ...subsample([4, 4], [1, 2], 'b.sum'), name: 'few' },
        { op: 'flatten', name: 'flat', inputs: ['few'] },
        { op: 'fc', name: 'fc1', inputs: ['flat'], weight: randomTensor(random, 16, 3 * 7 * 7) },
      ],
    );
    const imported = { format: 'onnx', formatDetail: 'test', claims: [], notes: [] } as const;
    const source = { name: 'test', sha256: '0'.repeat(64) };
    const converted = convertModel({ graph, ...imported }, { source, mean: 0, std: 1 });
    const header = parseWeightsHeader(converted.header);
    const face = Float32Array.from(uniform(random, 3 * 112 * 112, 0, 255));
    const data = joined(converted.chunks());
    const { embedding, kernels } = runNetwork({ header, data }, face, false);
    const truth = l2Normalize(Float32Array.from(outputOf(graph, Float64Array.from(face))));
    expect(kernels).toContain('f32_conv_depthwise');
    for (const [i, value] of truth.entries()) expect(embedding[i]).toBeCloseTo(value, 6);
  });
});
