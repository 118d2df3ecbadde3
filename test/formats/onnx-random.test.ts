/**
 * Random graphs in both orders of axes, of whatever operators fit, against onnxruntime-web: what is read is
 * read rightly, in any company. A refusal is no fault, but there may be few. ONNX_GRAPHS asks for more of them.
 */

import { describe, expect, it } from 'vitest';
import { ArcfaceError } from '../../src/errors.ts';
import { mulberry32, type Random } from '../support/graphs.ts';
import { floats, ints, node } from '../support/onnx-files.ts';
import { type ModelNode, type ModelTensor, modelBytes } from '../support/onnx-model.ts';
import { expectNear, importedOutput, runtimeOutputs } from '../support/onnx-oracle.ts';

const GRAPHS = Number(process.env.ONNX_GRAPHS ?? 120);
const SEED = 20_260_804;
const DIMS = { planar: [1, 3, 9, 7], last: [1, 9, 7, 3] } as const;

/** A value of four dimensions: [1, C, H, W], or [1, H, W, C] where `last`. */
interface Picture {
  readonly name: string;
  readonly last: boolean;
  readonly c: number;
  readonly h: number;
  readonly w: number;
}

class RandomGraph {
  readonly nodes: ModelNode[] = [];
  readonly tensors: ModelTensor[] = [];
  private readonly random: Random;
  private readonly values: Picture[] = [];

  constructor(random: Random, last: boolean) {
    this.random = random;
    this.values.push({ name: 'x', last, c: 3, h: 9, w: 7 });
    const count = 3 + this.below(9);
    for (let i = 0; i < count; i++) this.step();
    this.end();
  }

