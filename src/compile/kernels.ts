/**
 * The step kernels, one row each: what a plan may call, what the binaries must export, what tests and benches
 * go through. A step kernel is (args: address, thread, threads) => void, in every build.
 */

import { DTYPE_NAMES, type Dtype } from '../graph/dtype.ts';
import type { NetworkOp } from '../graph/network.ts';
import { CONV_FIELDS, POINTWISE_FIELDS, WINOGRAD_FIELDS } from './args.ts';

export interface KernelRow {
  /** Operators that it computes, or a part of. */
  readonly ops: readonly NetworkOp['op'][];
  /** How the weights that it reads may be stored; none where it reads no weights in panels. */
  readonly dtypes: readonly Dtype[];
  /** Its argument block: a 32-bit word per name, in this order. */
  readonly fields: readonly string[];
}

const pass = (op: NetworkOp['op']) =>
  ({ ops: [op], dtypes: [], fields: POINTWISE_FIELDS }) as const;

export const KERNELS = {
  f32_conv_igemm: { ops: ['conv', 'fc'], dtypes: DTYPE_NAMES, fields: CONV_FIELDS },
  f32_conv_depthwise: { ops: ['conv'], dtypes: [], fields: CONV_FIELDS },
  f32_winograd_input: { ops: ['conv'], dtypes: [], fields: WINOGRAD_FIELDS },
  f32_winograd_multiply: { ops: ['conv'], dtypes: DTYPE_NAMES, fields: WINOGRAD_FIELDS },
  f32_affine: pass('affine'),
  f32_prelu: pass('prelu'),
  f32_clip: pass('clip'),
  f32_sigmoid: pass('sigmoid'),
  f32_add: pass('add'),
  f32_mul: pass('mul'),
  f32_gate: pass('gate'),
  f32_concat: pass('concat'),
  f32_global_average_pool: pass('global_average_pool'),
  f32_equalize_norms: pass('equalize_norms'),
  f32_l2_normalize: pass('l2_normalize'),
} as const satisfies Record<string, KernelRow>;

export type KernelName = keyof typeof KERNELS;
