/**
 * Constants taken apart, put together and measured: the chains of Shape, Gather, Slice, Concat and the
 * like by which exporters find the dimensions of a Reshape. Results have at most 65,536 values where
 * they are not the same values in another order.
 */

import { elementsOf, expect, sizeOf } from '../../../graph/limits.ts';
import { attribute, intAttribute, intsAttribute } from '../attributes.ts';
import {
  type Constant,
  constantOfInts,
  constantOfNumbers,
  constantOfTensor,
  intsOf,
  MAX_CONSTANT_VALUES,
  numbersOf,
  reshaped,
  scalarOf,
} from '../constant.ts';
import { broadcastDims, permuted, repeated } from '../constant-views.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import { type ConstantOperator, constantInput } from './constant-math.ts';
import {
  axisOf,
  flattened,
  orderOfAxes,
  reducedAxes,
  resolvedDims,
  slicesOf,
  squeezed,
  statedAxes,
  unsqueezed,
  withoutAxes,
} from './dims.ts';

const pass: ConstantOperator = (node, inputs) => ({
  ...constantInput(node, inputs, 0),
  name: outputOf(node),
});

function redimensioned(
  dimsOf: (node: OnnxNode, x: Constant, second: Constant | undefined) => readonly number[],
): ConstantOperator {
  return (node, inputs) => {
    const x = constantInput(node, inputs, 0);
    return { ...reshaped(x, dimsOf(node, x, inputs[1]), whereOf(node)), name: outputOf(node) };
  };
}

const reshape = redimensioned((node, x, shape) => {
  const target = shape ? intsOf(shape, whereOf(node)) : (intsAttribute(node, 'shape') ?? []);
  return resolvedDims(node, target, x.dims);
});

const transpose: ConstantOperator = (node, inputs) => {
  const x = constantInput(node, inputs, 0);
  return permuted(x, orderOfAxes(node, x.dims.length), whereOf(node), outputOf(node));
};

const expand: ConstantOperator = (node, inputs) => {
  const x = constantInput(node, inputs, 0);
  const target = intsOf(constantInput(node, inputs, 1), whereOf(node));
  const dims = broadcastDims([x.dims, target], whereOf(node));
  return repeated(x, dims, whereOf(node), outputOf(node));
};

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
  const size = x.dims[axis] as number;
  const parts = node.outputs.length;
  const even = Math.ceil(size / parts);
  const stated = inputs[1] ? intsOf(inputs[1], whereOf(node)) : intsAttribute(node, 'split');
  const sizes = stated ?? node.outputs.map((_, i) => Math.min(even, size - i * even));
  const sound = sizes.length === parts && sizes.every((n) => n >= 0);
  const covers = sound && sizes.reduce((sum, n) => sum + n, 0) === size;
  expect(covers, 'bad_model', whereOf(node), `${parts} parts of ${size}`, [...sizes]);
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

const constantOfShape: ConstantOperator = (node, inputs) => {
  const where = whereOf(node);
  const dims = intsOf(constantInput(node, inputs, 0), where);
  const sane = dims.every((n) => n >= 0) && (dims.includes(0) || elementsOf(dims) !== undefined);
  expect(sane, 'bad_model', where, 'dimensions', dims);
  const count = sizeOf(dims);
  const fits = count <= MAX_CONSTANT_VALUES;
  expect(fits, 'unsupported_operator', where, `at most ${MAX_CONSTANT_VALUES} values`, count);
  const { tensor } = node.attributes.get('value') ?? {};
  const stated = tensor && constantOfTensor(tensor);
  const value = stated ? scalarOf(stated, where) : 0;
  const values = new Float64Array(count).fill(value);
  return constantOfNumbers(outputOf(node), dims, values, stated?.dataType);
};

const range: ConstantOperator = (node, inputs) => {
  const where = whereOf(node);
  const [start, limit, step] = [0, 1, 2].map((i) =>
    scalarOf(constantInput(node, inputs, i), where),
  ) as [number, number, number];
  const count = Math.max(0, Math.ceil((limit - start) / step));
  const fits = count <= MAX_CONSTANT_VALUES;
  expect(fits, 'unsupported_operator', where, `at most ${MAX_CONSTANT_VALUES} values`, count);
  const values = Float64Array.from({ length: count }, (_, i) => start + i * step);
  return constantOfNumbers(outputOf(node), [count], values, inputs[0]?.dataType);
};

