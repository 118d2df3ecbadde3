import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldGraph } from '../../src/convert/fold.ts';
import type { AffineNode, ConvNode, FcNode, Graph, GraphNode } from '../../src/graph/graph.ts';
import { sizeOf } from '../../src/graph/limits.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { graphOf, mulberry32, type Random, randomTensor, uniform } from '../support/graphs.ts';
import { graphOfSynth } from '../support/synth-graph.ts';

const SEED = 20260101;

function conv(
  random: Random,
  name: string,
  input: string,
  sizes: Partial<Pick<ConvNode, 'stride' | 'pads' | 'group'>> & {
    from: number;
    to: number;
    kernel?: readonly [number, number];
  },
): ConvNode {
  const { from, to, kernel = [3, 3], stride = [1, 1], pads = [1, 1, 1, 1], group = 1 } = sizes;
  const weight = randomTensor(random, to, from / group, ...kernel);
  return { op: 'conv', name, inputs: [input], weight, stride, pads, group };
}

function affine(random: Random, name: string, input: string, channels: number): AffineNode {
  const scale = uniform(random, channels).map((s) => (Math.abs(s) < 0.1 ? s + 0.3 : s));
  return { op: 'affine', name, inputs: [input], scale, shift: uniform(random, channels) };
}

function prelu(random: Random, name: string, input: string, channels: number): GraphNode {
  return { op: 'prelu', name, inputs: [input], slope: uniform(random, channels, -1.5, 2.5) };
}

function dense(random: Random, name: string, input: string, from: number, to: number): FcNode {
  return { op: 'fc', name, inputs: [input], weight: randomTensor(random, to, from) };
}

/** Largest |folded - unfolded| over the largest |unfolded| of every value that both compute. */
function expectSameValues(graph: Graph, random: Random): ReturnType<typeof foldGraph> {
  const folded = foldGraph(graph);
  const input = uniform(random, sizeOf(graph.input.shape));
  const stated = evaluateGraph(graph, input);
  const computed = evaluateGraph(folded.graph, input);
  for (const [name, value] of folded.report.standsFor) {
    const expected = stated.get(value) as Float64Array;
    const got = computed.get(name) as Float64Array;
    expect(got.length).toBe(expected.length);
    const scale = expected.reduce((max, v) => Math.max(max, Math.abs(v)), 1);
    const worst = expected.reduce((max, v, at) => {
      return Math.max(max, Math.abs(v - (got[at] as number)));
    }, 0);
    expect(worst / scale, `${name} against ${value}`).toBeLessThan(1e-12);
  }
  expect(folded.report.standsFor.get(folded.graph.output)).toBe(graph.output);
  return folded;
}

const ops = (graph: Graph): string[] => graph.nodes.map((node) => node.op);

