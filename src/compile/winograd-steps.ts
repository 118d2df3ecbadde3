/**
 * Steps of a Winograd convolution: an input transform that all threads share, then products and
 * output transform per panel. A large batch goes in groups, so that the transformed input stays
 * in the caches.
 */

import { channelStride } from '../graph/layout.ts';
import type { ConvOp } from '../graph/network.ts';
import { type Address, type ArgValue, WINOGRAD_FIELDS, type WinogradArgs } from './args.ts';
import type { Step } from './plan.ts';
import { activationArgs, alignScratch, type OpSteps, type Site, spatial } from './site.ts';
import {
  coverage,
  filterRows,
  positionsOf,
  type WinogradStride,
  type WinogradTile,
} from './winograd-grid.ts';

/** Tiles whose products share one transform of the weights: more gain nothing, and need memory. */
const GROUP_TILES = 200;
/** Twice `WORK_VECTORS` of the kernels: a tile half transformed, and gathered or resulting. */
export const WORK_BYTES = 2 * 84 * 16;

export function winogradSteps(op: ConvOp, m: WinogradTile, site: Site): OpSteps {
  const stride = op.stride[0] as WinogradStride;
  const [input, residual] = op.inputs as [string, string?];
  const [inC, ih, iw] = spatial(site.shape(input));
  const [outC, oh, ow] = spatial(site.shape(op.name));
  const ic = channelStride(inC);
  const oc = channelStride(outC);
  const y = coverage(oh, m, stride);
  const x = coverage(ow, m, stride);
  const perPicture = y.tiles * x.tiles;
  const group = Math.min(site.batch, Math.max(1, Math.floor(GROUP_TILES / perPicture)));
  const tiles = group * perPicture;
  const positions = positionsOf(m, stride) ** 2;
  const filters = filterRows(m, stride) ** 2;
  const vBytes = tiles * ic * 4 + 64;
  const uBytes = ic * 32 + 64;
  const vTotal = alignScratch(positions * vBytes);
  const scratchBytes = alignScratch(
    WORK_BYTES + alignScratch(tiles * 4) + filters * uBytes + positions * tiles * 32 + 64,
  );
  const shift = (address: Address, pixels: number, channels: number): Address => ({
    region: address.region,
    offset: address.offset + pixels * channels * 4,
  });
  const steps: Step[] = [];
  for (let first = 0; first < site.batch; first += group) {
    const out = first * oh * ow;
    const args: WinogradArgs = {
      x: shift(site.activation(input), first * ih * iw, ic),
      y: shift(site.activation(op.name), out, oc),
      weight: site.constant(`${op.name}.weight`),
      bias: site.constant(`${op.name}.bias`),
      pad: op.padValue ? site.constant(`${op.name}.pad`) : site.constant('zeros'),
      residual: residual === undefined ? 0 : shift(site.activation(residual), out, oc),
      ...activationArgs(op, site),
      batch: Math.min(group, site.batch - first),
      ih,
      iw,
      ic,
      oh,
      ow,
      oc,
      ph: op.pads[0],
      pw: op.pads[1],
      stride,
      m,
      tilesY: y.tiles,
      tilesX: x.tiles,
      fullY: y.full,
      fullX: x.full,
      v: { region: 'scratch', offset: 0 },
      vBytes,
      uBytes,
      scratch: { region: 'scratch', offset: vTotal },
      scratchBytes,
    };
    steps.push(step(op, 'f32_winograd_input', args), step(op, 'f32_winograd_multiply', args));
  }
  return { steps, scratchBytes: vTotal + scratchBytes * site.threads };
}

function step(
  op: ConvOp,
  kernel: 'f32_winograd_input' | 'f32_winograd_multiply',
  args: Readonly<Record<string, ArgValue>>,
): Step {
  return { name: op.name, op: op.op, kernel, fields: WINOGRAD_FIELDS, args };
}
