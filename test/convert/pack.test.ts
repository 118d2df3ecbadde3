import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packGraph } from '../../src/convert/pack.ts';
import type { ConvNode, Graph, GraphNode, Tensor } from '../../src/graph/graph.ts';
import { isDepthwise, panelWindow } from '../../src/graph/layout.ts';
import { sizeOf } from '../../src/graph/limits.ts';
import { graphOf, mulberry32, randomTensor, uniform } from '../support/graphs.ts';
import { messageOf } from '../support/outcome.ts';

const SEED = 20260102;
const PADS = [0, 0, 0, 0] as const;

function conv(weight: Tensor, group = 1): ConvNode {
  return { op: 'conv', name: 'c', inputs: ['data'], weight, stride: [1, 1], pads: PADS, group };
}

function tensorsOfGraph(graph: Graph): Map<string, Float32Array> {
  const { tensors } = packGraph(graph);
  return new Map(tensors.map((tensor) => [tensor.spec.name, tensor.read() as Float32Array]));
}

/** Every source weight at its place, and nothing else anywhere. */
function expectPlaces(
  packed: Float32Array,
  from: Float32Array,
  place: (k: number) => number,
): void {
  const expected = new Float32Array(packed.length);
  for (const [k, value] of from.entries()) expected[place(k)] = value;
  expect(packed).toEqual(expected);
}

describe('packGraph', () => {
  it('lays weights of any convolution out in panels of eight outputs', () => {
    const side = fc.integer({ min: 1, max: 3 });
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.integer(),
          group: fc.constantFrom(1, 2, 3, 5),
          inPerGroup: fc.integer({ min: 1, max: 9 }),
          outPerGroup: fc.integer({ min: 1, max: 19 }),
          kh: side,
          kw: side,
        }),
        ({ seed, group, inPerGroup, outPerGroup, kh, kw }) => {
          const [channels, outputs] = [group * inPerGroup, group * outPerGroup];
          fc.pre(!isDepthwise(channels, outputs, group));
          const weight = randomTensor(mulberry32(seed), outputs, inPerGroup, kh, kw);
          const graph = graphOf([channels, 4, 4], [conv(weight, group)]);
          const packed = tensorsOfGraph(graph).get('c.weight') as Float32Array;
          const { width, start } = panelWindow(channels, outputs, group);
          expectPlaces(packed, weight.read(), (k) => {
            const tap = k % (kh * kw);
            const i = Math.floor(k / (kh * kw)) % inPerGroup;
            const o = Math.floor(k / (kh * kw * inPerGroup));
            const channel = Math.floor(o / outPerGroup) * inPerGroup + i;
            const panel = Math.floor(o / 8);
            const column = channel - start(panel);
            expect(column >= 0 && column < width).toBe(true);
            return ((panel * kh * kw + tap) * width + column) * 8 + (o % 8);
          });
        },
      ),
      { seed: SEED, numRuns: 150 },
    );
  });

  it('lays depthwise weights out tap by tap', () => {
    const weight = randomTensor(mulberry32(SEED), 6, 1, 3, 2);
    const packed = tensorsOfGraph(graphOf([6, 4, 4], [conv(weight, 6)])).get('c.weight');
    expect(packed?.length).toBe(48);
    expectPlaces(packed as Float32Array, weight.read(), (k) => (k % 6) * 8 + Math.floor(k / 6));
  });

  it('reorders the columns of a fully connected layer from C-major to NHWC', () => {
    const weight = randomTensor(mulberry32(SEED), 10, 6 * 2 * 3);
    const graph = graphOf(
      [6, 2, 3],
      [
        { op: 'flatten', name: 'flat', inputs: ['data'] },
        { op: 'fc', name: 'fc', inputs: ['flat'], weight, bias: uniform(mulberry32(1), 10) },
      ],
    );
    const { network } = packGraph(graph);
    expect(network.ops).toEqual([{ op: 'fc', name: 'fc', inputs: ['data'], outFeatures: 10 }]);
    const packed = tensorsOfGraph(graph).get('fc.weight') as Float32Array;
    const features = 2 * 3 * 8;
    expectPlaces(packed, weight.read(), (k) => {
      const [o, c, pixel] = [Math.floor(k / 36), Math.floor((k % 36) / 6), k % 6];
      return (Math.floor(o / 8) * features + pixel * 8 + c) * 8 + (o % 8);
    });
  });

  it('gives every tensor a multiple of 64 bytes and zeros behind its values', () => {
    const random = mulberry32(SEED);
    const tensors = tensorsOfGraph(
      graphOf(
        [3, 4, 4],
        [
          {
            ...conv(randomTensor(random, 5, 3, 1, 1)),
            bias: uniform(random, 5),
            padValue: uniform(random, 3),
            activation: { kind: 'prelu', slope: uniform(random, 5) },
          },
          {
            op: 'affine',
            name: 'a',
            inputs: ['c'],
            scale: uniform(random, 5),
            shift: uniform(random, 5),
          },
          { op: 'prelu', name: 'p', inputs: ['a'], slope: uniform(random, 5) },
        ],
      ),
    );
    expect([...tensors.keys()]).toEqual([
      'c.weight',
      'c.bias',
      'c.slope',
      'c.pad',
      'a.scale',
      'a.shift',
      'p.slope',
    ]);
    for (const [name, values] of tensors) {
      expect(values.length % 16).toBe(0);
      if (name !== 'c.weight') expect(values.subarray(5).every((v) => v === 0)).toBe(true);
    }
  });

  it('cleans subnormal constants and counts them once however often they are read', () => {
    const values = Float32Array.of(1, 1e-38, -1e-40, 0);
    const graph = graphOf([4, 1, 1], [conv({ shape: [1, 4, 1, 1], read: () => values.slice() })]);
    const { tensors, cleaned } = packGraph(graph);
    for (let time = 0; time < 2; time++) {
      const packed = tensors[0]?.read() as Float32Array;
      expect(packed.filter((v) => v !== 0)).toEqual(Float32Array.of(1));
    }
    expect(cleaned.get('c.weight')).toBe(2);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %s in weights with its place', (bad) => {
    const values = Float32Array.of(1, 2, bad, 4);
    const graph = graphOf([4, 1, 1], [conv({ shape: [1, 4, 1, 1], read: () => values.slice() })]);
    expect(messageOf(() => tensorsOfGraph(graph))).toBe(
      `constant "c.weight"[2]: expected a finite f32, got ${bad}`,
    );
  });

  it('refuses a flatten that would have to reorder values for another operator', () => {
    const graph = graphOf(
      [4, 2, 2],
      [
        { op: 'flatten', name: 'flat', inputs: ['data'] },
        { op: 'sigmoid', name: 's', inputs: ['flat'] },
      ],
    );
    expect(messageOf(() => packGraph(graph))).toBe(
      'flatten "flat": expected a fully connected layer to read its [4,2,2] values, got sigmoid "s"',
    );
  });

  it('drops a flatten of one pixel, as its output too', () => {
    const nodes: GraphNode[] = [
      { op: 'global_average_pool', name: 'pool', inputs: ['data'] },
      { op: 'flatten', name: 'flat', inputs: ['pool'] },
    ];
    const { network } = packGraph(graphOf([4, 2, 2], nodes));
    expect(network.output).toBe('pool');
    expect(network.ops.map((op) => op.op)).toEqual(['global_average_pool']);
    expect(sizeOf(network.input.shape)).toBe(16);
  });
});
