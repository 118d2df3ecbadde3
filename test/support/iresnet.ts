/** The folded network of an iresnet as a weights file states it, without weights. */

import type { ConvOp, Network, NetworkOp } from '../../src/graph/network.ts';

const CHANNELS = [64, 128, 256, 512];

export function iresnetNetwork(units: readonly number[]): Network {
  const ops: NetworkOp[] = [conv('stem', ['data'], 64, 3, 1)];
  let x = 'stem';
  for (const [stage, count] of units.entries()) {
    for (let unit = 0; unit < count; unit++) {
      const channels = CHANNELS[stage] as number;
      const stride = unit === 0 ? 2 : 1;
      const name = `s${stage}u${unit}`;
      ops.push(conv(`${name}a`, [x], channels, 3, 1));
      if (unit === 0) ops.push(conv(`${name}s`, [x], channels, 1, 2));
      ops.push(conv(`${name}b`, [`${name}a`, unit === 0 ? `${name}s` : x], channels, 3, stride));
      x = `${name}b`;
    }
  }
  ops.push({ op: 'fc', name: 'fc1', inputs: [x], outFeatures: 512 });
  return { name: 'iresnet', input: { name: 'data', shape: [3, 112, 112] }, ops, output: 'fc1' };
}

function conv(
  name: string,
  inputs: readonly string[],
  outChannels: number,
  side: number,
  stride: number,
): ConvOp {
  const pad = side === 3 ? 1 : 0;
  return {
    op: 'conv',
    name,
    inputs,
    outChannels,
    kernel: [side, side],
    stride: [stride, stride],
    pads: [pad, pad, pad, pad],
    group: 1,
    padValue: false,
  };
}
