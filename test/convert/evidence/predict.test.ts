/** Predictions against the same graphs run in float64 on pictures whose statistics are exactly known. */

import { describe, expect, it } from 'vitest';
import { type FaceStatistics, REACH } from '../../../src/convert/evidence/face-statistics.ts';
import { momentsThrough, pointwiseOf } from '../../../src/convert/evidence/pointwise.ts';
import { predictBatchNorms } from '../../../src/convert/evidence/predict.ts';
import type { AffineNode, GraphNode } from '../../../src/graph/graph.ts';
import { uniform as same } from '../../../src/graph/preprocessing.ts';
import { graphOf, mulberry32, randomTensor, uniform } from '../../support/graphs.ts';
import { type Form, noisePictures, seenAt } from '../../support/pretend-faces.ts';

const SIDE = 112;
const TAPS = (REACH + 1) ** 2;
const PAIRS = [0, 1, 2].flatMap((a) => [0, 1, 2].slice(a).map((b) => [a, b] as const));
const raw: Form = { order: 'rgb', mean: same(0), std: same(1) };

const norm = (name: string, input: string, channels: number): AffineNode => ({
  op: 'affine',
  name,
  inputs: [input],
  scale: new Float64Array(channels).fill(1),
  shift: new Float64Array(channels),
  remembered: { mean: new Float64Array(channels), variance: new Float64Array(channels).fill(1) },
});

/** Pictures of one colour each, and what they are exactly. */
const COLOURS = [
  [200, 90, 40],
  [10, 120, 90],
  [150, 30, 220],
] as const;
const plain = COLOURS.map((colour) =>
  Float64Array.from({ length: 4 * SIDE * SIDE }, (_, at) => colour[at & 3] ?? 255),
);
const plainStatistics: FaceStatistics = (() => {
  const average = (of: (colour: readonly number[]) => number): number =>
    COLOURS.reduce((sum, colour) => sum + of(colour), 0) / COLOURS.length;
  const mean = [0, 1, 2].map((c) => average((colour) => colour[c] as number));
  const covariance = PAIRS.map(([a, b]) =>
    average(
      (colour) =>
        ((colour[a] as number) - (mean[a] as number)) *
        ((colour[b] as number) - (mean[b] as number)),
    ),
  );
  return { pictures: 3, mean, covariance, variogram: PAIRS.map(() => new Array(TAPS).fill(0)) };
})();

/** Independent values 0..255 at every pixel and channel. */
const noiseStatistics: FaceStatistics = (() => {
  const variance = (256 ** 2 - 1) / 12;
  const covariance = PAIRS.map(([a, b]) => (a === b ? variance : 0));
  const variogram = covariance.map((value) =>
    Array.from({ length: TAPS }, (_, at) => (at === 0 ? 0 : value)),
  );
  return { pictures: 0, mean: [127.5, 127.5, 127.5], covariance, variogram };
})();

const conv = (
  seed: number,
  [outputs, kernel, stride, group]: readonly [number, number, number, number],
  pads: readonly [number, number, number, number],
): GraphNode => {
  const random = mulberry32(seed);
  return {
    op: 'conv',
    name: 'conv',
    inputs: ['scaled'],
    weight: randomTensor(random, outputs, 3 / group, kernel, kernel),
    bias: uniform(random, outputs),
    stride: [stride, stride],
    pads,
    group,
  };
};
const scaled: GraphNode = {
  op: 'affine',
  name: 'scaled',
  inputs: ['data'],
  scale: Float64Array.of(0.01, -0.02, 0.015),
  shift: Float64Array.of(-1, 2, 0.5),
};

function relative(got: Float64Array, expected: Float64Array): number {
  const most = expected.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return (
    got.reduce((a, value, c) => Math.max(a, Math.abs(value - (expected[c] as number))), 0) / most
  );
}

