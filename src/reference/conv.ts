/**
 * Truth for convolution and fully connected layers: scalar, float64, NCHW, loops in the order of
 * the formula. For tests and for measuring numerics, never in the public API; nothing is validated
 * beyond what shape inference did.
 */

import type { ConvExtents } from '../graph/shapes.ts';

export interface ConvConstants {
  /** [O, I / group, kh, kw]. */
  readonly weight: Float32Array | Float64Array;
  /** [O]; absent means 0. */
  readonly bias?: Float64Array | undefined;
  /** [I]; absent means 0. */
  readonly padValue?: Float64Array | undefined;
}

/** y[o, oy, ox] = bias[o] + sum w[o, i, ky, kx] * padded[i, oy * sh + ky, ox * sw + kx]. */
export function convReference(
  input: Float64Array,
  [channels, height, width]: readonly [number, number, number],
  { weight, bias, padValue }: ConvConstants,
  { outChannels, kernel: [kh, kw], stride: [sh, sw], pads, group }: ConvExtents,
): Float64Array {
  const [top, left, bottom, right] = pads;
  const paddedHeight = height + top + bottom;
  const paddedWidth = width + left + right;
  const padded = pad(input, [channels, height, width], pads, padValue);
  const outHeight = Math.floor((paddedHeight - kh) / sh) + 1;
  const outWidth = Math.floor((paddedWidth - kw) / sw) + 1;
  const outPixels = outHeight * outWidth;
  const inPerGroup = channels / group;
  const outPerGroup = outChannels / group;
  const output = new Float64Array(outChannels * outPixels);
  let k = 0;
  for (let o = 0; o < outChannels; o++) {
    const plane = output.subarray(o * outPixels, (o + 1) * outPixels);
    plane.fill(bias?.[o] ?? 0);
    const firstChannel = Math.floor(o / outPerGroup) * inPerGroup;
    for (let i = 0; i < inPerGroup; i++) {
      for (let ky = 0; ky < kh; ky++) {
        for (let kx = 0; kx < kw; kx++) {
          const w = weight[k++] as number;
          for (let oy = 0; oy < outHeight; oy++) {
            const row = ((firstChannel + i) * paddedHeight + oy * sh + ky) * paddedWidth + kx;
            const out = oy * outWidth;
            for (let ox = 0; ox < outWidth; ox++) {
              plane[out + ox] = (plane[out + ox] as number) + w * (padded[row + ox * sw] as number);
            }
          }
        }
      }
    }
  }
  return output;
}

/** [C, H, W] -> [C, H + top + bottom, W + left + right] with one border value per channel. */
function pad(
  input: Float64Array,
  [channels, height, width]: readonly [number, number, number],
  [top, left, bottom, right]: readonly [number, number, number, number],
  padValue: Float64Array | undefined,
): Float64Array {
  const paddedHeight = height + top + bottom;
  const paddedWidth = width + left + right;
  const padded = new Float64Array(channels * paddedHeight * paddedWidth);
  for (let c = 0; c < channels; c++) {
    const plane = c * paddedHeight * paddedWidth;
    padded.fill(padValue?.[c] ?? 0, plane, plane + paddedHeight * paddedWidth);
    for (let y = 0; y < height; y++) {
      const from = (c * height + y) * width;
      padded.set(input.subarray(from, from + width), plane + (y + top) * paddedWidth + left);
    }
  }
  return padded;
}

/** y[o] = bias[o] + sum w[o, k] * x[k]. */
export function fcReference(
  input: Float64Array,
  weight: Float32Array | Float64Array,
  bias: Float64Array | undefined,
): Float64Array {
  const features = input.length;
  const output = new Float64Array(weight.length / features);
  for (let o = 0; o < output.length; o++) {
    let sum = bias?.[o] ?? 0;
    for (let k = 0; k < features; k++) {
      sum += (weight[o * features + k] as number) * (input[k] as number);
    }
    output[o] = sum;
  }
  return output;
}
