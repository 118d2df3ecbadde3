/**
 * Row-major constants of a model file to the layouts of `graph/layout.ts`. Each function receives
 * checked sizes and returns a fresh array with zeros wherever no weight belongs.
 */

import type { Shape } from '../graph/graph.ts';
import { channelStride, NR, panelWindow } from '../graph/layout.ts';
import { sizeOf } from '../graph/limits.ts';

/** OIHW -> [P][taps][W][8]. */
export function packConvWeight(
  from: Float32Array,
  [outChannels = 0, inPerGroup = 0, kh = 0, kw = 0]: readonly number[],
  group: number,
  packedShape: readonly number[],
): Float32Array {
  const packed = new Float32Array(sizeOf(packedShape));
  const taps = kh * kw;
  const window = panelWindow(inPerGroup * group, outChannels, group);
  const tapSize = window.width * NR;
  let source = 0;
  for (let o = 0; o < outChannels; o++) {
    const panel = Math.floor(o / NR);
    const firstChannel = Math.floor((o * group) / outChannels) * inPerGroup;
    const column = firstChannel - window.start(panel);
    let start = (panel * taps * window.width + column) * NR + (o % NR);
    for (let i = 0; i < inPerGroup; i++, start += NR) {
      for (let tap = 0, to = start; tap < taps; tap++, to += tapSize) {
        packed[to] = from[source++] as number;
      }
    }
  }
  return packed;
}

/** [C, 1, kh, kw] -> [taps][C rounded up to 4]. */
export function packDepthwiseWeight(
  from: Float32Array,
  [channels = 0, , kh = 0, kw = 0]: readonly number[],
  packedSize: number,
): Float32Array {
  const packed = new Float32Array(packedSize);
  const taps = kh * kw;
  const stride = channelStride(channels);
  for (let c = 0; c < channels; c++) {
    for (let tap = 0; tap < taps; tap++) {
      packed[tap * stride + c] = from[c * taps + tap] as number;
    }
  }
  return packed;
}

/** [O, K] with K C-major -> [P][H * W * channel stride][8]. */
export function packFcWeight(
  from: Float32Array,
  input: Shape,
  [panels = 0, features = 0]: readonly number[],
): Float32Array {
  const packed = new Float32Array(panels * features * NR);
  const channels = input[0];
  const stride = channelStride(channels);
  const pixels = sizeOf(input.slice(1));
  const outFeatures = from.length / (channels * pixels);
  let source = 0;
  for (let o = 0; o < outFeatures; o++) {
    const start = Math.floor(o / NR) * features * NR + (o % NR);
    for (let c = 0; c < channels; c++) {
      let to = start + c * NR;
      for (let pixel = 0; pixel < pixels; pixel++, to += stride * NR) {
        packed[to] = from[source++] as number;
      }
    }
  }
  return packed;
}

/** `rest`: what stands behind the vector's own values. */
export function packVector(from: Float32Array, packedSize: number, rest = 0): Float32Array {
  const packed = new Float32Array(packedSize).fill(rest);
  packed.set(from);
  return packed;
}
