/**
 * The layout of constants in the weights file and in memory, in one place: from an operator and its
 * input shape follow its tensors' names, shapes and order. `convert/pack.ts` writes them, the reader
 * compares them, the kernels read them.
 *
 * Dense and grouped convolution, weights [P][taps][W][8] (P = ceil(O / 8) panels of 8 outputs):
 *
 *   panel 0                                panel 1 ...
 *   tap 0: ic 0: o0 o1 ... o7 | ic 1: ...  | tap 1: ... | ...
 *
 * Depthwise convolution: [taps][C rounded up to 4], flat.
 *
 * Scales of weights that are not stored as f32: [P][8] per output, or [P][taps][ceil(W / 64)][8].
 *
 * Every tensor is a multiple of 64 bytes long, zeros at its end, so that tensors laid one after the
 * other without holes all start on a 64-byte boundary.
 *
 * W is the number of input channels a panel reads, a multiple of 4: all of them for a dense
 * convolution, the window that covers the groups of its 8 outputs for a grouped one. Entries
 * outside a group, above I or above O are 0.
 */

import { DTYPES, type Dtype, SCALE_GROUP } from './dtype.ts';
import type { Shape } from './graph.ts';
import type { ConvOp, FcOp, NetworkOp } from './network.ts';

/** Output channels per weight panel: the NR of the register tile MRxNR. */
export const NR = 8;
/** f32 lanes of a 128-bit vector; the channel stride of activations is a multiple of it. */
export const LANES = 4;

/** Floats a tensor's length is a multiple of: 64 bytes, one cache line. */
export const TENSOR_FLOATS = 16;

export function roundUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}

/** Channel stride, in elements, of an activation with `channels` channels. */
export function channelStride(channels: number): number {
  return roundUp(channels, LANES);
}

export function isDepthwise(inChannels: number, outChannels: number, group: number): boolean {
  return group > 1 && group === inChannels && group === outChannels;
}

export interface PanelWindow {
  /** Input channels per panel, a multiple of 4. */
  readonly width: number;
  /** First input channel that panel `p` reads, a multiple of 4. */
  start(p: number): number;
}

/** The input channels that each panel of 8 outputs of a grouped convolution reads. */
export function panelWindow(inChannels: number, outChannels: number, group: number): PanelWindow {
  const stride = channelStride(inChannels);
  if (group === 1) return { width: stride, start: () => 0 };
  const inPerGroup = inChannels / group;
  const outPerGroup = outChannels / group;
  const first = (p: number): number => {
    const g = Math.floor((p * NR) / outPerGroup);
    return Math.floor((g * inPerGroup) / LANES) * LANES;
  };
  const end = (p: number): number => {
    const g = Math.floor(Math.min(p * NR + NR - 1, outChannels - 1) / outPerGroup);
    return channelStride((g + 1) * inPerGroup);
  };
  let width = 0;
  for (let p = 0; p < Math.ceil(outChannels / NR); p++) width = Math.max(width, end(p) - first(p));
  return { width, start: (p) => Math.min(first(p), stride - width) };
}

export type TensorRole = 'weight' | 'weight_scale' | 'bias' | 'slope' | 'pad' | 'scale' | 'shift';

export interface TensorSpec {
  /** `<op name>.<role>`. */
  readonly name: string;
  readonly role: TensorRole;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/**
 * Whether the weights of a product may be stored as anything but f32: those in panels whose rows fill
 * cache lines at every dtype. Others (a stem, depthwise) are few, and rounding them costs most.
 */
export function canBeSmall(op: ConvOp | FcOp, input: Shape): boolean {
  if (op.op === 'fc') return featuresOf(input) % 8 === 0;
  return !isDepthwise(input[0], op.outChannels, op.group) && windowOf(op, input) % 8 === 0;
}

/** Features that a fully connected layer reads, as they lie in memory. */
function featuresOf(input: Shape): number {
  return channelStride(input[0]) * (input.length === 3 ? input[1] * input[2] : 1);
}

function windowOf(op: ConvOp, input: Shape): number {
  return panelWindow(input[0], op.outChannels, op.group).width;
}

/** The tensors of one operator in file order; [] for operators without constants. */
export function tensorsOf(op: NetworkOp, input: Shape): TensorSpec[] {
  const spec = (role: TensorRole, dtype: Dtype, ...shape: number[]): TensorSpec => ({
    name: `${op.name}.${role}`,
    role,
    dtype,
    shape,
  });
  const vector = (role: TensorRole, length: number): TensorSpec =>
    spec(role, 'f32', roundUp(length, TENSOR_FLOATS));
  /** Weights in panels, and their scales if they have any. */
  const panels = (dtype: Dtype = 'f32', ...shape: number[]): TensorSpec[] => {
    const scales = scaleCount(dtype, shape);
    const weight = spec('weight', dtype, ...shape);
    return scales === 0 ? [weight] : [weight, vector('weight_scale', scales)];
  };
  const inStride = channelStride(input[0]);
  switch (op.op) {
    case 'conv': {
      const taps = op.kernel[0] * op.kernel[1];
      const depthwise = isDepthwise(input[0], op.outChannels, op.group);
      const count = Math.ceil(op.outChannels / NR);
      return [
        ...(depthwise
          ? [vector('weight', taps * inStride)]
          : panels(op.dtype, count, taps, windowOf(op, input), NR)),
        vector('bias', op.outChannels),
        ...(op.activation?.kind === 'prelu' ? [vector('slope', op.outChannels)] : []),
        ...(op.padValue ? [vector('pad', inStride)] : []),
      ];
    }
    case 'fc': {
      return [
        ...panels(op.dtype, Math.ceil(op.outFeatures / NR), featuresOf(input), NR),
        vector('bias', op.outFeatures),
        ...(op.activation?.kind === 'prelu' ? [vector('slope', op.outFeatures)] : []),
      ];
    }
    case 'affine':
      return [vector('scale', inStride), vector('shift', inStride)];
    case 'prelu':
      return [vector('slope', inStride)];
    default:
      return [];
  }
}

/** Scales of weights [P, taps, W, 8] or, of one tap, [P, W, 8]. */
function scaleCount(dtype: Dtype, shape: readonly number[]): number {
  const row = DTYPES[dtype];
  if (!('scales' in row)) return 0;
  const [panels = 0, ...rest] = shape;
  const [width = 0] = rest.slice(-2);
  const taps = rest.length === 3 ? (rest[0] ?? 0) : 1;
  const groups = row.scales === 'output' ? 1 : taps * Math.ceil(width / SCALE_GROUP);
  return panels * groups * NR;
}
