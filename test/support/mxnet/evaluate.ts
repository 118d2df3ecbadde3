/**
 * What a symbol computes, by MXNet's own definitions, in float64 and on arrays of [1, C, H, W]: an
 * evaluator that shares nothing with the importer. Parameters are made while it runs, from a seed: weights
 * by their fan-in, running statistics near those of the value they see, all of them f32.
 *
 * Source: apache/mxnet src/operator/ (definitions and defaults).
 */

import { mulberry32, type Random } from '../graphs.ts';

export interface MxnetArray {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

export interface JsonSymbol {
  readonly nodes: readonly JsonNode[];
  readonly heads: readonly (readonly number[])[];
}

export interface JsonNode {
  readonly op: string;
  readonly name: string;
  readonly attrs?: Readonly<Record<string, string>>;
  readonly inputs: readonly (readonly number[])[];
}

export interface SymbolRun {
  /** By node name. */
  readonly values: ReadonlyMap<string, MxnetArray>;
  /** 'arg:' and 'aux:' names. */
  readonly params: Record<string, { shape: number[]; values: number[] }>;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export function runSymbol(symbol: JsonSymbol, input: MxnetArray, seed: number): SymbolRun {
  const run = new Run(symbol, input, seed);
  symbol.nodes.forEach((node, id) => {
    run.node(node, id);
  });
  return run;
}

class Run implements SymbolRun {
  readonly values = new Map<string, MxnetArray>();
  readonly params: SymbolRun['params'] = {};
  private readonly symbol: JsonSymbol;
  private readonly random: Random;
  private readonly byId: (MxnetArray | undefined)[] = [];

  constructor(symbol: JsonSymbol, input: MxnetArray, seed: number) {
    this.symbol = symbol;
    this.random = mulberry32(seed);
    const data = symbol.nodes.findIndex(({ name }) => name === 'data');
    this.byId[data] = input;
  }

  node(node: JsonNode, id: number): void {
    if (node.op === 'null') return;
    const value = this.compute(node, node.attrs ?? {});
    this.byId[id] = value;
    this.values.set(node.name, value);
  }

  private in(node: JsonNode, index: number): MxnetArray {
    return this.byId[node.inputs[index]?.[0] as number] as MxnetArray;
  }

  private compute(node: JsonNode, attrs: Readonly<Record<string, string>>): MxnetArray {
    const x = this.in(node, 0);
    const scalar = Number(attrs.scalar);
    switch (node.op) {
      case '_copy':
      case 'Dropout':
        return x;
      case '_minus_scalar':
        return map(x, (v) => v - scalar);
      case '_mul_scalar':
        return map(x, (v) => v * scalar);
      case 'Activation':
        return map(x, attrs.act_type === 'relu' ? (v) => Math.max(v, 0) : logistic);
      case 'sigmoid':
        return map(x, logistic);
      case 'sqrt':
        return map(x, Math.sqrt);
      case 'Flatten':
        return { shape: [1, x.values.length], values: x.values };
      case 'elemwise_add':
        return broadcast(x, this.in(node, 1), (a, b) => a + b);
      case 'elemwise_mul':
      case 'broadcast_mul':
        return broadcast(x, this.in(node, 1), (a, b) => a * b);
      case 'broadcast_div':
        return broadcast(x, this.in(node, 1), (a, b) => a / b);
      case 'tile':
        return tile(x, tupleOf(attrs.reps));
      case 'sum':
        return sumOverChannels(x);
      case 'mean':
        return { shape: [1], values: Float64Array.of(sum(x.values) / x.values.length) };
      case 'L2Normalization':
        return map(x, (v) => v / Math.sqrt(sum(x.values.map((w) => w * w)) + Number(attrs.eps)));
      case 'Pooling':
        return pool(x, attrs);
      case 'BatchNorm':
        return this.batchNorm(node, attrs, x);
      case 'LeakyReLU':
        return this.prelu(node, x);
      case 'Convolution':
        return this.convolution(node, attrs, x);
      case 'FullyConnected':
        return this.fullyConnected(node, attrs, x);
      default:
        throw new Error(`no definition of ${node.op}`);
    }
  }

