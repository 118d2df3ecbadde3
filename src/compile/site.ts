/**
 * The surroundings of one operator while it is turned into steps: where its tensors lie, for how
 * many pictures and threads; and the small conversions all kinds of steps share.
 */

import { DTYPES } from '../graph/dtype.ts';
import type { Shape } from '../graph/graph.ts';
import type { ConvOp, FcOp } from '../graph/network.ts';
import { ACT_CLIP, ACT_NONE, ACT_PRELU, type Address, type ArgValue } from './args.ts';
import type { KernelName } from './kernels.ts';

/** 256 where the engine pairs 128-bit instructions (docs/adr/0010). */
export type Vectors = 128 | 256;

/** What the steps of one operator need to know of their surroundings. */
export interface Site {
  readonly batch: number;
  readonly threads: number;
  /** Bits of the vectors that the engine makes of the kernels' instructions. */
  readonly vectors: Vectors;
  /** Address of an activation by value name. */
  activation(value: string): Address;
  /** Address of a constant by tensor name. */
  constant(name: string): Address;
  shape(value: string): Shape;
}

/** One call of a step kernel, with the values of its argument block. */
export interface KernelCall {
  readonly kernel: KernelName;
  readonly args: Readonly<Record<string, ArgValue>>;
}

export interface OpSteps {
  readonly calls: readonly KernelCall[];
  /** Scratch that these steps need at once, all threads together. */
  readonly scratchBytes: number;
}

export const SCRATCH: Address = { region: 'scratch', offset: 0 };

/** Where the weights of a product lie, and how they are stored. */
export function weightArgs(op: ConvOp | FcOp, site: Site) {
  const dtype = op.dtype ?? 'f32';
  const scales = 'scales' in DTYPES[dtype] ? site.constant(`${op.name}.weight_scale`) : 0;
  return { weight: site.constant(`${op.name}.weight`), dtype: DTYPES[dtype].code, scales };
}

export function activationArgs(op: ConvOp | FcOp, site: Site): { act: number; actArgs: ArgValue } {
  if (!op.activation) return { act: ACT_NONE, actArgs: 0 };
  if (op.activation.kind === 'prelu') {
    return { act: ACT_PRELU, actArgs: site.constant(`${op.name}.slope`) };
  }
  return { act: ACT_CLIP, actArgs: site.constant(`${op.name}.clip`) };
}

/** [C, H, W]; a vector of features is one pixel. */
export function spatial(shape: Shape): readonly [number, number, number] {
  return shape.length === 3 ? shape : [shape[0], 1, 1];
}

export function alignScratch(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