describe('what a batch norm would see', () => {
  it.each<[string, Parameters<typeof conv>[1], Parameters<typeof conv>[2]]>([
    ['3x3', [5, 3, 1, 1], [1, 1, 1, 1]],
    ['3x3 of stride 2', [5, 3, 2, 1], [1, 1, 1, 1]],
    ['3x3 padded on two sides', [4, 3, 2, 1], [0, 0, 1, 1]],
    ['7x7 of stride 2', [3, 7, 2, 1], [3, 3, 3, 3]],
    ['5x5 without padding', [2, 5, 1, 1], [0, 0, 0, 0]],
    ['3x3 in three groups', [6, 3, 1, 3], [1, 1, 1, 1]],
    ['1x1', [4, 1, 1, 1], [0, 0, 0, 0]],
    ['1x1 that mixes three channels', [3, 1, 1, 1], [0, 0, 0, 0]],
    ['1x1 in three groups', [3, 1, 1, 3], [0, 0, 0, 0]],
  ])('of plain pictures is exact behind a convolution %s, border and all', (_, shape, pads) => {
    const graph = graphOf(
      [3, SIDE, SIDE],
      [scaled, conv(1, shape, pads), norm('bn', 'conv', shape[0])],
    );
    for (const form of [raw, { order: 'bgr', mean: [100, 50, 20], std: [50, 60, 70] } as const]) {
      const [prediction] = predictBatchNorms(graph, form, plainStatistics);
      const { mean, variance } = seenAt(graph, 'conv', plain, form);
      expect(relative(prediction?.predicted.mean as Float64Array, mean)).toBeLessThan(1e-9);
      expect(relative(prediction?.predicted.variance as Float64Array, variance)).toBeLessThan(1e-9);
    }
  });

  it('of noise is that of the squares of the weights', () => {
    const graph = graphOf(
      [3, SIDE, SIDE],
      [scaled, conv(2, [6, 5, 1, 1], [2, 2, 2, 2]), norm('bn', 'conv', 6)],
    );
    const [prediction] = predictBatchNorms(graph, raw, noiseStatistics);
    const { mean, variance } = seenAt(graph, 'conv', noisePictures(3), raw);
    expect(relative(prediction?.predicted.mean as Float64Array, mean)).toBeLessThan(0.01);
    expect(relative(prediction?.predicted.variance as Float64Array, variance)).toBeLessThan(0.02);
  });

  it('goes on behind an activation, for sums of many values', () => {
    const slope = Float64Array.of(0.25, -0.5, 1.2, 0, 0.1, 0.9);
    const graph = graphOf(
      [3, SIDE, SIDE],
      [
        scaled,
        conv(3, [6, 5, 1, 1], [2, 2, 2, 2]),
        norm('bn0', 'conv', 6),
        { op: 'prelu', name: 'relu', inputs: ['bn0'], slope },
        norm('bn1', 'relu', 6),
      ],
    );
    const [, second] = predictBatchNorms(graph, raw, noiseStatistics);
    const { mean, variance } = seenAt(graph, 'relu', noisePictures(3, 2), raw);
    expect(second?.name).toBe('bn1');
    expect(relative(second?.predicted.mean as Float64Array, mean)).toBeLessThan(0.02);
    expect(relative(second?.predicted.variance as Float64Array, variance)).toBeLessThan(0.03);
  });

  it('is known of the input itself', () => {
    const graph = graphOf([3, SIDE, SIDE], [norm('bn_data', 'data', 3)]);
    const [prediction] = predictBatchNorms(graph, { ...raw, order: 'bgr' }, plainStatistics);
    expect([...(prediction?.predicted.mean ?? [])]).toEqual([...plainStatistics.mean].reverse());
  });

  it('is not known behind a second convolution, a sum, a kernel above 7x7, or what is too large', () => {
    const reached = (...nodes: GraphNode[]): string[] =>
      [...predictBatchNorms(graphOf([3, SIDE, SIDE], nodes), raw, plainStatistics)].map(
        ({ name }) => name,
      );
    const first = conv(4, [4, 3, 1, 1], [1, 1, 1, 1]);
    const second: GraphNode = {
      ...(conv(5, [4, 3, 1, 1], [1, 1, 1, 1]) as GraphNode & { op: 'conv' }),
      name: 'second',
      inputs: ['conv'],
      weight: randomTensor(mulberry32(5), 4, 4, 3, 3),
    };
    expect(reached(scaled, first, second, norm('bn', 'second', 4))).toEqual([]);
    const sum: GraphNode = { op: 'add', name: 'sum', inputs: ['conv', 'conv'] };
    expect(reached(scaled, first, sum, norm('bn', 'sum', 4))).toEqual([]);
    const wide = conv(6, [4, 9, 1, 1], [4, 4, 4, 4]);
    expect(reached(scaled, wide, norm('bn', 'conv', 4))).toEqual([]);
    const large = conv(7, [600, 7, 1, 1], [3, 3, 3, 3]);
    expect(reached(scaled, large, norm('bn', 'conv', 600))).toEqual([]);
    expect(reached(scaled, first, norm('bn', 'conv', 4))).toEqual(['bn']);
  });
});