  /** The parameter behind input `index`, made up and kept. */
  private parameter(
    node: JsonNode,
    index: number,
    shape: number[],
    value: (i: number) => number,
    kind: 'arg' | 'aux' = 'arg',
  ): number[] {
    const [variable = 0] = node.inputs[index] ?? [];
    const { name } = this.symbol.nodes[variable] as JsonNode;
    const values = Array.from({ length: sizeOf(shape) }, (_, i) => Math.fround(value(i)));
    this.params[`${kind}:${name}`] = { shape, values };
    return values;
  }

  private uniform(low: number, high: number): () => number {
    return () => low + (high - low) * this.random();
  }

  private batchNorm(
    node: JsonNode,
    attrs: Readonly<Record<string, string>>,
    x: MxnetArray,
  ): MxnetArray {
    const [, channels = 1, ...sides] = x.shape;
    const pixels = sizeOf(sides);
    const plane = (c: number): Float64Array => x.values.subarray(c * pixels, (c + 1) * pixels);
    const means = Array.from({ length: channels }, (_, c) => sum(plane(c)) / pixels);
    const spread = (c: number): number =>
      sum(plane(c).map((v) => (v - (means[c] as number)) ** 2)) / pixels;
    const gamma = this.parameter(node, 1, [channels], this.uniform(0.5, 1.5));
    const beta = this.parameter(node, 2, [channels], this.uniform(-0.5, 0.5));
    const mean = this.parameter(node, 3, [channels], (c) => means[c] as number, 'aux');
    const jitter = this.uniform(0.5, 2);
    const variance = this.parameter(node, 4, [channels], (c) => spread(c) * jitter() + 0.1, 'aux');
    const eps = Number(attrs.eps ?? '1e-3');
    const fixed = (attrs.fix_gamma ?? 'True') === 'True';
    return map(x, (v, i) => {
      const c = Math.floor(i / pixels);
      const unit = (v - (mean[c] as number)) / Math.sqrt((variance[c] as number) + eps);
      return unit * (fixed ? 1 : (gamma[c] as number)) + (beta[c] as number);
    });
  }

  /** Gluon's PReLU has one slope for all channels: its variable says so in its shape. */
  private prelu(node: JsonNode, x: MxnetArray): MxnetArray {
    const [, channels = 1, ...sides] = x.shape;
    const variable = this.symbol.nodes[node.inputs[1]?.[0] as number];
    const shared = variable?.attrs?.__shape__ === '(1,)';
    const slopes = this.parameter(node, 1, [shared ? 1 : channels], this.uniform(-0.5, 1.5));
    const slope = (i: number): number =>
      slopes[shared ? 0 : Math.floor(i / sizeOf(sides))] as number;
    return map(x, (v, i) => (v > 0 ? v : v * slope(i)));
  }

  private convolution(
    node: JsonNode,
    attrs: Readonly<Record<string, string>>,
    x: MxnetArray,
  ): MxnetArray {
    const [, channels = 1, height = 1, width = 1] = x.shape;
    const [kh = 1, kw = 1] = tupleOf(attrs.kernel);
    const [sh = 1, sw = 1] = tupleOf(attrs.stride ?? '(1, 1)');
    const [ph = 0, pw = 0] = tupleOf(attrs.pad ?? '(0, 0)');
    const [filters, groups] = [Number(attrs.num_filter), Number(attrs.num_group ?? 1)];
    const perGroup = channels / groups;
    const shape = [filters, perGroup, kh, kw];
    const bound = Math.sqrt(3 / (perGroup * kh * kw));
    const weight = this.parameter(node, 1, shape, this.uniform(-bound, bound));
    const bias =
      attrs.no_bias === 'True' ? [] : this.parameter(node, 2, [filters], this.uniform(-0.2, 0.2));
    const oh = Math.floor((height + 2 * ph - kh) / sh) + 1;
    const ow = Math.floor((width + 2 * pw - kw) / sw) + 1;
    const values = new Float64Array(filters * oh * ow);
    for (let o = 0; o < filters; o++) {
      const first = Math.floor((o * groups) / filters) * perGroup;
      for (let i = 0; i < perGroup; i++) {
        const plane = (first + i) * height * width;
        for (let ky = 0; ky < kh; ky++) {
          for (let kx = 0; kx < kw; kx++) {
            const w = weight[((o * perGroup + i) * kh + ky) * kw + kx] as number;
            for (let y = 0; y < oh; y++) {
              const row = y * sh + ky - ph;
              if (row < 0 || row >= height) continue;
              for (let z = 0; z < ow; z++) {
                const column = z * sw + kx - pw;
                if (column < 0 || column >= width) continue;
                const to = (o * oh + y) * ow + z;
                const from = plane + row * width + column;
                values[to] = (values[to] as number) + w * (x.values[from] as number);
              }
            }
          }
        }
      }
    }
    const pixels = oh * ow;
    return map(
      { shape: [1, filters, oh, ow], values },
      (v, i) => v + (bias[Math.floor(i / pixels)] ?? 0),
    );
  }

