/**
 * Chooses the kernel of one operator and says why. Receives the operator and its shapes; touches
 * nothing. Every choice depends on the layer alone, never on batch size or number of threads,
 * so that the bits of an embedding do not either.
 */

import type { Shape } from '../graph/graph.ts';
import { isDepthwise } from '../graph/layout.ts';
import type { ConvOp, NetworkOp } from '../graph/network.ts';
import type { KernelName } from './kernels.ts';
import { chooseWinograd, type WinogradStride } from './winograd-cost.ts';

const ALGORITHMS = { 1: 'F(7x7,3x3)', 2: 'F(7x7,3x3) stride 2' } as const;

export interface Choice {
  readonly kernel: KernelName;
  /** For Winograd: the stride. */
  readonly winograd?: WinogradStride;
  readonly reason: string;
}

/** `winogradFrom`: the fewest channels of a convolution by Winograd, where not the usual number. */
export function selectKernel(
  op: NetworkOp,
  input: Shape,
  output: Shape,
  winogradFrom?: number,
): Choice {
  switch (op.op) {
    case 'conv':
      return selectConvolution(op, input[0], output, winogradFrom);
    case 'fc':
      return { kernel: 'f32_conv_igemm', reason: 'a 1x1 convolution whose pixels are the batch' };
    case 'concat':
    case 'global_average_pool':
    case 'equalize_norms':
    case 'l2_normalize':
      return { kernel: `f32_${op.op}`, reason: 'only kernel for it' };
    default:
      return { kernel: `f32_${op.op}`, reason: 'could not ride in an epilogue' };
  }
}

function selectConvolution(
  op: ConvOp,
  inChannels: number,
  output: Shape,
  winogradFrom: number | undefined,
): Choice {
  if (isDepthwise(inChannels, op.outChannels, op.group)) {
    return { kernel: 'f32_conv_depthwise', reason: 'one input channel per output channel' };
  }
  const [kh, kw] = op.kernel;
  const choice = chooseWinograd(op, inChannels, output, winogradFrom);
  if (choice) {
    const ratio = (choice.products / choice.direct).toFixed(2);
    return {
      kernel: 'f32_winograd_multiply',
      winograd: choice.stride,
      reason: `${ALGORITHMS[choice.stride]}: ${ratio} of the products of direct`,
    };
  }
  if (kh === 1 && kw === 1) {
    return { kernel: 'f32_conv_igemm', reason: '1x1: a plain matrix product' };
  }
  return { kernel: 'f32_conv_igemm', reason: `${kh}x${kw}, stride ${op.stride.join('x')}: direct` };
}
