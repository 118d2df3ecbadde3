/** Networks of a single convolution, for tests of what the compiler makes of it. */

import type { Step } from '../../src/compile/plan.ts';
import { compile } from '../../src/compile/schedule.ts';
import type { ConvOp, Network } from '../../src/graph/network.ts';
import { inferNetworkShapes } from '../../src/graph/shapes.ts';

/** A square convolution named `c` that keeps the size of its picture at stride 1. */
export function conv(outChannels: number, kernel: number, stride = 1, group = 1): ConvOp {
  const pad = Math.floor(kernel / 2);
  return {
    op: 'conv',
    name: 'c',
    inputs: ['data'],
    outChannels,
    kernel: [kernel, kernel],
    stride: [stride, stride],
    pads: [pad, pad, pad, pad],
    group,
    padValue: false,
  };
}

/** The steps of `op` alone on pictures of `shape`, [channels, height, width]. */
export function stepsOfConv(
  op: ConvOp,
  shape: readonly [number, number, number],
  batch = 1,
  threads = 1,
): readonly Step[] {
  const network: Network = {
    name: 'test',
    input: { name: 'data', shape },
    ops: [op],
    output: op.name,
  };
  const shapes = inferNetworkShapes(network);
  const names = [`${op.name}.weight`, `${op.name}.bias`, 'zeros'];
  const constants = new Map(names.map((name, i) => [name, i * 64]));
  return compile({ network, shapes, constants, batch, threads }).steps;
}
