/**
 * Constants of IR files and what is computed from them: dequantised weights, shapes. Small ones are
 * computed at once; large ones when they are read, in float64, rounded to f32 once. Functions throw
 * `ConstantFault`, whose place the caller knows; towers of computations and products of shapes that
 * would grow beyond their operands are refused.
 */

import type { Tensor } from '../../graph/graph.ts';
import { elementsOf, sizeOf } from '../../graph/limits.ts';
import { exactValues } from '../broadcast.ts';
import { type ElementType, integerRange } from '../element-types.ts';
import { stridesWithin, walk } from './strides.ts';
import type { Constant } from './values.ts';

/** Expected and got, of a message that names the layer. */
export class ConstantFault extends Error {
  readonly expected: string;
  readonly got: string;

  constructor(expected: string, got: string) {
    super(`expected ${expected}, got ${got}`);
    this.expected = expected;
    this.got = got;
  }
}

/** Largest constant that is held in memory: shapes, scales, slopes. */
export const MAX_SMALL = 65_536;
/**
 * Values that may be decoded for one value of a constant: those of the weight itself, of zero point, scale
 * and a transposition, and some to spare.
 */
const MAX_WORK = 12;

type Dims = readonly number[];

export function constantOf(tensor: Tensor, type: ElementType): Constant {
  return { kind: 'constant', type, tensor, work: sizeOf(tensor.shape) };
}

export function smallConstant(dims: Dims, values: ArrayLike<number>, type: ElementType): Constant {
  const held = Float64Array.from(values);
  const tensor = {
    shape: [...dims],
    read: () => Float32Array.from(held),
    readExact: () => held.slice(),
  };
  return { ...constantOf(tensor, type), held: true };
}

/** All values in float64; refuses large constants, which are weights. */
export function smallValues({ tensor }: Constant): Float64Array {
  const count = elementsOf(tensor.shape) ?? Number.POSITIVE_INFINITY;
  if (count > MAX_SMALL) throw new ConstantFault(`at most ${MAX_SMALL} values`, `${count}`);
  return exactValues(tensor);
}

export function reshaped(constant: Constant, dims: Dims): Constant {
  const { tensor } = constant;
  if (elementsOf(dims) !== sizeOf(tensor.shape)) {
    throw new ConstantFault(`a shape of ${sizeOf(tensor.shape)} values`, `[${dims}]`);
  }
  return { ...constant, tensor: { ...tensor, shape: [...dims] } };
}

export function transposed(constant: Constant, order: readonly number[]): Constant {
  const before = constant.tensor.shape;
  const isOrder = order.length === before.length && before.every((_, axis) => order.includes(axis));
  if (!isOrder) throw new ConstantFault(`an order of ${before.length} axes`, `${order}`);
  const dims = order.map((axis) => before[axis] as number);
  const strides = order.map((axis) => sizeOf(before.slice(axis + 1)));
  return derived(constant, constant.type, dims, (values) => {
    const result = new Float64Array(values.length);
    walk(dims, [strides], ({ at, length, places: [from = 0], steps: [step = 0] }) => {
      for (let i = 0; i < length; i++) result[at + i] = values[from + i * step] as number;
    });
    return result;
  });
}

/** A conversion: integers are cut off towards zero, floats stay as they are. */
export function converted(constant: Constant, type: ElementType): Constant {
  if (type === 'bool' && constant.type !== 'bool') throw new ConstantFault('numbers', 'boolean');
  const range = integerRange(type);
  const from = integerRange(constant.type);
  const holdsAll = !range || (from && from[0] >= range[0] && from[1] <= range[1]);
  if (holdsAll) return { ...constant, type };
  const values = smallValues(constant).map(Math.trunc);
  const odd = values.find((value) => !(value >= range[0] && value <= range[1]));
  if (odd !== undefined) throw new ConstantFault(`values of ${type}`, `${odd}`);
  return smallConstant(constant.tensor.shape, values, type);
}

export type Binary = 'Add' | 'Subtract' | 'Multiply' | 'Divide';