  private fullyConnected(
    node: JsonNode,
    attrs: Readonly<Record<string, string>>,
    x: MxnetArray,
  ): MxnetArray {
    const [units, features] = [Number(attrs.num_hidden), x.values.length];
    const bound = Math.sqrt(3 / features);
    const weight = this.parameter(node, 1, [units, features], this.uniform(-bound, bound));
    const bias = this.parameter(node, 2, [units], this.uniform(-0.2, 0.2));
    const values = Float64Array.from({ length: units }, (_, o) =>
      x.values.reduce(
        (total, v, k) => total + v * (weight[o * features + k] as number),
        bias[o] as number,
      ),
    );
    return { shape: [1, units], values };
  }
}

function logistic(v: number): number {
  return 1 / (1 + Math.exp(-v));
}

function map(x: MxnetArray, f: (value: number, at: number) => number): MxnetArray {
  return { shape: x.shape, values: x.values.map(f) };
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function tupleOf(text: string | undefined): number[] {
  return (text ?? '')
    .replace(/[()\s]/g, '')
    .split(',')
    .filter(Boolean)
    .map(Number);
}

/** Aligned at the end; one of the two has the shape of the result. */
function broadcast(a: MxnetArray, b: MxnetArray, f: (x: number, y: number) => number): MxnetArray {
  const large = a.values.length >= b.values.length ? a : b;
  const place = (one: MxnetArray, at: number): number => {
    let [rest, place, step] = [at, 0, 1];
    for (let axis = 1; axis <= large.shape.length; axis++) {
      const size = large.shape.at(-axis) as number;
      const own = one.shape.at(-axis) ?? 1;
      if (own > 1) place += (rest % size) * step;
      step *= own;
      rest = Math.floor(rest / size);
    }
    return place;
  };
  const values = large.values.map((_, at) =>
    f(a.values[place(a, at)] as number, b.values[place(b, at)] as number),
  );
  return { shape: large.shape, values };
}

/** [1, 1, H, W] repeated along its channels. */
function tile(x: MxnetArray, reps: readonly number[]): MxnetArray {
  const channels = reps[1] as number;
  const pixels = x.values.length;
  const values = Float64Array.from(
    { length: channels * pixels },
    (_, i) => x.values[i % pixels] as number,
  );
  return { shape: [1, channels, ...x.shape.slice(2)], values };
}

function sumOverChannels(x: MxnetArray): MxnetArray {
  const [, channels = 1, ...sides] = x.shape;
  const pixels = sizeOf(sides);
  const values = Float64Array.from({ length: pixels }, (_, p) =>
    Array.from({ length: channels }, (_, c) => x.values[c * pixels + p] as number).reduce(
      (s, v) => s + v,
      0,
    ),
  );
  return { shape: [1, 1, ...sides], values };
}

/** Global average, or one pixel of every window. */
function pool(x: MxnetArray, attrs: Readonly<Record<string, string>>): MxnetArray {
  const [, channels = 1, height = 1, width = 1] = x.shape;
  const pixels = height * width;
  if (attrs.global_pool === 'True' && attrs.pool_type === 'avg') {
    const means = Float64Array.from(
      { length: channels },
      (_, c) => sum(x.values.subarray(c * pixels, (c + 1) * pixels)) / pixels,
    );
    return { shape: [1, channels, 1, 1], values: means };
  }
  if (attrs.kernel !== '(1, 1)') throw new Error(`no definition of pooling over ${attrs.kernel}`);
  const [sh = 1, sw = 1] = tupleOf(attrs.stride);
  const [oh, ow] = [Math.ceil(height / sh), Math.ceil(width / sw)];
  const values = Float64Array.from({ length: channels * oh * ow }, (_, i) => {
    const [c, p] = [Math.floor(i / (oh * ow)), i % (oh * ow)];
    return x.values[(c * height + Math.floor(p / ow) * sh) * width + (p % ow) * sw] as number;
  });
  return { shape: [1, channels, oh, ow], values };
}
