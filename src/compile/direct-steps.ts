/**
 * Steps of products that run directly: convolutions, dense, grouped and depthwise, and fully connected layers.
 * Receives where every tensor lies; refuses nothing (shapes were validated before).
 */

import { channelStride, isDepthwise, NR, panelWindow } from '../graph/layout.ts';
import type { ConvOp, FcOp } from '../graph/network.ts';
import type { ConvArgs } from './args.ts';
import {
  activationArgs,
  alignScratch,
  type OpSteps,
  SCRATCH,
  type Site,
  spatial,
  weightArgs,
} from './site.ts';

/** Input bytes of a block of pixels that should stay in L2 while all weights pass over them. */
const BLOCK_BYTES = 128 * 1024;
/** Fewer pixels would fetch the weights too often. */
const MIN_BLOCK = 60;
/**
 * The same for one tap, outputs included: a panel writes 32 bytes of each pixel, half a cache line. Where
 * the line is still in L1 when the next panel fills it, MobileFaceNet is 7 % faster than from L2.
 */
const POINT_BLOCK_BYTES = 32 * 1024;
const MIN_POINT_BLOCK = 24;
/** With so few channels per tap a product per tap costs more than a copy of the rows. */
const IM2COL_CHANNELS = 8;
/** Blocks are whole register tiles of 4 and of 6 rows. */
const ROWS = 12;
/** Pixels per block where rows are copied: the copies stay in L1. */
const IM2COL_PIXELS = 168;
/** Weights that a thread brings into f32 for all its blocks at once; more are brought panel by panel. */
const MOST_BROUGHT_BYTES = 4 * 1024 * 1024;
/** Sums of one pixel of one panel, at the start of a thread's scratch. */
const SUMS_BYTES = 32;

export function convolutionSteps(op: ConvOp, site: Site): OpSteps {
  const [x, residual] = op.inputs as [string, string?];
  const [inC, ih, iw] = spatial(site.shape(x));
  const [outC, oh, ow] = spatial(site.shape(op.name));
  const [kh, kw] = op.kernel;
  const taps = kh * kw;
  const depthwise = isDepthwise(inC, outC, op.group);
  const window = panelWindow(inC, outC, op.group).width;
  const im2col = !depthwise && op.group === 1 && taps > 1 && window <= IM2COL_CHANNELS;
  const block = depthwise ? 4 : pixelsPerBlock(op, channelStride(inC), oh * ow, im2col);
  const copies = im2col ? block * taps * window * 4 : 0;
  const blocks = Math.ceil((oh * ow) / block) * site.batch;
  const panels = Math.ceil(outC / NR);
  const panelBytes = op.dtype === undefined ? 0 : taps * window * NR * 4;
  const splitPanels = blocks < 4 * site.threads || panels * panelBytes > MOST_BROUGHT_BYTES;
  const own = alignScratch(block * SUMS_BYTES + block * taps * 4 + copies);
  const scratchBytes = own + alignScratch((splitPanels ? 1 : panels) * panelBytes);
  const dense = op.group === 1;
  const args: ConvArgs = {
    x: site.activation(x),
    y: site.activation(op.name),
    ...weightArgs(op, site),
    bias: site.constant(`${op.name}.bias`),
    pad: op.padValue ? site.constant(`${op.name}.pad`) : site.constant('zeros'),
    residual: residual === undefined ? 0 : site.activation(residual),
    ...activationArgs(op, site),
    batch: site.batch,
    ih,
    iw,
    ic: channelStride(inC),
    oh,
    ow,
    oc: channelStride(outC),
    kh,
    kw,
    sh: op.stride[0],
    sw: op.stride[1],
    ph: op.pads[0],
    pw: op.pads[1],
    window,
    inPerGroup: dense ? 0 : inC / op.group,
    outPerGroup: dense ? 0 : outC / op.group,
    block,
    im2col: im2col ? 1 : 0,
    splitPanels: splitPanels ? 1 : 0,
    scratch: SCRATCH,
    scratchBytes,
  };
  return {
    calls: [{ kernel: depthwise ? 'f32_conv_depthwise' : 'f32_conv_igemm', args }],
    scratchBytes: scratchBytes * site.threads,
  };
}

/** All features of a picture are one pixel; the batch is a line of such pixels. */
export function fullyConnectedSteps(op: FcOp, site: Site): OpSteps {
  const x = op.inputs[0] as string;
  const [c, h, w] = spatial(site.shape(x));
  const features = h * w * channelStride(c);
  const panelBytes = op.dtype === undefined ? 0 : features * NR * 4;
  const scratchBytes = alignScratch(site.batch * (SUMS_BYTES + 4)) + alignScratch(panelBytes);
  const args: ConvArgs = {
    x: site.activation(x),
    y: site.activation(op.name),
    ...weightArgs(op, site),
    bias: site.constant(`${op.name}.bias`),
    pad: site.constant('zeros'),
    residual: 0,
    ...activationArgs(op, site),
    batch: 1,
    ih: 1,
    iw: site.batch,
    ic: features,
    oh: 1,
    ow: site.batch,
    oc: channelStride(op.outFeatures),
    kh: 1,
    kw: 1,
    sh: 1,
    sw: 1,
    ph: 0,
    pw: 0,
    window: features,
    inPerGroup: 0,
    outPerGroup: 0,
    block: site.batch,
    im2col: 0,
    splitPanels: 1,
    scratch: SCRATCH,
    scratchBytes,
  };
  return {
    calls: [{ kernel: 'f32_conv_igemm', args }],
    scratchBytes: scratchBytes * site.threads,
  };
}

function pixelsPerBlock(op: ConvOp, inStride: number, pixels: number, im2col: boolean): number {
  if (im2col) return Math.min(pixels, IM2COL_PIXELS);
  if (op.kernel[0] * op.kernel[1] === 1) {
    const bytes = (inStride + channelStride(op.outChannels)) * 4;
    return Math.min(pixels, fitting(POINT_BLOCK_BYTES, bytes, MIN_POINT_BLOCK));
  }
  const bytes = op.stride[0] * op.stride[1] * inStride * 4;
  return Math.min(pixels, fitting(BLOCK_BYTES, bytes, MIN_BLOCK));
}

/** Pixels of `bytesPerPixel` that fit `bytes`, in whole tiles; at least `least`. */
function fitting(bytes: number, bytesPerPixel: number, least: number): number {
  return Math.max(least, Math.floor(bytes / bytesPerPixel / ROWS) * ROWS);
}