const COMPUTE: Readonly<Record<Binary, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Subtract: (a, b) => a - b,
  Multiply: (a, b) => a * b,
  Divide: (a, b) => a / b,
};

/** Element by element under numpy's broadcasting; the result is as large as the larger operand. */
export function combined(operator: Binary, a: Constant, b: Constant): Constant {
  const dims = broadcastOf(a.tensor.shape, b.tensor.shape);
  const whole = integerRange(a.type) !== undefined;
  const compute = COMPUTE[operator];
  const f = whole ? (x: number, y: number) => Math.floor(compute(x, y)) : compute;
  const bySize = sizeOf(a.tensor.shape) >= sizeOf(b.tensor.shape);
  const [large, other] = bySize ? [a, b] : [b, a];
  const small = smallValuesOrLazy(other);
  const strides = [a, b].map(({ tensor }) => stridesWithin(tensor.shape, dims));
  const work = a.work + b.work;
  return derived({ ...large, work }, a.type, dims, (values) => {
    const [x, y] = bySize ? [values, small()] : [small(), values];
    const result = new Float64Array(values.length);
    walk(dims, strides, ({ at, length, places: [p = 0, q = 0], steps: [s = 0, t = 0] }) => {
      for (let i = 0; i < length; i++) {
        result[at + i] = f(x[p + i * s] as number, y[q + i * t] as number);
      }
    });
    return result;
  });
}

/** Element by element with several constants that broadcast to the first, as FakeQuantize does. */
export function mapped(
  constant: Constant,
  others: readonly Constant[],
  f: (x: number, others: Float64Array) => number,
): Constant {
  const { shape } = constant.tensor;
  for (const { tensor } of others) {
    if (broadcastOf(shape, tensor.shape).join() === shape.join()) continue;
    throw new ConstantFault(`a constant that broadcasts to [${shape}]`, `[${tensor.shape}]`);
  }
  const held = others.map(smallValues);
  const strides = others.map(({ tensor }) => stridesWithin(tensor.shape, shape));
  return derived(constant, constant.type, shape, (values) => {
    const along = new Float64Array(held.length);
    walk(shape, strides, ({ at, length, places, steps }) => {
      for (let i = 0; i < length; i++) {
        for (const [k, one] of held.entries()) {
          along[k] = one[(places[k] as number) + i * (steps[k] as number)] as number;
        }
        values[at + i] = f(values[at + i] as number, along);
      }
    });
    return values;
  });
}

/** `fill` may change and return the values it is given. */
function derived(
  from: Constant,
  type: ElementType,
  dims: Dims,
  fill: (values: Float64Array) => Float64Array,
): Constant {
  const count = sizeOf(dims);
  const work = from.work + count;
  const most = MAX_WORK * count;
  if (work > most)
    throw new ConstantFault(`a constant of at most ${most} values to read`, `${work}`);
  const readExact = (): Float64Array => fill(exactValues(from.tensor));
  if (count <= MAX_SMALL) return smallConstant(dims, readExact(), type);
  const tensor = { shape: [...dims], readExact, read: () => Float32Array.from(readExact()) };
  return { kind: 'constant', type, tensor, work };
}

function smallValuesOrLazy({ tensor }: Constant): () => Float64Array {
  if (sizeOf(tensor.shape) > MAX_SMALL) return () => exactValues(tensor);
  const values = exactValues(tensor);
  return () => values;
}

/** Refuses what would have more values than the larger operand. */
function broadcastOf(a: Dims, b: Dims): number[] {
  const rank = Math.max(a.length, b.length);
  const at = (dims: Dims, axis: number): number => dims[axis - rank + dims.length] ?? 1;
  const dims = Array.from({ length: rank }, (_, axis) => Math.max(at(a, axis), at(b, axis)));
  const fits = [a, b].every((one) =>
    dims.every((n, axis) => at(one, axis) === n || at(one, axis) === 1),
  );
  const grows = sizeOf(dims) > Math.max(sizeOf(a), sizeOf(b));
  if (!fits || grows) {
    throw new ConstantFault('constants one of which has the shape of the result', `[${a}], [${b}]`);
  }
  return dims;
}
