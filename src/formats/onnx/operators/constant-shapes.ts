/**
 * Constants made, measured, reshaped and reduced: with `constant-parts.ts` the chains by which exporters
 * find the dimensions of a Reshape. Results have at most 65,536 values where they are not the same values
 * in another order.
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
  flattened,
  orderOfAxes,
  reducedAxes,
  resolvedDims,
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
  ['Constant', constant],
  ['ConstantOfShape', constantOfShape],
  ['Dropout', pass],
  ['Expand', expand],
  ['Flatten', redimensioned((node, x) => flattened(node, x.dims))],
  ['Identity', pass],
  ['Range', range],
  ...Object.keys(REDUCTIONS).map((name) => [name, reduce] as const),
  ['Reshape', reshape],
  ['Shape', (node, inputs) => shapeOfDims(node, constantInput(node, inputs, 0).dims)],
  ['Size', (node, inputs) => constantOfInts(outputOf(node), constantInput(node, inputs, 0).count)],
  ['Squeeze', redimensioned((node, x, axes) => squeezed(node, x.dims, statedAxes(node, axes)))],
  ['Transpose', transpose],
  [
    'Unsqueeze',
    redimensioned((node, x, axes) => unsqueezed(node, x.dims, statedAxes(node, axes) ?? [])),
  ],
];
