/**
 * The folded network as the weights file states it (`__metadata__.network`, JSON) and the engine
 * compiles it: a closed list of operators without constants. Constants are tensors of the same file
 * whose names, shapes and order follow from the network alone (`graph/layout.ts`), so nothing in the
 * file has to be trusted to find them.
 *
 * Activations are NHWC f32 with the channel stride rounded up to 4; the lanes above C are 0.
 */

import { DTYPES, type Dtype, type SmallDtype } from './dtype.ts';

export type NetworkActivation =
  | { readonly kind: 'prelu' }
  | { readonly kind: 'clip'; readonly min: number; readonly max: number };

interface OpOf<Op extends string> {
  readonly op: Op;
  readonly name: string;
  readonly inputs: readonly string[];
}

/** How the weights of a product are stored; absent where they are f32. */
interface Stored {
  readonly dtype?: SmallDtype;
}

/** y = act(conv(x) + bias + residual): inputs [x] or [x, residual]. */
export interface ConvOp extends OpOf<'conv'>, Stored {
  readonly outChannels: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  /** top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
  readonly group: number;
  /** Whether a `.pad` tensor gives the padding value per input channel (else it is 0). */
  readonly padValue: boolean;
  readonly activation?: NetworkActivation;
}

/** y = act(W x + bias): the input is flattened in NHWC order. */
export interface FcOp extends OpOf<'fc'>, Stored {
  readonly outFeatures: number;
  readonly activation?: NetworkActivation;
}

export type AffineOp = OpOf<'affine'>;
export type PReluOp = OpOf<'prelu'>;
export interface ClipOp extends OpOf<'clip'> {
  readonly min: number;
  readonly max: number;
}
export type SigmoidOp = OpOf<'sigmoid'>;
export type AddOp = OpOf<'add'>;
export type MulOp = OpOf<'mul'>;
export type GateOp = OpOf<'gate'>;
export type ConcatOp = OpOf<'concat'>;
export type GlobalAveragePoolOp = OpOf<'global_average_pool'>;
export type EqualizeNormsOp = OpOf<'equalize_norms'>;
export interface L2NormalizeOp extends OpOf<'l2_normalize'> {
  readonly eps: number;
}

export type NetworkOp =
  | ConvOp
  | FcOp
  | AffineOp
  | PReluOp
  | ClipOp
  | SigmoidOp
  | AddOp
  | MulOp
  | GateOp
  | ConcatOp
  | GlobalAveragePoolOp
  | EqualizeNormsOp
  | L2NormalizeOp;

/** The smallest dtype among the weights of a network: what its file is called. */
export function dtypeOf({ ops }: Network): Dtype {
  const used = ops.flatMap((op) => ('dtype' in op && op.dtype ? [op.dtype] : []));
  const bytes = (dtype: Dtype): number => DTYPES[dtype].bytes;
  return used.reduce<Dtype>((least, one) => (bytes(one) < bytes(least) ? one : least), 'f32');
}

export interface Network {
  readonly name: string;
  readonly input: { readonly name: string; readonly shape: readonly [number, number, number] };
  readonly ops: readonly NetworkOp[];
  readonly output: string;
}
