/**
 * Constants while a graph is imported: initializers, Constant nodes and what is computed from them.
 * Large ones stay undecoded until `read`; views of views are bounded, so that a hostile file cannot
 * build towers of them.
 */

import { ArcfaceError } from '../../errors.ts';
import type { Tensor } from '../../graph/graph.ts';
import { expect, sizeOf } from '../../graph/limits.ts';
import { FLOAT, INT64 } from './data-types.ts';
import type { OnnxTensor } from './tensor.ts';

/** Largest constant that is computed with (shapes, scales, slopes); weights are larger. */
export const MAX_CONSTANT_VALUES = 65_536;
const MAX_VIEWS = 8;

type Values = Float32Array | Float64Array;

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
  /** The constant of which this is the 2-D transpose. */
  readonly transposeOf?: Constant;
}

export function constantOfTensor(tensor: OnnxTensor): Constant {
  const { name, dims, count, dataType } = tensor;
  return {
    name,
    dims,
    count,
    dataType,
    views: 0,
    decodeInto: (out) => tensor.decodeInto(out),
  };
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

/** All values in float64. Refuses more than 65,536: weights are read through `tensorOf`. */
export function numbersOf(constant: Constant, where: string): Float64Array {
  const expected = `constant ${JSON.stringify(constant.name)} to have at most ${MAX_CONSTANT_VALUES} values`;
  const fits = constant.count <= MAX_CONSTANT_VALUES;
  expect(fits, 'unsupported_operator', where, expected, constant.count);
  const values = new Float64Array(constant.count);
  constant.decodeInto(values);
  return values;
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
  const fits = !dims.includes(0) && sizeOf(dims) === constant.count;
  expect(fits, 'bad_model', where, `dimensions of ${constant.count} values`, [...dims]);
  const { transposeOf: _, ...rest } = constant;
  return { ...rest, dims: [...dims] };
}

export function recast(constant: Constant, dataType: number): Constant {
  const { transposeOf: _, ...rest } = constant;
  return { ...rest, dataType };
}

/** Swaps rows and columns; undoes itself. */
export function transposed2d(constant: Constant, where: string): Constant {
  if (constant.transposeOf) return constant.transposeOf;
  expect(constant.dims.length === 2, 'unsupported_operator', where, 'a matrix', [...constant.dims]);
  const [rows, columns] = constant.dims as [number, number];
  const swap = (out: Values, from: Values): void => {
    for (let c = 0; c < columns; c++) {
      for (let r = 0; r < rows; r++) out[c * rows + r] = from[r * columns + c] as number;
    }
  };
  const view = viewOf(constant, swap, where);
  return { ...view, dims: [columns, rows], transposeOf: constant };
}

/** Same dimensions, every value replaced: `value(x, index)`. The result is f32. */
export function mapped(
  constant: Constant,
  value: (x: number, index: number) => number,
  where: string,
): Constant {
  const apply = (out: Values, from: Values): void => {
    for (let i = 0; i < out.length; i++) out[i] = value(from[i] as number, i);
  };
  return { ...recast(viewOf(constant, apply, where), FLOAT) };
}

function viewOf(
  constant: Constant,
  fill: (out: Values, from: Values) => void,
  where: string,
): Constant {
  const views = constant.views + 1;
  const message = `a constant at most ${MAX_VIEWS} operators from its values`;
  expect(views <= MAX_VIEWS, 'unsupported_operator', where, message, views);
  const decodeInto = (out: Values): void => {
    const from =
      out instanceof Float64Array ? new Float64Array(out.length) : new Float32Array(out.length);
    constant.decodeInto(from);
    fill(out, from);
  };
  return { ...constant, views, decodeInto };
}

/** The only value of a constant that has one. */
export function scalarOf(constant: Constant, where: string): number {
  expect(constant.count === 1, 'unsupported_operator', where, 'a constant of one value', [
    ...constant.dims,
  ]);
  return numbersOf(constant, where)[0] as number;
}

/** Integers such as shapes, axes and pads. */
export function intsOf(constant: Constant, where: string): number[] {
  const values = [...numbersOf(constant, where)];
  if (values.every(Number.isInteger)) return values;
  const name = JSON.stringify(constant.name);
  throw new ArcfaceError(
    'bad_model',
    `${where}: expected integers in constant ${name}, got fractions`,
  );
}
