/**
 * Chooses the output tile of Winograd F(m x m, 3 x 3) for a 3x3 convolution of stride 1 or 2, or none.
 * The model counts multiply-adds of the products and weighs the transforms; docs/adr/0005 says how
 * far measurement confirms it. It sees the layer alone, so the choice never depends on batch or threads.
 */

import type { Shape } from '../graph/graph.ts';
import { channelStride, roundUp } from '../graph/layout.ts';
import type { ConvOp } from '../graph/network.ts';
import {
  coverage,
  filterRows,
  WINOGRAD_TILES,
  type WinogradStride,
  type WinogradTile,
} from './winograd-grid.ts';

export interface TileChoice {
  readonly m: WinogradTile;
  readonly stride: WinogradStride;
  /** Multiply-adds of the products, and of the direct convolution. */
  readonly products: number;
  readonly direct: number;
}

/**
 * Transforms in units of multiply-adds, per vector element and tile position: input and output are
 * read and written through memory, weights are transformed once per run.
 */
const INPUT_COST = 6;
const OUTPUT_COST = 6;
const WEIGHT_COST = 6;
/** Below so many channels the transforms outweigh the products they save. */
const MIN_CHANNELS = 16;

/** `tiles`: those to choose from. */
export function chooseTile(
  op: ConvOp,
  inChannels: number,
  output: Shape,
  tiles: readonly WinogradTile[],
): TileChoice | undefined {
  const stride = strideOf(op);
  const enough = Math.min(inChannels, op.outChannels) >= MIN_CHANNELS;
  if (stride === undefined || !enough || output.length !== 3) return undefined;
  const [, oh, ow] = output as readonly [number, number, number];
  const k = channelStride(inChannels);
  const n = roundUp(op.outChannels, 8);
  const direct = oh * ow * 9 * k * n;
  const costs = WINOGRAD_TILES[stride]
    .filter((m) => tiles.includes(m))
    .map((m) => {
      const positions = coverage(oh, m, stride).positions * coverage(ow, m, stride).positions;
      const products = positions * k * n;
      const weights = filterRows(m, stride) ** 2 * WEIGHT_COST * k * n;
      const transforms = positions * (INPUT_COST * k + OUTPUT_COST * n) + weights;
      return { m, stride, products, direct, cost: products + transforms };
    });
  const best = costs.reduce<(typeof costs)[0] | undefined>(
    (a, b) => (a && a.cost <= b.cost ? a : b),
    undefined,
  );
  return best && best.cost < direct ? best : undefined;
}

/** The stride of a dense 3x3 convolution that has transforms, or undefined. */
function strideOf(op: ConvOp): WinogradStride | undefined {
  const [sh, sw] = op.stride;
  const is3x3 = op.group === 1 && op.kernel.every((size) => size === 3);
  return is3x3 && sh === sw && (sh === 1 || sh === 2) ? sh : undefined;
}