type Reduction = (values: readonly number[]) => number;

const sum: Reduction = (values) => values.reduce((a, b) => a + b, 0);
const sumOfSquares: Reduction = (values) => values.reduce((a, b) => a + b * b, 0);

const REDUCTIONS: Readonly<Record<string, Reduction>> = {
  ReduceL2: (values) => Math.sqrt(sumOfSquares(values)),
  ReduceMax: (values) => values.reduce((a, b) => Math.max(a, b)),
  ReduceMean: (values) => sum(values) / values.length,
  ReduceMin: (values) => values.reduce((a, b) => Math.min(a, b)),
  ReduceProd: (values) => values.reduce((a, b) => a * b, 1),
  ReduceSum: sum,
  ReduceSumSquare: sumOfSquares,
};

const reduce: ConstantOperator = (node, inputs) => {
  const x = constantInput(node, inputs, 0);
  const reduced = reducedAxes(node, x.dims.length, inputs[1]);
  const groups = new Map<number, number[]>();
  for (const [i, value] of numbersOf(x, whereOf(node)).entries()) {
    const at = placeWithout(i, x.dims, reduced);
    const group = groups.get(at);
    if (group) group.push(value);
    else groups.set(at, [value]);
  }
  const compute = REDUCTIONS[node.opType] as Reduction;
  const dims = withoutAxes(node, x.dims, reduced);
  const values = Float64Array.from({ length: groups.size }, (_, i) => compute(groups.get(i) ?? []));
  return constantOfNumbers(outputOf(node), dims, values, x.dataType);
};

/** Where element `i` of `dims` goes when some axes are left out. */
function placeWithout(i: number, dims: readonly number[], left: readonly number[]): number {
  let rest = i;
  let [at, step] = [0, 1];
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const size = dims[axis] as number;
    if (!left.includes(axis)) {
      at += (rest % size) * step;
      step *= size;
    }
    rest = Math.floor(rest / size);
  }
  return at;
}

/** `start` and `end` since opset 15. */
export function shapeOfDims(node: OnnxNode, dims: readonly number[]): Constant {
  const start = intAttribute(node, 'start', 0);
  const end = intAttribute(node, 'end', dims.length);
  return constantOfInts(outputOf(node), dims.slice(start, end));
}

const constant: ConstantOperator = (node) => {
  const name = outputOf(node);
  const { tensor } = node.attributes.get('value') ?? {};
  if (tensor) return constantOfTensor(tensor, name);
  const floats = attribute(node, 'value_floats', 'floats', []);
  if (floats) return constantOfNumbers(name, [floats.length], floats);
  const float = attribute(node, 'value_float', 'float', 0);
  if (float !== undefined) return constantOfNumbers(name, [], [float]);
  const integers = intsAttribute(node, 'value_ints') ?? attribute(node, 'value_int', 'int', 0);
  if (integers !== undefined) return constantOfInts(name, integers);
  throw unsupported(node, 'a dense number', [...node.attributes.keys()].join(', ') || 'nothing');
};

export const CONSTANT_SHAPES: readonly (readonly [string, ConstantOperator])[] = [
  ['Concat', concat],
  ['Constant', constant],
  ['ConstantOfShape', constantOfShape],
  ['Dropout', pass],
  ['Expand', expand],
  ['Flatten', redimensioned((node, x) => flattened(node, x.dims))],
  ['Gather', gather],
  ['Identity', pass],
  ['Range', range],
  ...Object.keys(REDUCTIONS).map((name) => [name, reduce] as const),
  ['Reshape', reshape],
  ['Shape', (node, inputs) => shapeOfDims(node, constantInput(node, inputs, 0).dims)],
  ['Size', (node, inputs) => constantOfInts(outputOf(node), constantInput(node, inputs, 0).count)],
  ['Slice', slice],
  ['Split', split],
  ['Squeeze', redimensioned((node, x, axes) => squeezed(node, x.dims, statedAxes(node, axes)))],
  ['Tile', tile],
  ['Transpose', transpose],
  [
    'Unsqueeze',
    redimensioned((node, x, axes) => unsqueezed(node, x.dims, statedAxes(node, axes) ?? [])),
  ],
];
