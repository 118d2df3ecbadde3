/**
 * Weights of a convolution or fully connected layer with the factors that folding found for them:
 * W[o, i] * outputs[o] * inputs[i]. Nothing is multiplied until the tensor is read; then each
 * weight is multiplied in float64 and rounded once, in the array that the file's reader made, so a
 * network is never held twice.
 */

import { ArcfaceError } from '../errors.ts';
import type { Tensor } from '../graph/graph.ts';
import { sizeOf } from '../graph/limits.ts';

export interface WeightFactors {
  /** [O]. */
  readonly outputs?: Float64Array | undefined;
  /** One per input channel (all groups) or per feature. */
  readonly inputs?: Float64Array | undefined;
}

class ScaledWeight implements Tensor {
  readonly shape: readonly number[];
  readonly base: Tensor;
  readonly group: number;
  readonly factors: WeightFactors;

  constructor(base: Tensor, group: number, factors: WeightFactors) {
    this.shape = base.shape;
    this.base = base;
    this.group = group;
    this.factors = factors;
  }

  read(): Float32Array {
    const values = this.base.readExact?.() ?? this.base.read();
    const scaled = values instanceof Float32Array ? values : new Float32Array(values.length);
    this.multiply(values, scaled);
    return scaled;
  }

  readExact(): Float64Array {
    const values = this.base.readExact?.() ?? Float64Array.from(this.base.read());
    this.multiply(values, values);
    return values;
  }

  private multiply(from: Float32Array | Float64Array, to: Float32Array | Float64Array): void {
    const { outputs, inputs } = this.factors;
    forEachRow(this.shape, this.group, (o, channel, start, length) => {
      const factor = (outputs?.[o] ?? 1) * (inputs?.[channel] ?? 1);
      for (let at = start; at < start + length; at++) to[at] = (from[at] as number) * factor;
    });
  }
}

/** `weight` times one more factor per output and per input channel. */
export function scaleWeight(weight: Tensor, group: number, factors: WeightFactors): Tensor {
  const [base, before] =
    weight instanceof ScaledWeight ? [weight.base, weight.factors] : [weight, undefined];
  return new ScaledWeight(base, group, {
    outputs: product(before?.outputs, factors.outputs),
    inputs: product(before?.inputs, factors.inputs),
  });
}

/** sum over i and taps of W[o, i, tap] * vector[i], in float64: what a constant input adds to o. */
export function contractWeight(
  weight: Tensor,
  group: number,
  vector: Float64Array,
  name: string,
): Float64Array {
  const [base, factors] =
    weight instanceof ScaledWeight ? [weight.base, weight.factors] : [weight, undefined];
  const values = base.readExact?.() ?? base.read();
  const sums = new Float64Array(weight.shape[0] as number);
  forEachRow(weight.shape, group, (o, channel, start, length) => {
    const factor = (factors?.inputs?.[channel] ?? 1) * (vector[channel] as number);
    let sum = 0;
    for (let at = start; at < start + length; at++) sum += values[at] as number;
    sums[o] = (sums[o] as number) + sum * factor;
  });
  const total = factors?.outputs ? (product(sums, factors.outputs) as Float64Array) : sums;
  if (!total.every(Number.isFinite)) {
    throw new ArcfaceError(
      'bad_model',
      `constant "${name}.weight": expected finite values, got NaN or infinity`,
    );
  }
  return total;
}

/** The taps of one output and one input channel stand together: [O, I / group, taps]. */
function forEachRow(
  shape: readonly number[],
  group: number,
  visit: (o: number, channel: number, start: number, length: number) => void,
): void {
  const [outputs = 0, inputsPerGroup = 0] = shape;
  const taps = sizeOf(shape.slice(2));
  const outputsPerGroup = outputs / group;
  let start = 0;
  for (let o = 0; o < outputs; o++) {
    const first = Math.floor(o / outputsPerGroup) * inputsPerGroup;
    for (let i = 0; i < inputsPerGroup; i++, start += taps) visit(o, first + i, start, taps);
  }
}

function product(
  a: Float64Array | undefined,
  b: Float64Array | undefined,
): Float64Array | undefined {
  if (!a || !b) return a ?? b;
  return a.map((value, at) => value * (b[at] as number));
}
