/** Work is counted from shapes alone: never less than the multiply-adds, and near them for networks that people have. */

import { describe, expect, it } from 'vitest';
import { macsOf } from '../../src/compile/macs.ts';
import { workOf } from '../../src/compile/work.ts';
import { DEFAULT_LIMITS } from '../../src/engine/limits.ts';
import type { Shape } from '../../src/graph/graph.ts';
import type { Network, NetworkOp } from '../../src/graph/network.ts';
import { inferNetworkShapes } from '../../src/graph/shapes.ts';
import { iresnetNetwork } from '../support/iresnet.ts';
import { conv } from '../support/one-conv.ts';

function counted(network: Network): { work: number; macs: number } {
  const shapes = inferNetworkShapes(network);
  const shapeOf = (value: string): Shape => shapes.get(value) as Shape;
  const macs = network.ops.reduce(
    (sum, op) => sum + macsOf(op, shapeOf(op.inputs[0] as string), shapeOf(op.name)),
    0,
  );
  return { work: workOf(network, shapes), macs };
}

function single(op: NetworkOp, shape: readonly [number, number, number]): Network {
  return { name: 'test', input: { name: 'data', shape }, ops: [op], output: op.name };
}

describe('work', () => {
  it.each([
    ['iresnet18', [2, 2, 2, 2], 2.61],
    ['iresnet100', [3, 13, 30, 3], 12.09],
    ['iresnet200', [6, 26, 60, 6], 23.42],
  ])('of %s is its multiply-adds and little more, far below the limit', (_, units, gmacs) => {
    const { work, macs } = counted(iresnetNetwork(units));
    expect(macs / 1e9).toBeCloseTo(gmacs, 1);
    expect(work).toBeGreaterThan(macs);
    expect(work).toBeLessThan(macs + 2e9 + 0.1 * macs);
    expect(work).toBeLessThan(DEFAULT_LIMITS.macs / 5);
  });

  it.each<[string, NetworkOp, [number, number, number]]>([
    ['one channel', conv(1, 3), [1, 50, 50]],
    ['groups', conv(24, 3, 1, 4), [16, 20, 20]],
    ['groups of one output', conv(8, 1, 1, 8), [800, 10, 10]],
    ['depthwise', conv(30, 5, 1, 30), [30, 20, 20]],
    ['a stride', conv(16, 3, 2), [16, 40, 40]],
    ['a kernel as large as the picture', { ...conv(4, 1), kernel: [40, 40] }, [4, 40, 40]],
    [
      'a fully connected layer',
      { op: 'fc', name: 'c', inputs: ['data'], outFeatures: 7 },
      [5, 6, 7],
    ],
  ])('is at least the products that are computed: %s', (_, op, shape) => {
    const { work, macs } = counted(single(op, shape));
    expect(work).toBeGreaterThanOrEqual(macs);
  });

  it('counts what has no products, and grows with pads, pixels and taps', () => {
    const on = (side: number): number =>
      counted(single({ op: 'sigmoid', name: 's', inputs: ['data'] }, [3, side, side])).work;
    expect(on(200)).toBe(4 * on(100));
    const padded = (pad: number): number =>
      counted(single({ ...conv(1, 1), pads: [pad, pad, pad, pad] }, [3, 112, 112])).work;
    expect(padded(1024) / padded(0)).toBeCloseTo((2160 / 112) ** 2, 6);
  });
});