describe('foldGraph', () => {
  it('turns a residual unit with pre-activation norm into two convolutions', () => {
    const random = mulberry32(SEED);
    const graph = graphOf(
      [4, 6, 5],
      [
        affine(random, 'bn1', 'data', 4),
        conv(random, 'conv1', 'bn1', { from: 4, to: 8 }),
        affine(random, 'bn2', 'conv1', 8),
        prelu(random, 'relu1', 'bn2', 8),
        conv(random, 'conv2', 'relu1', { from: 8, to: 6, stride: [2, 2] }),
        affine(random, 'bn3', 'conv2', 6),
        conv(random, 'sc', 'data', {
          from: 4,
          to: 6,
          kernel: [1, 1],
          stride: [2, 2],
          pads: [0, 0, 0, 0],
        }),
        affine(random, 'scbn', 'sc', 6),
        { op: 'add', name: 'plus', inputs: ['bn3', 'scbn'] },
      ],
    );
    const { graph: folded, report } = expectSameValues(graph, random);
    expect(ops(folded)).toEqual(['conv', 'conv', 'conv']);
    expect(folded.output).toBe('sc');
    expect(report.standsFor.get('sc')).toBe('plus');
    expect(report).toMatchObject({ affinesBehind: 3, affinesInFront: 1, residuals: 1 });
  });

  it('folds the head: norm before the flatten and norm behind the fully connected layer', () => {
    const random = mulberry32(SEED);
    const graph = graphOf(
      [4, 3, 2],
      [
        affine(random, 'bn', 'data', 4),
        { op: 'flatten', name: 'flat', inputs: ['bn'] },
        dense(random, 'pre_fc1', 'flat', 24, 5),
        affine(random, 'fc1', 'pre_fc1', 5),
      ],
    );
    const { graph: folded } = expectSameValues(graph, random);
    expect(ops(folded)).toEqual(['flatten', 'fc']);
  });

  it('keeps an affine whose value something else needs, and says who', () => {
    const random = mulberry32(SEED);
    const graph = graphOf(
      [4, 4, 4],
      [
        affine(random, 'bn', 'data', 4),
        conv(random, 'conv', 'bn', { from: 4, to: 4 }),
        { op: 'add', name: 'plus', inputs: ['conv', 'bn'] },
      ],
    );
    const { graph: folded, report } = expectSameValues(graph, random);
    expect(ops(folded)).toEqual(['affine', 'conv']);
    expect(report.kept).toEqual([{ name: 'bn', reason: 'conv "conv" needs its value' }]);
  });

  it('folds one affine into all the products that read it', () => {
    const random = mulberry32(SEED);
    const graph = graphOf(
      [4, 4, 4],
      [
        affine(random, 'bn', 'data', 4),
        conv(random, 'a', 'bn', { from: 4, to: 6 }),
        conv(random, 'b', 'bn', { from: 4, to: 6, kernel: [1, 1], pads: [0, 0, 0, 0] }),
        { op: 'add', name: 'plus', inputs: ['a', 'b'] },
      ],
    );
    expect(ops(expectSameValues(graph, random).graph)).toEqual(['conv', 'conv']);
  });

  it('does not fold into a product whose own value something else needs', () => {
    const random = mulberry32(SEED);
    const graph = graphOf(
      [4, 4, 4],
      [
        conv(random, 'conv', 'data', { from: 4, to: 4 }),
        affine(random, 'bn', 'conv', 4),
        prelu(random, 'relu', 'bn', 4),
        { op: 'add', name: 'plus', inputs: ['relu', 'conv'] },
      ],
    );
    expect(ops(expectSameValues(graph, random).graph)).toEqual(['conv', 'affine', 'prelu', 'add']);
  });

  it('leaves a residual that is computed after the convolution as an addition', () => {
    const random = mulberry32(SEED);
    const graph = graphOf(
      [4, 4, 4],
      [
        conv(random, 'conv', 'data', { from: 4, to: 4 }),
        { op: 'sigmoid', name: 'late', inputs: ['data'] },
        { op: 'add', name: 'plus', inputs: ['conv', 'late'] },
      ],
    );
    expect(ops(expectSameValues(graph, random).graph)).toEqual(['conv', 'sigmoid', 'add']);
  });

  it('puts an activation behind the residual it follows, never two', () => {
    const random = mulberry32(SEED);
    const graph = graphOf(
      [4, 4, 4],
      [
        conv(random, 'conv', 'data', { from: 4, to: 4 }),
        { op: 'add', name: 'plus', inputs: ['data', 'conv'] },
        { op: 'clip', name: 'relu6', inputs: ['plus'], min: 0, max: 6 },
        prelu(random, 'second', 'relu6', 4),
      ],
    );
    expect(ops(expectSameValues(graph, random).graph)).toEqual(['conv', 'prelu']);
  });

  it('merges chains of affines, drops identities and what the output does not need', () => {
    const random = mulberry32(SEED);
    const one = { scale: new Float64Array(4).fill(1), shift: new Float64Array(4) };
    const graph = graphOf(
      [4, 4, 4],
      [
        { op: 'affine', name: 'identity', inputs: ['data'], ...one },
        affine(random, 'sub', 'identity', 4),
        affine(random, 'mul', 'sub', 4),
        conv(random, 'unused', 'mul', { from: 4, to: 4 }),
        { op: 'sigmoid', name: 'squash', inputs: ['mul'] },
      ],
    );
    expect(ops(expectSameValues(graph, random).graph)).toEqual(['affine', 'sigmoid']);
  });

  it.each([
    ['zero', 0],
    ['1e-30', 1e-30],
  ])('keeps an affine in front of padding when a scale is %s', (_, tiny) => {
    const random = mulberry32(SEED);
    const bn = affine(random, 'bn', 'data', 4);
    bn.scale[2] = tiny;
    const graph = graphOf([4, 4, 4], [bn, conv(random, 'conv', 'bn', { from: 4, to: 4 })]);
    const { graph: folded, report } = expectSameValues(graph, random);
    expect(ops(folded)).toEqual(['affine', 'conv']);
    expect(report.kept[0]?.reason).toMatch(/scale\[2\] = .* is too small against shift/);
  });

  it('folds a scale of zero where there is no padding or no shift', () => {
    const random = mulberry32(SEED);
    const bn = affine(random, 'bn', 'data', 4);
    bn.scale[2] = 0;
    const still = affine(random, 'still', 'c1', 4);
    still.scale[1] = 0;
    still.shift[1] = 0;
    const graph = graphOf(
      [4, 4, 4],
      [
        bn,
        { ...conv(random, 'c1', 'bn', { from: 4, to: 4, kernel: [1, 1] }), pads: [0, 0, 0, 0] },
        { op: 'sigmoid', name: 's', inputs: ['c1'] },
        { ...still, inputs: ['s'] },
        conv(random, 'c2', 'still', { from: 4, to: 4 }),
      ],
    );
    expect(ops(expectSameValues(graph, random).graph)).toEqual(['conv', 'sigmoid', 'conv']);
  });

  it('is exact for any convolution between two affines', () => {
    const side = fc.integer({ min: 1, max: 4 });
    const pad = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.integer(),
          group: fc.constantFrom(1, 2, 4),
          perGroup: fc.integer({ min: 1, max: 3 }),
          outPerGroup: fc.integer({ min: 1, max: 3 }),
          kernel: fc.tuple(side, side),
          stride: fc.tuple(side, side),
          pads: fc.tuple(pad, pad, pad, pad),
          exponent: fc.integer({ min: -14, max: 4 }),
          biased: fc.boolean(),
          padded: fc.boolean(),
        }),
        (o) => {
          const random = mulberry32(o.seed);
          const from = o.group * o.perGroup;
          const to = o.group * o.outPerGroup;
          const node = conv(random, 'conv', 'front', { ...o, from, to });
          const bn = affine(random, 'front', 'data', from);
          bn.scale[0] = (bn.scale[0] as number) * 10 ** o.exponent;
          const graph = graphOf(
            [from, 5, 6],
            [
              bn,
              {
                ...node,
                bias: o.biased ? uniform(random, to) : undefined,
                padValue: o.padded ? uniform(random, from) : undefined,
              },
              affine(random, 'behind', 'conv', to),
              prelu(random, 'act', 'behind', to),
            ],
          );
          expect(ops(expectSameValues(graph, random).graph)).toEqual(['conv']);
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('is exact for random stacks of every operator', () => {
    const step = fc.constantFrom(
      ...(['conv', 'dw', 'affine', 'prelu', 'clip', 'add', 'gate', 'sigmoid'] as const),
    );
    fc.assert(
      fc.property(fc.integer(), fc.array(step, { minLength: 1, maxLength: 12 }), (seed, steps) => {
        const random = mulberry32(seed);
        const names = ['data'];
        const pick = (): string =>
          names[names.length - 1 - Math.floor(random() ** 2 * names.length)] as string;
        const nodes = steps.map((op, index): GraphNode => {
          const name = `n${index}`;
          const input = pick();
          const other = pick();
          names.push(name);
          if (op === 'conv') return conv(random, name, input, { from: 4, to: 4 });
          if (op === 'dw') return conv(random, name, input, { from: 4, to: 4, group: 4 });
          if (op === 'affine') return affine(random, name, input, 4);
          if (op === 'prelu') return prelu(random, name, input, 4);
          if (op === 'clip') return { op, name, inputs: [input], min: -0.5, max: 0.5 };
          if (op === 'add') return { op, name, inputs: [input, other] };
          if (op === 'sigmoid') return { op, name, inputs: [input] };
          return { op, name, inputs: [input, other] };
        });
        expectSameValues(graphOf([4, 3, 3], gated(nodes)), random);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('leaves nothing but convolutions and one fully connected layer of R100', () => {
    const { graph, report } = foldGraph(graphOfSynth(synthesize('r100', 1)));
    expect(graph.nodes.filter((node) => node.op === 'conv')).toHaveLength(103);
    expect(ops(graph).filter((op) => op !== 'conv')).toEqual(['flatten', 'fc']);
    expect(graph.output).toBe('pre_fc1');
    expect(report.standsFor.get('pre_fc1')).toBe('fc1');
    expect(report.kept).toEqual([]);
    // 103 behind convolutions, fc1; 49 pre-activation norms, bn1, the input's.
    expect(report).toMatchObject({ affinesBehind: 104, affinesInFront: 51, residuals: 49 });
  });

  it('refuses NaN in a batch norm with its name and place', () => {
    const random = mulberry32(SEED);
    const bn = affine(random, 'bn', 'data', 4);
    bn.shift[3] = Number.NaN;
    expect(() => foldGraph(graphOf([4, 4, 4], [bn]))).toThrow(
      'affine "bn" shift[3]: expected a finite number, got NaN',
    );
  });
});

/** A gate needs one value per channel: its second input goes through a pooling first. */
function gated(nodes: GraphNode[]): GraphNode[] {
  return nodes.flatMap((node): GraphNode[] => {
    if (node.op !== 'gate') return [node];
    const [x, from] = node.inputs as [string, string];
    const pool = `${node.name}_pool`;
    return [
      { op: 'global_average_pool', name: pool, inputs: [from] },
      { ...node, inputs: [x, pool] },
    ];
  });
}
