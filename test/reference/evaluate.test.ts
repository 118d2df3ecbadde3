import { describe, expect, it } from 'vitest';
import type { GraphNode, Tensor } from '../../src/graph/graph.ts';
import { convReference } from '../../src/reference/conv.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { graphOf, mulberry32, uniform } from '../support/graphs.ts';

const tensor = (shape: number[], values: number[]): Tensor => ({
  shape,
  read: () => Float32Array.from(values),
});

/** The definition with every index written out, one output value at a time. */
function convByDefinition(
  x: Float64Array,
  [channels, height, width]: [number, number, number],
  w: Float32Array,
  o: { oc: number; k: [number, number]; s: [number, number]; p: number[]; group: number },
  padValue: Float64Array,
): number[] {
  const [top, left, bottom, right] = o.p as [number, number, number, number];
  const perGroup = channels / o.group;
  const result: number[] = [];
  for (let oc = 0; oc < o.oc; oc++)
    for (let y = -top; y + o.k[0] <= height + bottom; y += o.s[0])
      for (let xx = -left; xx + o.k[1] <= width + right; xx += o.s[1]) {
        let sum = 0;
        for (let i = 0; i < perGroup; i++)
          for (let ky = 0; ky < o.k[0]; ky++)
            for (let kx = 0; kx < o.k[1]; kx++) {
              const c = Math.floor((oc * o.group) / o.oc) * perGroup + i;
              const inside = y + ky >= 0 && y + ky < height && xx + kx >= 0 && xx + kx < width;
              const value = inside
                ? x[(c * height + y + ky) * width + xx + kx]
                : (padValue[c] as number);
              sum +=
                (value as number) *
                (w[((oc * perGroup + i) * o.k[0] + ky) * o.k[1] + kx] as number);
            }
        result.push(sum);
      }
  return result;
}

describe('reference', () => {
  it('computes a 2x2 convolution worked by hand, padding value and bias included', () => {
    const y = convReference(
      Float64Array.of(1, 2, 3, 4),
      [1, 2, 2],
      {
        weight: Float32Array.of(1, 10, 100, 1000),
        bias: Float64Array.of(0.5),
        padValue: Float64Array.of(9),
      },
      { outChannels: 1, kernel: [2, 2], stride: [1, 1], pads: [0, 0, 0, 1], group: 1 },
    );
    expect([...y]).toEqual([4321.5, 9492.5]);
  });

  it.each([
    { oc: 3, k: [3, 3], s: [1, 1], p: [1, 1, 1, 1], group: 1 },
    { oc: 6, k: [3, 2], s: [2, 1], p: [0, 1, 2, 0], group: 2 },
    { oc: 4, k: [1, 1], s: [2, 2], p: [0, 0, 0, 0], group: 1 },
    { oc: 4, k: [5, 5], s: [3, 2], p: [2, 1, 0, 2], group: 4 },
  ] as { oc: number; k: [number, number]; s: [number, number]; p: number[]; group: number }[])(
    'equals the definition for %o',
    (o) => {
      const random = mulberry32(7);
      const x = uniform(random, 4 * 6 * 5);
      const padValue = uniform(random, 4);
      const weight = Float32Array.from(uniform(random, o.oc * (4 / o.group) * o.k[0] * o.k[1]));
      const y = convReference(
        x,
        [4, 6, 5],
        { weight, padValue },
        {
          outChannels: o.oc,
          kernel: o.k,
          stride: o.s,
          pads: o.p as [number, number, number, number],
          group: o.group,
        },
      );
      const expected = convByDefinition(x, [4, 6, 5], weight, o, padValue);
      expect(y.length).toBe(expected.length);
      for (const [at, value] of expected.entries()) expect(y[at]).toBeCloseTo(value, 12);
    },
  );

  it('adds the residual before the activation of a folded convolution', () => {
    const graph = graphOf(
      [1, 1, 2],
      [
        {
          op: 'conv',
          name: 'c',
          inputs: ['data', 'data'],
          weight: tensor([1, 1, 1, 1], [-3]),
          bias: Float64Array.of(1),
          stride: [1, 1],
          pads: [0, 0, 0, 0],
          group: 1,
          activation: { kind: 'prelu', slope: Float64Array.of(-2) },
        },
      ],
    );
    const y = evaluateGraph(graph, Float64Array.of(2, -2)).get('c');
    expect([...(y ?? [])]).toEqual([6, 5]);
  });

  it('gates, pools, flattens, clips, squashes and normalises as their formulas say', () => {
    const graph = graphOf(
      [2, 1, 2],
      [
        { op: 'global_average_pool', name: 'pool', inputs: ['data'] },
        { op: 'sigmoid', name: 'sigmoid', inputs: ['pool'] },
        { op: 'gate', name: 'gate', inputs: ['data', 'pool'] },
        { op: 'clip', name: 'clip', inputs: ['gate'], min: 0, max: 6 },
        { op: 'flatten', name: 'flatten', inputs: ['clip'] },
        {
          op: 'fc',
          name: 'fc',
          inputs: ['flatten'],
          weight: tensor([2, 4], [1, 0, 0, 0, 0, 1, 0, 1]),
        },
        { op: 'l2_normalize', name: 'unit', inputs: ['fc'], eps: 1e-12 },
      ],
    );
    const values = evaluateGraph(graph, Float64Array.of(1, 3, -1, 1));
    expect([...(values.get('pool') ?? [])]).toEqual([2, 0]);
    expect(values.get('sigmoid')?.[1]).toBe(0.5);
    expect([...(values.get('gate') ?? [])]).toEqual([2, 6, -0, 0]);
    expect([...(values.get('fc') ?? [])]).toEqual([2, 6]);
    expect(values.get('unit')?.[1]).toBeCloseTo(6 / Math.hypot(2, 6), 15);
  });

  it('gives every location the mean norm, and one that is 0 stays 0', () => {
    const graph = graphOf([2, 1, 3], [{ op: 'equalize_norms', name: 'y', inputs: ['data'] }]);
    // Norms of the three locations: 5, 10, 0; their mean is 5.
    const y = evaluateGraph(graph, Float64Array.of(3, -6, 0, 4, 8, 0)).get('y');
    expect([...(y ?? [])]).toEqual([3, -3, 0, 4, 4, 0]);
  });

  it('multiplies two values element by element', () => {
    const nodes: GraphNode[] = [
      { op: 'sigmoid', name: 's', inputs: ['data'] },
      { op: 'mul', name: 'swish', inputs: ['data', 's'] },
    ];
    const y = evaluateGraph(graphOf([1, 1, 2], nodes), Float64Array.of(0, -2)).get('swish');
    expect(y?.[0]).toBe(0);
    expect(y?.[1]).toBeCloseTo(-2 / (1 + Math.exp(2)), 15);
  });

  it('refuses an input of the wrong size', () => {
    const graph = graphOf([1, 1, 2], [{ op: 'sigmoid', name: 's', inputs: ['data'] }]);
    expect(() => evaluateGraph(graph, Float64Array.of(1))).toThrow(/expected 2 values, got 1/);
  });
});
