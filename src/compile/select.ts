/**
 * Chooses the kernel of one operator and says why. Receives the operator and its shapes; touches
 * nothing. Every choice depends on the layer alone, never on batch size or number of threads,
 * so that the bits of an embedding do not either.
 */

import type { Shape } from '../graph/graph.ts';
import { isDepthwise } from '../graph/layout.ts';
import type { ConvOp, NetworkOp } from '../graph/network.ts';
import type { KernelName } from './plan.ts';
import { chooseTile } from './winograd-cost.ts';
import { WINOGRAD_TILES, type WinogradTile } from './winograd-grid.ts';

export interface Choice {
  readonly kernel: KernelName;
  /** For Winograd F(m x m, 3 x 3): m. */
  readonly tile?: WinogradTile;
  readonly reason: string;
}

/** `tiles`: the Winograd tiles to choose from; none for direct convolution everywhere. */
export function selectKernel(
  op: NetworkOp,
  input: Shape,
  output: Shape,
  tiles: readonly WinogradTile[] = WINOGRAD_TILES[1],
): Choice {
  switch (op.op) {
    case 'conv':
      return selectConvolution(op, input[0], output, tiles);
    case 'fc':
      return { kernel: 'f32_conv_igemm', reason: 'a 1x1 convolution whose pixels are the batch' };
    case 'global_average_pool':
      return { kernel: 'f32_global_average_pool', reason: 'only kernel for it' };
    case 'l2_normalize':
      return { kernel: 'f32_l2_normalize', reason: 'only kernel for it' };
    default:
      return { kernel: `f32_${op.op}`, reason: 'could not ride in an epilogue' };
  }
}

function selectConvolution(
  op: ConvOp,
  inChannels: number,
  output: Shape,
  tiles: readonly WinogradTile[],
): Choice {
  if (isDepthwise(inChannels, op.outChannels, op.group)) {
    return { kernel: 'f32_conv_depthwise', reason: 'one input channel per output channel' };
  }
  const [kh, kw] = op.kernel;
  const tile = chooseTile(op, inChannels, output, tiles);
  if (tile) {
    const ratio = (tile.products / tile.direct).toFixed(2);
    return {
      kernel: 'f32_winograd_multiply',
      tile: tile.m,
      reason: `F(${tile.m}x${tile.m},3x3)${tile.stride === 2 ? ' stride 2' : ''}: ${ratio} of the products of direct`,
    };
  }
  if (kh === 1 && kw === 1) {
    return { kernel: 'f32_conv_igemm', reason: '1x1: a plain matrix product' };
  }
  return { kernel: 'f32_conv_igemm', reason: `${kh}x${kw}, stride ${op.stride.join('x')}: direct` };
}
