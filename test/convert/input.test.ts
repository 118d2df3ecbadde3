import { describe, expect, it } from 'vitest';
import { foldGraph } from '../../src/convert/fold.ts';
import { bakeNormalization, reverseInputChannels } from '../../src/convert/input.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { uniform as same } from '../../src/graph/preprocessing.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { graphOf, mulberry32, randomTensor, uniform } from '../support/graphs.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

const random = mulberry32(5);
const PIXELS = 5 * 4;

function stem(group = 1): Graph {
  return graphOf(
    [3, 5, 4],
    [
      {
        op: 'affine',
        name: 'norm',
        inputs: ['data'],
        scale: uniform(random, 3, 0.5, 1),
        shift: uniform(random, 3),
      },
      {
        op: 'conv',
        name: 'conv',
        inputs: ['norm'],
        weight: randomTensor(random, 6, 3 / group, 3, 3),
        stride: [1, 1],
        pads: [1, 1, 1, 1],
        group,
        padValue: uniform(random, 3),
      },
    ],
  );
}

function outputOf(graph: Graph, input: Float64Array): Float64Array {
  return evaluateGraph(graph, input).get(graph.output) as Float64Array;
}

const reversed = (x: Float64Array): Float64Array =>
  Float64Array.from([
    ...x.subarray(2 * PIXELS),
    ...x.subarray(PIXELS, 2 * PIXELS),
    ...x.subarray(0, PIXELS),
  ]);

describe('reverseInputChannels', () => {
  it('makes a graph that computes the same from channels in reverse order', () => {
    const graph = stem();
    const input = uniform(random, 3 * PIXELS);
    expect(outputOf(reverseInputChannels(graph), reversed(input))).toSatisfy((got: Float64Array) =>
      outputOf(graph, input).every((v, at) => Math.abs(v - (got[at] as number)) < 1e-13),
    );
  });

  it('twice is the original, bit for bit', () => {
    const graph = stem();
    const input = uniform(random, 3 * PIXELS);
    const twice = reverseInputChannels(reverseInputChannels(graph));
    expect(outputOf(twice, input)).toEqual(outputOf(graph, input));
  });

  it('goes through a convolution of one filter per channel', () => {
    const shape = { stride: [1, 1], pads: [1, 1, 1, 1] } as const;
    const graph = graphOf(
      [3, 5, 4],
      [
        {
          op: 'conv',
          name: 'each',
          inputs: ['data'],
          weight: randomTensor(random, 3, 1, 3, 3),
          bias: uniform(random, 3),
          group: 3,
          padValue: uniform(random, 3),
          ...shape,
        },
        {
          op: 'conv',
          name: 'conv',
          inputs: ['each'],
          weight: randomTensor(random, 4, 3, 3, 3),
          group: 1,
          ...shape,
        },
      ],
    );
    const input = uniform(random, 3 * PIXELS);
    const got = outputOf(reverseInputChannels(graph), reversed(input));
    for (const [at, value] of outputOf(graph, input).entries()) {
      expect(got[at]).toBeCloseTo(value, 12);
    }
  });

  it('refuses a grouped first convolution by name', () => {
    expect(messageOf(() => reverseInputChannels(stem(3)))).toMatch(
      /expected a dense convolution to read them, got conv "conv"/,
    );
  });
});

describe('bakeNormalization', () => {
  it('is (x - mean) / std in front, and folds away with the padding exact', () => {
    const graph = stem();
    const input = uniform(random, 3 * PIXELS, 0, 255);
    const baked = bakeNormalization(graph, { mean: same(127.5), std: same(128) });
    const expected = outputOf(
      graph,
      input.map((v) => (v - 127.5) / 128),
    );
    const folded = foldGraph(baked).graph;
    expect(folded.nodes.map((node) => node.op)).toEqual(['conv']);
    for (const [at, value] of expected.entries()) {
      expect(outputOf(baked, input)[at]).toBeCloseTo(value, 12);
      expect(outputOf(folded, input)[at]).toBeCloseTo(value, 12);
    }
  });

  it('with mean 0 and std 1 changes nothing', () => {
    const graph = stem();
    expect(bakeNormalization(graph, { mean: same(0), std: same(1) })).toBe(graph);
  });

  it.each([
    [Number.NaN, 1],
    [0, 0],
    [0, Number.POSITIVE_INFINITY],
  ])('refuses mean %s and std %s', (mean, std) => {
    expect(codeOf(() => bakeNormalization(stem(), { mean: [0, mean, 0], std: [1, 1, std] }))).toBe(
      'bad_argument',
    );
  });
});
