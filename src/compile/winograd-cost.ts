/**
 * Chooses the output tile of Winograd F(m x m, 3 x 3) for a stride-1 3x3 convolution, or none. The
 * model counts multiply-adds of the products and weighs the transforms; docs/adr/0005 says how
 * far measurement confirms it. It sees the layer alone, so the choice never depends on batch or threads.
 */

import type { Shape } from '../graph/graph.ts';
import { channelStride, roundUp } from '../graph/layout.ts';
import type { ConvOp } from '../graph/network.ts';

export type WinogradTile = 4 | 5 | 6;

export interface TileChoice {
  readonly m: WinogradTile;
  /** Multiply-adds of the products, and of the direct convolution. */
  readonly products: number;
  readonly direct: number;
}

/** Outputs of a short tile; see `assembly/winograd/grid.ts`. */
const SHORT = 4;

/** How tiles cover one dimension: `full` tiles of m outputs, then short ones of 4. */
export interface Coverage {
  readonly tiles: number;
  readonly full: number;
  /** Products per input and output channel: 2 more than the outputs of each tile. */
  readonly positions: number;
}

export const WINOGRAD_TILES: readonly WinogradTile[] = [4, 5, 6];

/**
 * Transforms in units of multiply-adds, per vector element and tile position: input and output are
 * read and written through memory, weights are transformed once per run.
 */
const INPUT_COST = 6;
const OUTPUT_COST = 6;
const WEIGHT_COST = 6;
/** Below so many channels the transforms outweigh the products they save. */
const MIN_CHANNELS = 16;

export function chooseTile(
  op: ConvOp,
  inChannels: number,
  output: Shape,
  tiles: readonly WinogradTile[],
): TileChoice | undefined {
  const fits =
    tiles.length > 0 &&
    op.kernel.every((size) => size === 3) &&
    op.stride.every((size) => size === 1) &&
    op.group === 1 &&
    output.length === 3 &&
    Math.min(inChannels, op.outChannels) >= MIN_CHANNELS;
  if (!fits) return undefined;
  const [, oh, ow] = output as readonly [number, number, number];
  const k = channelStride(inChannels);
  const n = roundUp(op.outChannels, 8);
  const direct = oh * ow * 9 * k * n;
  const costs = tiles.map((m) => {
    const positions = coverage(oh, m).positions * coverage(ow, m).positions;
    const products = positions * k * n;
    const weights = (m + 2) * (m + 2) * WEIGHT_COST * k * n;
    const transforms = positions * (INPUT_COST * k + OUTPUT_COST * n) + weights;
    return { m, products, direct, cost: products + transforms };
  });
  const best = costs.reduce((a, b) => (b.cost < a.cost ? b : a));
  return best.cost < direct ? best : undefined;
}

/** The cover of `length` outputs with the fewest positions. */
export function coverage(length: number, m: WinogradTile): Coverage {
  const covers = Array.from({ length: Math.ceil(length / m) + 1 }, (_, full) => {
    const short = Math.ceil(Math.max(0, length - full * m) / SHORT);
    return { tiles: full + short, full, positions: full * (m + 2) + short * (SHORT + 2) };
  });
  return covers.reduce((a, b) => (b.positions <= a.positions ? b : a));
}
