/**
 * Steps of a Winograd convolution: an input transform that all threads share, then products and
 * output transform per panel. Tiles go in groups, so that the transformed input stays in the caches
 * while every panel of weights passes over it.
 */

import { channelStride } from '../graph/layout.ts';
import type { ConvOp } from '../graph/network.ts';
import type { WinogradArgs } from './args.ts';
import {
  activationArgs,
  alignScratch,
  type KernelCall,
  type OpSteps,
  SCRATCH,
  type Site,
  spatial,
  weightArgs,
} from './site.ts';
import { FILTER_ROWS, positionsOf, tilesFor, type WinogradStride } from './winograd-cost.ts';

/**
 * Transformed input of a group. More would fall out of the caches, less transform the weights more
 * often; from 2 to 6 MB the network takes the same time to 2 % (docs/adr/0005).
 */
const GROUP_BYTES = 3 * 1024 * 1024;
/**
 * Where the transformed input of a group does not fit a second-level cache, two panels pass over it at
 * once: it is read half as often. Not where some thread would get more to do than by single panels.
 */
const SECOND_CACHE_BYTES = 1024 * 1024;
/** Twice `TILE_VECTORS` of the kernels: a tile half transformed, and a table or a result. */
export const WORK_BYTES = 2 * 228 * 16;
/** Keeps rows and positions, mostly powers of two long, from falling into the same sets of a cache. */
const SKEW_BYTES = 64;

export function winogradSteps(op: ConvOp, stride: WinogradStride, site: Site): OpSteps {
  const [input, residual] = op.inputs as [string, string?];
  const [inC, ih, iw] = spatial(site.shape(input));
  const [outC, oh, ow] = spatial(site.shape(op.name));
  const ic = channelStride(inC);
  const tilesY = tilesFor(oh);
  const tilesX = tilesFor(ow);
  const positions = positionsOf(stride) ** 2;
  const all = site.batch * tilesY * tilesX;
  const group = groupSize(all, positions * ic * 4);
  const vBytes = group * ic * 4 + SKEW_BYTES;
  const hBytes = 3 * ic * 32 + SKEW_BYTES;
  const uBytes = ic * 32 + SKEW_BYTES;
  const cBytes = group * 32 + SKEW_BYTES;
  const panelBytes = alignScratch(FILTER_ROWS * (hBytes + uBytes) + positions * cBytes);
  const vTotal = alignScratch(positions * vBytes);
  const isShared = Math.ceil(outC / 8) % (2 * site.threads) === 0;
  const wide = site.vectors === 256 && Math.ceil(outC / 8) % 2 === 0;
  const together = wide || (vTotal > SECOND_CACHE_BYTES && isShared) ? 2 : 1;
  const scratchBytes = WORK_BYTES + alignScratch(group * 4) + together * panelBytes;
  const calls: KernelCall[] = [];
  for (let firstTile = 0; firstTile < all; firstTile += group) {
    const tiles = Math.min(group, all - firstTile);
    const args: WinogradArgs = {
      x: site.activation(input),
      y: site.activation(op.name),
      ...weightArgs(op, site),
      bias: site.constant(`${op.name}.bias`),
      pad: op.padValue ? site.constant(`${op.name}.pad`) : site.constant('zeros'),
      residual: residual === undefined ? 0 : site.activation(residual),
      ...activationArgs(op, site),
      ih,
      iw,
      ic,
      oh,
      ow,
      oc: channelStride(outC),
      ph: op.pads[0],
      pw: op.pads[1],
      stride,
      tilesY,
      tilesX,
      firstTile,
      tiles,
      v: SCRATCH,
      vBytes,
      // The kernel for a single tile takes panel by panel.
      together: tiles > 1 || wide ? together : 1,
      wide: wide ? 1 : 0,
      hBytes,
      uBytes,
      cBytes,
      panelBytes,
      scratch: { ...SCRATCH, offset: vTotal },
      scratchBytes,
    };
    calls.push({ kernel: 'f32_winograd_input', args }, { kernel: 'f32_winograd_multiply', args });
  }
  return { calls, scratchBytes: vTotal + scratchBytes * site.threads };
}

/** Tiles of a group: as even as whole register tiles of 4 rows allow, none with more than fit. */
function groupSize(all: number, tileBytes: number): number {
  const most = Math.max(4, Math.floor(GROUP_BYTES / tileBytes / 4) * 4);
  const groups = Math.ceil(all / most);
  return Math.min(all, Math.ceil(all / groups / 4) * 4);
}
