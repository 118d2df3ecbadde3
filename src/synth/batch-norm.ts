/** Folding a seeded batch norm into the convolution before it, as exporters do. */

import type { SynthBatchNorm } from './model.ts';

/** y = x * scale + shift, in float64. */
export function batchNormOf(node: SynthBatchNorm): { scale: Float64Array; shift: Float64Array } {
  const [gamma, beta, mean] = [node.gamma.read(), node.beta.read(), node.mean.read()];
  const scale = Float64Array.from(node.variance.read(), (variance, c) => {
    const factor = node.fixGamma ? 1 : (gamma[c] as number);
    return factor / Math.sqrt(variance + node.eps);
  });
  const shift = scale.map((s, c) => (beta[c] as number) - (mean[c] as number) * s);
  return { scale, shift };
}

/** Multiplies each of `scale.length` equal parts of `values` by its own factor. */
export function scaleRows(values: Float32Array, scale: Float64Array): Float32Array {
  const width = values.length / scale.length;
  return values.map((value, i) => value * (scale[Math.floor(i / width)] as number));
}
