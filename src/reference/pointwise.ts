/**
 * Truth for everything that is not a product of matrices: float64, NCHW, one line per element.
 * Channel vectors apply to [C, H, W] and [F] alike: `length / channels` values each.
 */

import type { Activation } from '../graph/graph.ts';

/** y[c, ...] = f(x[c, ...], c). */
function mapChannels(
  x: Float64Array,
  channels: number,
  f: (value: number, c: number) => number,
): Float64Array {
  const pixels = x.length / channels;
  return x.map((value, at) => f(value, Math.floor(at / pixels)));
}

export function affineReference(
  x: Float64Array,
  scale: Float64Array,
  shift: Float64Array,
): Float64Array {
  return mapChannels(
    x,
    scale.length,
    (value, c) => value * (scale[c] as number) + (shift[c] as number),
  );
}

export function preluReference(x: Float64Array, slope: Float64Array): Float64Array {
  return mapChannels(x, slope.length, (value, c) =>
    value >= 0 ? value : value * (slope[c] as number),
  );
}

export function clipReference(x: Float64Array, min: number, max: number): Float64Array {
  return x.map((value) => Math.min(Math.max(value, min), max));
}

export function sigmoidReference(x: Float64Array): Float64Array {
  return x.map((value) => 1 / (1 + Math.exp(-value)));
}

export function addReference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, at) => value + (b[at] as number));
}

export function mulReference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, at) => value * (b[at] as number));
}

export function gateReference(x: Float64Array, gate: Float64Array): Float64Array {
  return mapChannels(x, gate.length, (value, c) => value * (gate[c] as number));
}

/** Row and column `offset`, then every `stride`th. */
export function subsampleReference(
  x: Float64Array,
  [channels, height, width]: readonly [number, number, number],
  [sh, sw]: readonly [number, number],
  [oy, ox]: readonly [number, number],
): Float64Array {
  const kept: number[] = [];
  for (let c = 0; c < channels; c++) {
    for (let y = oy; y < height; y += sh) {
      for (let col = ox; col < width; col += sw) {
        kept.push(x[(c * height + y) * width + col] as number);
      }
    }
  }
  return Float64Array.from(kept);
}

export function globalAveragePoolReference(x: Float64Array, channels: number): Float64Array {
  const pixels = x.length / channels;
  return Float64Array.from({ length: channels }, (_, c) => {
    const plane = x.subarray(c * pixels, (c + 1) * pixels);
    return plane.reduce((sum, value) => sum + value, 0) / pixels;
  });
}

/** Channels of each location times the mean norm over that location's own. */
export function equalizeNormsReference(x: Float64Array, channels: number): Float64Array {
  const pixels = x.length / channels;
  const norms = Float64Array.from({ length: pixels }, (_, p) => {
    const squares = Array.from({ length: channels }, (_, c) => (x[c * pixels + p] as number) ** 2);
    return Math.sqrt(squares.reduce((sum, value) => sum + value, 0));
  });
  const mean = norms.reduce((sum, norm) => sum + norm, 0) / pixels;
  return x.map((value, at) => {
    const norm = norms[at % pixels] as number;
    return norm > 0 ? (value * mean) / norm : 0;
  });
}

export function l2NormalizeReference(x: Float64Array, eps: number): Float64Array {
  const norm = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
  return x.map((value) => value / Math.max(norm, eps));
}

export function activationReference(
  x: Float64Array,
  activation: Activation | undefined,
): Float64Array {
  if (activation === undefined) return x;
  if (activation.kind === 'prelu') return preluReference(x, activation.slope);
  return clipReference(x, activation.min, activation.max);
}
