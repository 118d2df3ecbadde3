/**
 * Constants while a graph is imported: initializers, Constant nodes and what is computed from them.
 * Large ones stay undecoded until `read`; views of views are bounded, so that a hostile file cannot
 * build towers of them.
 */

import { ArcfaceError } from '../../errors.ts';
import type { Tensor } from '../../graph/graph.ts';
import { elementsOf, expect, sizeOf } from '../../graph/limits.ts';
import { FLOAT, INT64 } from './data-types.ts';
import type { OnnxTensor } from './tensor.ts';

/** Largest constant that is computed with (shapes, scales, slopes); weights are larger. */
export const MAX_CONSTANT_VALUES = 65_536;
/** Up to here a computed constant is computed at once; larger ones when they are read. */
const MAX_EAGER_VALUES = 4096;
const MAX_VIEWS = 12;

export type Values = Float32Array | Float64Array;

export interface Constant {
  readonly name: string;
  readonly dims: readonly number[];
  readonly count: number;
  /** TensorProto.DataType of its values. */
  readonly dataType: number;
  /** Fills `out`, which has `count` elements, row-major. */
  decodeInto(out: Values): void;
  /** Its values are held in memory rather than in the file. */
  readonly computed?: true;
  /** How many views lie between this and the file. */
  readonly views: number;
  /** The constant whose axes in this order are this one. */
  readonly permutationOf?: { readonly base: Constant; readonly order: readonly number[] };
}

export function constantOfTensor(tensor: OnnxTensor, name = tensor.name): Constant {
  const { dims, count, dataType } = tensor;
  const decodeInto = (out: Values): void => tensor.decodeInto(out);
  return { name, dims, count, dataType, views: 0, decodeInto };
}

export function constantOfNumbers(
  name: string,
  dims: readonly number[],
  values: ArrayLike<number>,
  dataType = FLOAT,
): Constant {
  const decodeInto = (out: Values): void => out.set(values);
  return { name, dims, count: values.length, dataType, computed: true, views: 0, decodeInto };
}

/** A rank-1 (or, from a number, rank-0) int64 constant. */
export function constantOfInts(name: string, values: readonly number[] | number): Constant {
  return typeof values === 'number'
    ? constantOfNumbers(name, [], [values], INT64)
    : constantOfNumbers(name, [values.length], values, INT64);
}

export interface Derivation {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** Fills `out` from the values of all inputs. */
  fill(out: Values, inputs: readonly Values[]): void;
}

/** A constant that is computed from others: at once if it is small, else whenever it is read. */
export function derived(
  inputs: readonly Constant[],
  { name, dims, dataType, fill }: Derivation,
  where: string,
): Constant {
  const count = dims.includes(0) ? 0 : elementsOf(dims);
  expect(count !== undefined, 'bad_model', where, 'a constant of a sane size', [...dims]);
  const decodeInto = (out: Values): void => {
    const empty = (n: number): Values =>
      out instanceof Float64Array ? new Float64Array(n) : new Float32Array(n);
    const values = inputs.map((input) => {
      const from = empty(input.count);
      input.decodeInto(from);
      return from;
    });
    fill(out, values);
  };
  if ([count, ...inputs.map((input) => input.count)].every((n) => n <= MAX_EAGER_VALUES)) {
    const values = new Float64Array(count);
    decodeInto(values);
    return constantOfNumbers(name, dims, values, dataType);
  }
  const views = 1 + Math.max(...inputs.map((input) => input.views));
  const message = `a constant at most ${MAX_VIEWS} operators from its values`;
  expect(views <= MAX_VIEWS, 'unsupported_operator', where, message, views);
  return { name, dims: [...dims], count, dataType, views, decodeInto };
}

/** All values in float64. Refuses more than 65,536: weights are read through `tensorOf`. */
export function numbersOf(constant: Constant, where: string): Float64Array {
  const expected = `constant ${JSON.stringify(constant.name)} to have at most ${MAX_CONSTANT_VALUES} values`;
  const fits = constant.count <= MAX_CONSTANT_VALUES;
  expect(fits, 'unsupported_operator', where, expected, constant.count);
  const values = new Float64Array(constant.count);
  constant.decodeInto(values);
  return values;
}

/** The only value of a constant that has one. */
export function scalarOf(constant: Constant, where: string): number {
  expect(constant.count === 1, 'unsupported_operator', where, 'a constant of one value', [
    ...constant.dims,
  ]);
  return numbersOf(constant, where)[0] as number;
}

/** Integers such as shapes, axes and pads, of which there are few. */
export function intsOf(constant: Constant, where: string): number[] {
  const few = constant.count <= MAX_EAGER_VALUES;
  expect(
    few,
    'unsupported_operator',
    where,
    `at most ${MAX_EAGER_VALUES} integers`,
    constant.count,
  );
  const values = [...numbersOf(constant, where)];
  if (values.every(Number.isInteger)) return values;
  const name = JSON.stringify(constant.name);
  throw new ArcfaceError(
    'bad_model',
    `${where}: expected integers in constant ${name}, got fractions`,
  );
}

/** The constant as a weight of the graph; `shape` has as many elements as it. */
export function tensorOf(constant: Constant, shape: readonly number[] = constant.dims): Tensor {
  return {
    shape: [...shape],
    read() {
      const values = new Float32Array(constant.count);
      constant.decodeInto(values);
      return values;
    },
  };
}

export function reshaped(constant: Constant, dims: readonly number[], where: string): Constant {
  const fits = sizeOf(dims) === constant.count;
  expect(fits, 'bad_model', where, `dimensions of ${constant.count} values`, [...dims]);
  const { permutationOf: _, ...rest } = constant;
  return { ...rest, dims: [...dims] };
}

export function recast(constant: Constant, dataType: number): Constant {
  const { permutationOf: _, ...rest } = constant;
  return { ...rest, dataType };
}
