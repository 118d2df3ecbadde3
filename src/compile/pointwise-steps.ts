/** The step of an operator that is one pass over its input. Receives where every tensor lies. */

import { channelStride } from '../graph/layout.ts';
import type { ConvOp, FcOp, NetworkOp } from '../graph/network.ts';
import type { PointwiseArgs } from './args.ts';
import { type OpSteps, type Site, spatial } from './site.ts';

export type PointwiseOp = Exclude<NetworkOp, ConvOp | FcOp>;

export function pointwiseSteps(op: PointwiseOp, site: Site): OpSteps {
  const x = op.inputs[0] as string;
  const [c, h, w] = spatial(site.shape(x));
  const args: PointwiseArgs = {
    x: site.activation(x),
    y: site.activation(op.name),
    a: 0,
    b: 0,
    batch: site.batch,
    pixels: h * w,
    c: channelStride(c),
    features: c,
    more: 0,
    lo: 0,
    hi: 0,
    ...operands(op, site),
  };
  return { calls: [{ kernel: `f32_${op.op}`, args }], scratchBytes: 0 };
}

function operands(op: PointwiseOp, site: Site): Partial<PointwiseArgs> {
  switch (op.op) {
    case 'affine':
      return { a: site.constant(`${op.name}.scale`), b: site.constant(`${op.name}.shift`) };
    case 'prelu':
      return { a: site.constant(`${op.name}.slope`) };
    case 'clip':
      return { lo: op.min, hi: op.max };
    case 'l2_normalize':
      return { lo: op.eps };
    case 'concat': {
      const second = op.inputs[1] as string;
      return { a: site.activation(second), more: site.shape(second)[0] };
    }
    case 'add':
    case 'mul':
    case 'gate':
      return { a: site.activation(op.inputs[1] as string) };
    default:
      return {};
  }
}
