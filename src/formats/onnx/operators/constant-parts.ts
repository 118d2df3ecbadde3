/**
 * Constants taken apart and put together: Gather, Slice, Split, Concat, Tile. Results have at most 65,536
 * values.
 */

import { elementsOf, expect, sizeOf } from '../../../graph/limits.ts';
import { intAttribute } from '../attributes.ts';
import {
  type Constant,
  constantOfNumbers,
  intsOf,
  MAX_CONSTANT_VALUES,
  numbersOf,
} from '../constant.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, whereOf } from '../refuse.ts';
import { type ConstantOperator, constantInput } from './constant-math.ts';
import { axisOf, slicesOf, splitSizes } from './dims.ts';

/** Values of `x` picked by their places, row-major in `dims`. */
function picked(
  node: OnnxNode,
  x: Constant,
  dims: readonly number[],
  place: (i: number) => number,
  name = outputOf(node),
): Constant {
  const where = whereOf(node);
  const count = sizeOf(dims);
  const fits = count <= MAX_CONSTANT_VALUES;
  expect(fits, 'unsupported_operator', where, `at most ${MAX_CONSTANT_VALUES} values`, count);
  const from = numbersOf(x, where);
  const values = Float64Array.from({ length: count }, (_, i) => from[place(i)] as number);
  return constantOfNumbers(name, dims, values, x.dataType);
}

const gather: ConstantOperator = (node, inputs) => {
  const x = constantInput(node, inputs, 0);
  const places = constantInput(node, inputs, 1);
  const axis = axisOf(node, intAttribute(node, 'axis', 0), x.dims.length);
  const size = x.dims[axis] as number;
  const taken = intsOf(places, whereOf(node)).map((i) => axisOf(node, i, size));
  const dims = [...x.dims.slice(0, axis), ...places.dims, ...x.dims.slice(axis + 1)];
  const inner = sizeOf(x.dims.slice(axis + 1));
  return picked(node, x, dims, (i) => {
    const row = Math.floor(i / inner);
    const outer = Math.floor(row / taken.length);
    return (outer * size + (taken[row % taken.length] as number)) * inner + (i % inner);
  });
};

const slice: ConstantOperator = (node, inputs) => {
  const x = constantInput(node, inputs, 0);
  return slicesOf(node, x.dims, inputs).reduce(
    (part, { axis, start, end, step }) =>
      strided(node, part, axis, start, Math.max(0, Math.ceil((end - start) / step)), step),
    x,
  );
};

/** `count` entries of an axis from `start` on. */
function strided(
  node: OnnxNode,
  x: Constant,
  axis: number,
  start: number,
  count: number,
  step = 1,
  name = outputOf(node),
): Constant {
  const size = x.dims[axis] as number;
  const dims = x.dims.map((n, i) => (i === axis ? count : n));
  const inner = sizeOf(x.dims.slice(axis + 1));
  const place = (i: number): number => {
    const row = Math.floor(i / inner);
    const entry = start + (row % count) * step;
    return (Math.floor(row / count) * size + entry) * inner + (i % inner);
  };
  return picked(node, x, dims, place, name);
}

const split: ConstantOperator = (node, inputs) => {
  const x = constantInput(node, inputs, 0);
  const axis = axisOf(node, intAttribute(node, 'axis', 0), x.dims.length);
  const sizes = splitSizes(node, x.dims[axis] as number, inputs[1]);
  let start = 0;
  return sizes.map((count, i) => {
    const part = strided(node, x, axis, start, count, 1, node.outputs[i]);
    start += count;
    return part;
  });
};

const concat: ConstantOperator = (node, inputs) => {
  const where = whereOf(node);
  const parts = inputs.map((_, i) => constantInput(node, inputs, i));
  const [first] = parts;
  expect(first !== undefined, 'bad_model', where, 'at least 1 input', 0);
  const axis = axisOf(node, intAttribute(node, 'axis', 0), first.dims.length);
  const fits = parts.every(
    ({ dims }) =>
      dims.length === first.dims.length && dims.every((n, i) => i === axis || n === first.dims[i]),
  );
  const shown = parts.map(({ dims }) => `[${dims}]`).join(' and ');
  expect(fits, 'bad_model', where, `constants that differ on axis ${axis} alone`, shown);
  const total = parts.reduce((sum, part) => sum + part.count, 0);
  const small = total <= MAX_CONSTANT_VALUES;
  expect(small, 'unsupported_operator', where, `at most ${MAX_CONSTANT_VALUES} values`, total);
  const outer = sizeOf(first.dims.slice(0, axis));
  const rows = parts.map((part) => ({
    values: numbersOf(part, where),
    length: part.count / outer,
  }));
  const joined = Array.from({ length: outer }, (_, row) =>
    rows.map(({ values, length }) => [...values.subarray(row * length, (row + 1) * length)]),
  );
  const size = parts.reduce((sum, { dims }) => sum + (dims[axis] as number), 0);
  const dims = first.dims.map((n, i) => (i === axis ? size : n));
  return constantOfNumbers(outputOf(node), dims, joined.flat(2), first.dataType);
};

const tile: ConstantOperator = (node, inputs) => {
  const x = constantInput(node, inputs, 0);
  const repeats = intsOf(constantInput(node, inputs, 1), whereOf(node));
  const sound = repeats.length === x.dims.length && repeats.every((n) => n >= 1);
  expect(sound, 'bad_model', whereOf(node), `${x.dims.length} positive repeats`, repeats);
  const dims = x.dims.map((n, axis) => n * (repeats[axis] as number));
  expect(elementsOf(dims) !== undefined, 'bad_model', whereOf(node), 'a sane size', dims);
  return picked(node, x, dims, (i) => {
    let rest = i;
    let [at, step] = [0, 1];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const size = x.dims[axis] as number;
      at += (rest % size) * step;
      rest = Math.floor(rest / (dims[axis] as number));
      step *= size;
    }
    return at;
  });
};

export const CONSTANT_PARTS: readonly (readonly [string, ConstantOperator])[] = [
  ['Concat', concat],
  ['Gather', gather],
  ['Slice', slice],
  ['Split', split],
  ['Tile', tile],
];