  private below(n: number): number {
    return Math.floor(this.random() * n);
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  private op(opType: string, inputs: string[], attributes: ModelNode['attributes'] = {}): string {
    const name = `v${this.nodes.length}`;
    this.nodes.push({ ...node(opType, inputs, name), attributes });
    return name;
  }

  private constant(dims: number[], low = -1, high = 1): string {
    const name = `c${this.tensors.length}`;
    const count = dims.reduce((product, n) => product * n, 1);
    const values = Array.from({ length: count }, () => low + (high - low) * this.random());
    this.tensors.push(floats(name, dims, values));
    return name;
  }

  private integers(...values: number[]): string {
    const name = `c${this.tensors.length}`;
    this.tensors.push(ints(name, values));
    return name;
  }

  /** One value per channel under ONNX's broadcasting, in one of its shapes. */
  private perChannel({ c, last }: Picture, low?: number, high?: number): string {
    const shapes = last
      ? [[c], [1, c], [1, 1, 1, c]]
      : [
          [c, 1, 1],
          [1, c, 1, 1],
        ];
    return this.constant(this.pick([...shapes, []]), low, high);
  }

  private transposed(x: Picture): Picture {
    const perm = { perm: { ints: x.last ? [0, 3, 1, 2] : [0, 2, 3, 1] } };
    return { ...x, name: this.op('Transpose', [x.name], perm), last: !x.last };
  }

  private planar(x: Picture): Picture {
    return x.last ? this.transposed(x) : x;
  }

  private conv(from: Picture): Picture {
    const x = this.planar(from);
    const group = this.pick([1, 1, x.c]);
    const c = group === 1 ? 1 + this.below(6) : x.c;
    const side = this.pick([1, 3]);
    const stride = this.pick([1, 2]);
    const padded = side === 3 && this.random() < 0.5;
    const border =
      side === 3 && !padded
        ? this.op('Pad', [x.name, this.integers(0, 0, 1, 2, 0, 0, 1, 0)])
        : x.name;
    const pads = padded ? [1, 1, 1, 1] : [0, 0, 0, 0];
    const inputs = [border, this.constant([c, x.c / group, side, side])];
    if (this.random() < 0.5) inputs.push(this.constant([c]));
    const name = this.op('Conv', inputs, {
      strides: { ints: [stride, stride] },
      pads: { ints: pads },
      group: { int: group },
    });
    const extra = side === 3 ? 2 : 0;
    const size = (n: number): number => Math.floor((n + extra - side) / stride) + 1;
    return { ...x, name, c, h: size(x.h), w: size(x.w) };
  }

  private batchNorm(from: Picture): Picture {
    const x = this.planar(from);
    const parameters = [0, 0, 0].map(() => this.constant([x.c]));
    const name = this.op('BatchNormalization', [
      x.name,
      ...parameters,
      this.constant([x.c], 0.5, 2),
    ]);
    return { ...x, name };
  }

  private sampled(x: Picture): Picture {
    const stride = 1 + this.below(3);
    const size = (n: number): number => Math.ceil(n / stride);
    if (this.random() < 0.5 || x.last) {
      const axes = x.last ? [1, 2] : [2, 3];
      const ends = this.integers(99, 99);
      const steps = this.integers(stride, stride);
      const name = this.op('Slice', [
        x.name,
        this.integers(0, 0),
        ends,
        this.integers(...axes),
        steps,
      ]);
      return { ...x, name, h: size(x.h), w: size(x.w) };
    }
    const name = this.op('MaxPool', [x.name], {
      kernel_shape: { ints: [1, 1] },
      strides: { ints: [stride, stride] },
    });
    return { ...x, name, h: size(x.h), w: size(x.w) };
  }

  private rectified(x: Picture): Picture {
    const kind = this.below(5);
    if (kind === 0) return { ...x, name: this.op('PRelu', [x.name, this.perChannel(x)]) };
    if (kind === 1)
      return { ...x, name: this.op('LeakyRelu', [x.name], { alpha: { float: 0.3 } }) };
    if (kind === 2) {
      const zero = this.constant([], 0, 0);
      const scaled = this.op('Mul', [x.name, this.perChannel(x)]);
      return { ...x, name: this.op('Where', [this.op('Greater', [x.name, zero]), x.name, scaled]) };
    }
    const negative = this.op('Relu', [this.op('Neg', [x.name])]);
    const scaled = this.op('Mul', [negative, this.perChannel(x)]);
    const operator = kind === 3 ? 'Add' : 'Sub';
    return { ...x, name: this.op(operator, [this.op('Relu', [x.name]), scaled]) };
  }

  private gated(x: Picture): Picture {
    const axes = this.integers(...(x.last ? [1, 2] : [2, 3]));
    const keeps = this.random() < 0.5;
    let g = this.op('ReduceMean', [x.name, axes], { keepdims: { int: keeps ? 1 : 0 } });
    if (!keeps) {
      if (this.random() < 0.5) g = this.op('MatMul', [g, this.constant([x.c, x.c])]);
      g = this.op('Reshape', [g, this.integers(1, ...(x.last ? [1, 1, x.c] : [x.c, 1, 1]))]);
    }
    g = this.op('Sigmoid', [g]);
    if (this.random() < 0.3) g = this.op('Expand', [g, this.op('Shape', [x.name])]);
    return { ...x, name: this.op('Mul', this.random() < 0.5 ? [x.name, g] : [g, x.name]) };
  }

  private withOther(x: Picture): Picture {
    const alike = this.values.filter(({ c, h, w }) => c === x.c && h === x.h && w === x.w);
    const beside = this.values.filter(({ h, w }) => h === x.h && w === x.w);
    if (this.random() < 0.4) {
      const picked = this.pick(beside);
      const other = picked.last === x.last ? picked : this.transposed(picked);
      const axis = { axis: { int: x.last ? this.pick([3, -1]) : this.pick([1, -3]) } };
      return { ...x, name: this.op('Concat', [x.name, other.name], axis), c: x.c + other.c };
    }
    const picked = this.pick(alike);
    const other = picked.last === x.last ? picked : this.transposed(picked);
    return { ...x, name: this.op(this.pick(['Add', 'Add', 'Sub', 'Mul']), [x.name, other.name]) };
  }

  /** Flattened and back, by dimensions that come from a Shape. */
  private reshaped(x: Picture): Picture {
    const flat = this.op('Reshape', [x.name, this.integers(1, -1)]);
    const sizes = x.last ? [x.h, x.w, x.c] : [x.c, x.h, x.w];
    const batch = this.op('Shape', [flat], { start: { int: 0 }, end: { int: 1 } });
    const target = this.op('Concat', [batch, this.integers(...sizes)], { axis: { int: 0 } });
    return { ...x, name: this.op('Reshape', [flat, target]) };
  }

  private step(): void {
    const x = this.random() < 0.7 ? (this.values.at(-1) as Picture) : this.pick(this.values);
    const simple = (operator: string): Picture => ({ ...x, name: this.op(operator, [x.name]) });
    const constant = (operator: string): Picture => ({
      ...x,
      name: this.op(operator, [
        x.name,
        operator === 'Div' ? this.perChannel(x, 0.5, 2) : this.perChannel(x),
      ]),
    });
    const makers = [
      () => this.conv(x),
      () => this.conv(x),
      () => this.batchNorm(x),
      () => this.transposed(x),
      () => this.sampled(x),
      () => this.rectified(x),
      () => this.rectified(x),
      () => this.gated(x),
      () => this.withOther(x),
      () => this.withOther(x),
      () => this.reshaped(x),
      () => simple(this.pick(['Relu', 'Sigmoid', 'Abs', 'HardSwish', 'Identity'])),
      () => constant(this.pick(['Add', 'Sub', 'Mul', 'Div'])),
      () => ({
        ...x,
        name: this.op('Clip', [x.name, this.constant([], -0.5, -0.5), this.constant([], 0.5, 0.5)]),
      }),
    ];
    const made = this.pick(makers)();
    // Sizes stay what a test can afford.
    if (made.c <= 24 && made.h >= 1 && made.w >= 1) this.values.push(made);
  }

  private end(): void {
    const x = this.values.at(-1) as Picture;
    const count = x.c * x.h * x.w;
    let y =
      this.random() < 0.5
        ? this.op('Flatten', [x.name])
        : this.op('Reshape', [x.name, this.integers(1, -1)]);
    if (this.random() < 0.3) {
      const parameters = [0, 0, 0].map(() => this.constant([count]));
      y = this.op('BatchNormalization', [y, ...parameters, this.constant([count], 0.5, 2)]);
    }
    if (this.random() < 0.3) y = this.op('Mul', [y, this.constant([count])]);
    y = this.op('MatMul', [y, this.constant([count, 6])]);
    if (this.random() < 0.5) y = this.op('Add', [y, this.constant([6])]);
    if (this.random() < 0.5) {
      const sum = this.op('ReduceSum', [this.op('Mul', [y, y]), this.integers(-1)], {
        keepdims: { int: 1 },
      });
      this.op('Div', [y, this.op('Sqrt', [sum])]);
    }
  }
}

/** 'agrees', or the message of a refusal. */
async function outcome(seed: number): Promise<string> {
  const random = mulberry32(seed);
  const dims = random() < 0.5 ? DIMS.planar : DIMS.last;
  const { nodes, tensors } = new RandomGraph(random, dims === DIMS.last);
  const bytes = modelBytes({ nodes, tensors, input: { name: 'x', dims } });
  let got: Float64Array;
  try {
    got = importedOutput(bytes, { dims });
  } catch (error) {
    if (error instanceof ArcfaceError && error.code === 'unsupported_operator')
      return error.message;
    throw error;
  }
  const [expected] = (await runtimeOutputs(bytes, { dims })).values();
  // A vector of zeros has no direction: 0 / 0 there, 0 here.
  if (expected?.every(Number.isNaN)) expect([...got].every((value) => value === 0)).toBe(true);
  else expectNear(got, expected as Float32Array, 2e-5);
  return 'agrees';
}

describe('random ONNX graphs', () => {
  it('are computed as onnxruntime-web computes them, or refused', async () => {
    const refusals: string[] = [];
    for (let i = 0; i < GRAPHS; i++) {
      try {
        const result = await outcome(SEED + i);
        if (result !== 'agrees') refusals.push(result);
      } catch (cause) {
        throw new Error(`seed ${SEED + i}: ${(cause as Error).message}`, { cause });
      }
    }
    console.info(`random ONNX graphs: ${GRAPHS - refusals.length} of ${GRAPHS} read`);
    for (const message of new Set(refusals.map((text) => text.split(';')[0])))
      console.info(message);
    expect(refusals.length).toBeLessThan(GRAPHS / 10);
  });
});
