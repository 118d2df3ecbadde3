/** Constants of layers into which batch norms were folded: f64 inside, rounded to f32 by each fold, made when read. */

import { batchNormOf, scaleRows } from '../../../src/synth/batch-norm.ts';
import type { SynthBatchNorm, SynthFc, SynthTensor } from '../../../src/synth/model.ts';

export function scaleOf(norm: SynthBatchNorm): SynthTensor {
  return { shape: norm.beta.shape, read: () => Float32Array.from(batchNormOf(norm).scale) };
}

export function shiftOf(norm: SynthBatchNorm): SynthTensor {
  return { shape: norm.beta.shape, read: () => Float32Array.from(batchNormOf(norm).shift) };
}

export function zeros(length: number): SynthTensor {
  return { shape: [length], read: () => new Float32Array(length) };
}

export function scaledRows(weight: SynthTensor, norm: SynthBatchNorm): SynthTensor {
  const read = (): Float32Array => scaleRows(weight.read(), batchNormOf(norm).scale);
  return { shape: weight.shape, read };
}

export function normedBias(bias: SynthTensor, norm: SynthBatchNorm): SynthTensor {
  const read = (): Float32Array => {
    const { scale, shift } = batchNormOf(norm);
    return bias.read().map((value, o) => value * (scale[o] as number) + (shift[o] as number));
  };
  return { shape: bias.shape, read };
}

/** W (s x + t) + b = (W s) x + (W t + b), channels of x being `features / channels` long. */
export function normBefore(node: SynthFc, norm: SynthBatchNorm): Pick<SynthFc, 'weight' | 'bias'> {
  const { weight, bias } = node;
  const features = weight.shape[1] as number;
  const area = features / (norm.beta.shape[0] as number);
  const channel = (i: number): number => Math.floor((i % features) / area);
  const readWeight = (): Float32Array => {
    const { scale } = batchNormOf(norm);
    return weight.read().map((value, i) => value * (scale[channel(i)] as number));
  };
  const readBias = (): Float32Array => {
    const [values, { shift }] = [weight.read(), batchNormOf(norm)];
    return bias.read().map((value, o) => {
      let sum = value;
      for (let k = 0; k < features; k++) {
        sum += (values[o * features + k] as number) * (shift[channel(k)] as number);
      }
      return sum;
    });
  };
  return {
    weight: { shape: weight.shape, read: readWeight },
    bias: { shape: bias.shape, read: readBias },
  };
}
