/**
 * Decides whether a 3x3 convolution of stride 1 or 2 runs by Winograd or directly. The model counts
 * multiply-adds of the products and weighs the transforms; `npm run bench -- winograd` measures both.
 * It sees the layer alone, so the choice never depends on batch or threads.
 */

import type { Shape } from '../graph/graph.ts';
import { channelStride, roundUp } from '../graph/layout.ts';
import type { ConvOp } from '../graph/network.ts';

export type WinogradStride = 1 | 2;

interface WinogradChoice {
  readonly stride: WinogradStride;
  /** Multiply-adds of the products, and of the direct convolution. */
  readonly products: number;
  readonly direct: number;
}

/** Outputs of a tile in one dimension: every feature map of a 112x112 face is a multiple of it. */
export const TILE_OUTPUTS = 7;
/** Transforms of a 3-tap filter in one dimension: at stride 2 seven positions share one. */
export const FILTER_ROWS = 9;

/**
 * Transforms in units of multiply-adds, per vector element and tile position: input and output are
 * read and written through memory, weights are transformed once per run. Their cost also keeps a
 * single tile of stride 2 (14x14 -> 7x7) direct, and must: by Winograd it would be faster in batches, but
 * round too much (docs/adr/0005).
 */
const INPUT_COST = 6;
const OUTPUT_COST = 6;
const WEIGHT_COST = 3;
/**
 * Below so many channels transforms take most of what products save, and rounding weighs more: a sum of
 * few terms is small, what the transforms amplify is not.
 */
const MIN_CHANNELS = 48;

/** Positions of a tile in one dimension, and its inputs. */
export function positionsOf(stride: WinogradStride): number {
  return stride === 2 ? 15 : 9;
}

export function tilesFor(length: number): number {
  return Math.ceil(length / TILE_OUTPUTS);
}

export function chooseWinograd(
  op: ConvOp,
  inChannels: number,
  output: Shape,
  minChannels = MIN_CHANNELS,
): WinogradChoice | undefined {
  const stride = strideOf(op);
  const enough = Math.min(inChannels, op.outChannels) >= minChannels;
  if (stride === undefined || !enough || output.length !== 3) return undefined;
  const [, oh, ow] = output;
  const k = channelStride(inChannels);
  const n = roundUp(op.outChannels, 8);
  const direct = oh * ow * 9 * k * n;
  const positions = tilesFor(oh) * tilesFor(ow) * positionsOf(stride) ** 2;
  const products = positions * k * n;
  const weights = FILTER_ROWS ** 2 * WEIGHT_COST * k * n;
  const transforms = positions * (INPUT_COST * k + OUTPUT_COST * n) + weights;
  return products + transforms < direct ? { stride, products, direct } : undefined;
}

/** The stride of a dense 3x3 convolution that has transforms, or undefined. */
function strideOf(op: ConvOp): WinogradStride | undefined {
  const [sh, sw] = op.stride;
  const is3x3 = op.group === 1 && op.kernel.every((size) => size === 3);
  return is3x3 && sh === sw && (sh === 1 || sh === 2) ? sh : undefined;
}
