/** What is done to a picture in front of a network, written out: the truth that conversions are held against. */

import type { ChannelOrder, Normalization } from '../../src/graph/preprocessing.ts';

/** The planes of an NCHW picture of three channels, each value (x - mean) / std. */
export function normalised(face: Float32Array, { mean, std }: Normalization): Float32Array {
  const plane = face.length / 3;
  return Float32Array.from(face, (value, i) => {
    const channel = Math.floor(i / plane);
    return (value - (mean[channel] as number)) / (std[channel] as number);
  });
}

/** An RGB picture in `order`. */
export function inOrder(face: Float32Array, order: ChannelOrder): Float32Array {
  if (order === 'rgb') return face;
  const plane = face.length / 3;
  return Float32Array.from(face, (_, i) => {
    const channel = Math.floor(i / plane);
    return face[i + (2 - 2 * channel) * plane] as number;
  });
}

/** Largest difference over the largest value. */
export function relativeError(got: ArrayLike<number>, truth: ArrayLike<number>): number {
  if (got.length !== truth.length) return Number.POSITIVE_INFINITY;
  let [difference, size] = [0, 0];
  for (let i = 0; i < truth.length; i++) {
    difference = Math.max(difference, Math.abs((got[i] as number) - (truth[i] as number)));
    size = Math.max(size, Math.abs(truth[i] as number));
  }
  return difference / size;
}
