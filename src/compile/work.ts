/**
 * How much work one face is, counted from the network itself before anything of it is planned or allocated.
 * Receives a validated network with its shapes. The unit is a multiply-add of a dense convolution: products
 * as the kernels compute them, whole panels and vectors, and everything else as so many products as it takes
 * time. Numbers are of the slowest shapes found, so that a bound on work is one on time.
 */

import type { Shape } from '../graph/graph.ts';
import { channelStride, isDepthwise, NR, panelWindow } from '../graph/layout.ts';
import type { ConvOp, Network, NetworkOp } from '../graph/network.ts';

/** A row pointer: made, followed and often copied from, for every pixel and tap of a convolution. */
const POINTER = 2000;
/** The products of one pixel, tap and panel, however few channels there are. */
const LEAST_PRODUCTS = 512;
/** Depthwise, per product: each is a load of its own. */
const DEPTHWISE_PRODUCT = 20;
/** Per element that is read, changed and written. */
const ELEMENT = 100;
const SIGMOID_ELEMENT = 1000;

export function workOf({ ops }: Network, shapes: ReadonlyMap<string, Shape>): number {
  const shapeOf = (value: string): Shape => shapes.get(value) as Shape;
  return ops.reduce(
    (sum, op) => sum + workOfOp(op, shapeOf(op.inputs[0] as string), shapeOf(op.name)),
    0,
  );
}

function workOfOp(op: NetworkOp, input: Shape, output: Shape): number {
  switch (op.op) {
    case 'conv':
      return workOfConv(op, input[0], pixelsOf(output));
    case 'fc':
      return elements(input) * NR * Math.ceil(op.outFeatures / NR);
    case 'sigmoid':
      return SIGMOID_ELEMENT * elements(input);
    default:
      return ELEMENT * Math.max(elements(input), elements(output));
  }
}

function workOfConv(op: ConvOp, inChannels: number, pixels: number): number {
  const { outChannels, group, kernel } = op;
  const pointers = pixels * kernel[0] * kernel[1];
  if (isDepthwise(inChannels, outChannels, group)) {
    return pointers * (POINTER + DEPTHWISE_PRODUCT * channelStride(inChannels));
  }
  const { width } = panelWindow(inChannels, outChannels, group);
  const products = Math.ceil(outChannels / NR) * Math.max(LEAST_PRODUCTS, width * NR);
  return pointers * (POINTER + products);
}

/** Of a picture or a vector as it lies in memory. */
function elements(shape: Shape): number {
  return pixelsOf(shape) * channelStride(shape[0]);
}

function pixelsOf(shape: Shape): number {
  return shape.length === 3 ? shape[1] * shape[2] : 1;
}
