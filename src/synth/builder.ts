/**
 * Appends layers to a training-form network and keeps its statistics: for every value the expected
 * square (`power`) is carried along, so that weights and batch norms can be calibrated without
 * running anything.
 *
 * Convolution weights have variance 1 / fan-in, so the power is kept in expectation whatever the
 * correlation of the input; batch norms divide by the expected power and restore the asked one;
 * PReLU multiplies it by (1 + E[slope^2]) / 2, weights being symmetric.
 */

import type { SynthNode, SynthPair, SynthTensor } from './model.ts';
import { type Stream, streamOf } from './random.ts';

/** A value of the network with its channels and expected square. */
export interface Value {
  readonly name: string;
  readonly channels: number;
  readonly power: number;
}

export interface ConvSpec {
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly depthwise?: boolean;
}

export interface NormSpec {
  readonly eps: number;
  /** Expected square of the output; 1 if absent. */
  readonly power?: number;
  readonly fixGamma?: boolean;
}

/** Expected square of (x - 127.5) / 128 over face crops. */
const INPUT_POWER = 0.3;

/** Standard deviation of beta; of the running mean relative to sqrt(power). */
const BETA_DEVIATION = 0.1;
const MEAN_DEVIATION = 0.1;
/** E[1 / v] of a variance uniform in 0.7 .. 1.3: ln(1.3 / 0.7) / 0.6. */
const INVERSE_VARIANCE = 1.0317320140386472;

/** Gammas: mostly 1 +- 0.2, a few negative, a few near 0 (where folding must take care). */
const NEGATIVE_GAMMAS = 0.03;
const TINY_GAMMAS = 0.02;
const GAMMA_SQUARE = (1 - TINY_GAMMAS) * (1 + 0.2 ** 2);

/** Slopes: 0.25 +- 0.2, some negative, some above 1; the fractions and E[slope^2] of the mixture. */
const NEGATIVE_SLOPES = 0.06;
const STEEP_SLOPES = 0.04;
const SLOPE_SQUARE =
  (1 - NEGATIVE_SLOPES - STEEP_SLOPES) * (0.25 ** 2 + 0.2 ** 2) +
  NEGATIVE_SLOPES * (0.8 ** 2 / 3) +
  STEEP_SLOPES * (1 + 0.5 + 0.25 / 3);

export class SynthBuilder {
  readonly nodes: SynthNode[] = [];
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** The graph's own (x - 127.5) * 0.0078125. */
  normalizeInput(from: string): Value {
    this.nodes.push({ op: 'minus_scalar', name: '_minusscalar0', input: from, value: 127.5 });
    const name = '_mulscalar0';
    this.nodes.push({ op: 'mul_scalar', name, input: '_minusscalar0', value: 0.0078125 });
    return { name, channels: 3, power: INPUT_POWER };
  }

  pass(op: 'identity' | 'dropout', name: string, from: Value): Value {
    this.nodes.push({ op, name, input: from.name });
    return { ...from, name };
  }

  conv(name: string, from: Value, spec: ConvSpec): Value {
    const perGroup = spec.depthwise ? 1 : from.channels;
    const shape = [spec.channels, perGroup, spec.kernel, spec.kernel];
    const deviation = 1 / Math.sqrt(perGroup * spec.kernel * spec.kernel);
    this.nodes.push({
      op: 'conv',
      name,
      input: from.name,
      weight: this.tensor(`${name}_weight`, shape, (s) => s.normal() * deviation),
      stride: both(spec.stride),
      pad: both(spec.pad),
      group: spec.depthwise ? from.channels : 1,
    });
    return { name, channels: spec.channels, power: from.power };
  }

  batchNorm(name: string, from: Value, spec: NormSpec): Value {
    const { eps, power = 1, fixGamma = false } = spec;
    const vector = (role: string, value: (s: Stream) => number): SynthTensor =>
      this.tensor(`${name}_${role}`, [from.channels], value);
    const spread = Math.sqrt(from.power);
    const normalized = (1 + MEAN_DEVIATION ** 2) * INVERSE_VARIANCE * GAMMA_SQUARE;
    const gain = Math.sqrt(power / normalized);
    this.nodes.push({
      op: 'batchnorm',
      name,
      input: from.name,
      gamma: vector('gamma', (s) => gammaOf(s) * gain),
      beta: vector('beta', (s) => s.normal() * BETA_DEVIATION * Math.sqrt(power)),
      mean: vector('moving_mean', (s) => s.normal() * MEAN_DEVIATION * spread),
      variance: vector('moving_var', (s) => (0.7 + 0.6 * s.uniform()) * from.power),
      eps,
      fixGamma,
    });
    return { name, channels: from.channels, power: power * (1 + BETA_DEVIATION ** 2) };
  }

  prelu(name: string, from: Value): Value {
    const slope = this.tensor(`${name}_gamma`, [from.channels], slopeOf);
    this.nodes.push({ op: 'prelu', name, input: from.name, slope });
    return { ...from, name, power: (from.power * (1 + SLOPE_SQUARE)) / 2 };
  }

  add(name: string, a: Value, b: Value): Value {
    this.nodes.push({ op: 'add', name, inputs: [a.name, b.name] });
    return { name, channels: a.channels, power: a.power + b.power };
  }

  fc(name: string, from: Value, inputFeatures: number, features: number): Value {
    const deviation = 1 / Math.sqrt(inputFeatures);
    this.nodes.push({
      op: 'fc',
      name,
      input: from.name,
      weight: this.tensor(
        `${name}_weight`,
        [features, inputFeatures],
        (s) => s.normal() * deviation,
      ),
      bias: this.tensor(`${name}_bias`, [features], (s) => s.normal() * BETA_DEVIATION),
    });
    return { name, channels: features, power: from.power };
  }

  private tensor(name: string, shape: number[], value: (s: Stream) => number): SynthTensor {
    const { seed } = this;
    const count = shape.reduce((product, dim) => product * dim, 1);
    const read = (): Float32Array => {
      const stream = streamOf(seed, name);
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) values[i] = value(stream);
      return values;
    };
    return { shape, read };
  }
}

function both(n: number): SynthPair {
  return [n, n];
}

function gammaOf(stream: Stream): number {
  const kind = stream.uniform();
  const value = 1 + 0.2 * stream.normal();
  if (kind < NEGATIVE_GAMMAS) return -value;
  if (kind < NEGATIVE_GAMMAS + TINY_GAMMAS) return value * 1e-6;
  return value;
}

function slopeOf(stream: Stream): number {
  const kind = stream.uniform();
  if (kind < NEGATIVE_SLOPES) return -0.8 * stream.uniform();
  if (kind < NEGATIVE_SLOPES + STEEP_SLOPES) return 1 + 0.5 * stream.uniform();
  return 0.25 + 0.2 * stream.normal();
}