describe('an activation of normally distributed values', () => {
  const standard = { mean: Float64Array.of(0), variance: Float64Array.of(1) };
  const through = (node: GraphNode): [number, number] => {
    const apply = pointwiseOf(node);
    if (!apply) throw new Error(`${node.op} is no function of one value`);
    const { mean, variance } = momentsThrough(apply, standard);
    return [mean[0] as number, variance[0] as number];
  };

  it('has the moments of a half-normal distribution behind a ReLU', () => {
    const [mean, variance] = through({
      op: 'prelu',
      name: 'y',
      inputs: ['x'],
      slope: Float64Array.of(0),
    });
    expect(mean).toBeCloseTo(1 / Math.sqrt(2 * Math.PI), 3);
    expect(variance).toBeCloseTo(1 / 2 - 1 / (2 * Math.PI), 3);
  });

  it('is symmetric behind a sigmoid, and bounded behind a clip', () => {
    const [middle] = through({ op: 'sigmoid', name: 'y', inputs: ['x'] });
    expect(middle).toBeCloseTo(0.5, 9);
    // E[min(x, 0)]: the negative half.
    const [mean] = through({
      op: 'clip',
      name: 'y',
      inputs: ['x'],
      min: Number.NEGATIVE_INFINITY,
      max: 0,
    });
    expect(mean).toBeCloseTo(-1 / Math.sqrt(2 * Math.PI), 3);
  });
});

describe('the work of a prediction', () => {
  it('is bounded, however many convolutions, mixtures and scales there are', () => {
    const mixture: GraphNode = { ...conv(8, [3, 1, 1, 1], [0, 0, 0, 0]), inputs: ['data'] };
    const chain = Array.from(
      { length: 2000 },
      (_, i): GraphNode => ({
        ...(i % 2 === 0 ? mixture : scaled),
        name: `v${i}`,
        inputs: [i === 0 ? 'data' : `v${i - 1}`],
      }),
    );
    const wide = Array.from(
      { length: 2000 },
      (_, i): GraphNode => ({
        ...conv(9, [64, 7, 2, 1], [3, 3, 3, 3]),
        name: `w${i}`,
        inputs: ['data'],
      }),
    );
    const norms = wide.map(({ name }, i) => norm(`bn${i}`, name, 64));
    const graph = graphOf([3, SIDE, SIDE], [...chain, ...wide, ...norms, norm('last', 'v1999', 3)]);
    const started = performance.now();
    const names = [...predictBatchNorms(graph, raw, plainStatistics)].map(({ name }) => name);
    expect(names).toEqual(['bn0', 'bn1', 'bn2', 'last']);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
