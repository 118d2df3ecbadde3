/**
 * Constants that kernels need and the weights file does not hold: zero padding and clip bounds.
 * They follow the file's tensors in the weights region.
 */

import type { Shape } from '../graph/graph.ts';
import { channelStride, roundUp } from '../graph/layout.ts';
import type { Network } from '../graph/network.ts';

export interface ExtraConstant {
  readonly name: string;
  readonly values: readonly number[];
}

/** 'zeros' (one per input channel of the widest convolution) and '<op>.clip' [min, max]. */
export function extraConstants(
  network: Network,
  shapes: ReadonlyMap<string, Shape>,
): ExtraConstant[] {
  let widest = 4;
  const clips: ExtraConstant[] = [];
  for (const op of network.ops) {
    if (op.op !== 'conv' && op.op !== 'fc') continue;
    widest = Math.max(widest, channelStride(shapes.get(op.inputs[0] as string)?.[0] ?? 0));
    if (op.activation?.kind === 'clip') {
      clips.push({ name: `${op.name}.clip`, values: [op.activation.min, op.activation.max] });
    }
  }
  return [{ name: 'zeros', values: new Array<number>(roundUp(widest, 16)).fill(0) }, ...clips];
}
