/**
 * Arithmetic of constants: what exporters leave of shapes that they compute, of batch norms that they
 * take apart, of weights that they scale. All of it with ONNX's broadcasting; integers stay integers.
 */

import { expect } from '../../../graph/limits.ts';
import { floatAttribute, intAttribute } from '../attributes.ts';
import {
  type Constant,
  constantOfNumbers,
  derived,
  numbersOf,
  recast,
  scalarOf,
} from '../constant.ts';
import { broadcastDims, combined, mapped, repeated } from '../constant-views.ts';
import { BOOL, integerRange, isFloatType, typeName } from '../data-types.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, whereOf } from '../refuse.ts';

/** What a node computes when all of its inputs are constant; absent optional inputs are undefined. */
export type ConstantOperator = (
  node: OnnxNode,
  inputs: readonly (Constant | undefined)[],
) => Constant | readonly Constant[];

export function constantInput(
  node: OnnxNode,
  inputs: readonly (Constant | undefined)[],
  index: number,
): Constant {
  const constant = inputs[index];
  expect(constant !== undefined, 'bad_model', whereOf(node), `input ${index}`, undefined);
  return constant;
}

type Unary = (x: number) => number;
type Binary = (a: number, b: number) => number;

const UNARY: Readonly<Record<string, Unary>> = {
  Abs: Math.abs,
  Ceil: Math.ceil,
  Exp: Math.exp,
  Floor: Math.floor,
  Log: Math.log,
  Neg: (x) => -x,
  Reciprocal: (x) => 1 / x,
  Relu: (x) => Math.max(x, 0),
  Round: roundHalfEven,
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Sign: Math.sign,
  Sqrt: Math.sqrt,
  Tanh: Math.tanh,
};
const TESTS: Readonly<Record<string, Unary>> = {
  IsInf: (x) => Number(Math.abs(x) === Number.POSITIVE_INFINITY),
  IsNaN: (x) => Number(Number.isNaN(x)),
  Not: (x) => Number(x === 0),
};
const BINARY: Readonly<Record<string, Binary>> = {
  Add: (a, b) => a + b,
  Div: (a, b) => a / b,
  Mod: (a, b) => a - b * Math.floor(a / b),
  Mul: (a, b) => a * b,
  Pow: (a, b) => a ** b,
  PRelu: (x, slope) => (x < 0 ? slope * x : x),
  Sub: (a, b) => a - b,
};
const COMPARISONS: Readonly<Record<string, Binary>> = {
  And: (a, b) => Number(a !== 0 && b !== 0),
  Equal: (a, b) => Number(a === b),
  Greater: (a, b) => Number(a > b),
  GreaterOrEqual: (a, b) => Number(a >= b),
  Less: (a, b) => Number(a < b),
  LessOrEqual: (a, b) => Number(a <= b),
  Or: (a, b) => Number(a !== 0 || b !== 0),
  Xor: (a, b) => Number((a !== 0) !== (b !== 0)),
};

export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Add, Sub, Mul or Div. */
export function computeBinary(
  operator: string,
  node: OnnxNode,
  a: Constant,
  b: Constant,
): Constant {
  return binary(BINARY[operator] as Binary)(node, [a, b]) as Constant;
}

function unary(value: Unary, toBool = false): ConstantOperator {
  return (node, inputs) => {
    const x = constantInput(node, inputs, 0);
    const dataType = toBool ? BOOL : x.dataType;
    return mapped(x, value, whereOf(node), { name: outputOf(node), dataType });
  };
}

function binary(value: Binary, toBool = false): ConstantOperator {
  return (node, inputs) => {
    const [a, b] = [constantInput(node, inputs, 0), constantInput(node, inputs, 1)];
    // Integer division truncates in ONNX.
    const isWhole = integerRange(a.dataType) !== undefined;
    const compute: Binary = isWhole ? (x, y) => Math.trunc(value(x, y)) : value;
    const dataType = toBool ? BOOL : a.dataType;
    return combined(a, b, compute, whereOf(node), { name: outputOf(node), dataType });
  };
}

/** Sum, Max, Min: any number of inputs. */
function folded(value: Binary): ConstantOperator {
  return (node, inputs) => {
    const all = inputs.map((_, i) => constantInput(node, inputs, i));
    const name = outputOf(node);
    return all.reduce((a, b) =>
      combined(a, b, value, whereOf(node), { name, dataType: a.dataType }),
    );
  };
}

const clip: ConstantOperator = (node, inputs) => {
  const x = constantInput(node, inputs, 0);
  const where = whereOf(node);
  const bound = (index: number, name: string, fallback: number): number => {
    const input = inputs[index];
    return input ? scalarOf(input, where) : floatAttribute(node, name, fallback);
  };
  const low = bound(1, 'min', Number.NEGATIVE_INFINITY);
  const high = bound(2, 'max', Number.POSITIVE_INFINITY);
  const value: Unary = (v) => Math.min(Math.max(v, low), high);
  return mapped(x, value, where, { name: outputOf(node), dataType: x.dataType });
};

const where: ConstantOperator = (node, inputs) => {
  const [condition, a, b] = [0, 1, 2].map((i) => constantInput(node, inputs, i)) as [
    Constant,
    Constant,
    Constant,
  ];
  const at = whereOf(node);
  const name = outputOf(node);
  const dims = broadcastDims([condition.dims, a.dims, b.dims], at);
  const [chosen, x, y] = [condition, a, b].map((part) => repeated(part, dims, at, name));
  const sources = [chosen, x, y] as [Constant, Constant, Constant];
  const pick = (
    out: { [i: number]: number; length: number },
    values: readonly ArrayLike<number>[],
  ) => {
    for (let i = 0; i < out.length; i++) {
      out[i] = (values[0]?.[i] !== 0 ? values[1]?.[i] : values[2]?.[i]) as number;
    }
  };
  return derived(sources, { name, dims, dataType: a.dataType, fill: pick }, at);
};

export const cast: ConstantOperator = (node, inputs) => {
  const x = constantInput(node, inputs, 0);
  const like = node.opType === 'CastLike' ? constantInput(node, inputs, 1).dataType : x.dataType;
  return castTo(node, x, intAttribute(node, 'to', like));
};

function castTo(node: OnnxNode, x: Constant, dataType: number): Constant {
  const at = whereOf(node);
  const name = outputOf(node);
  if (dataType === BOOL) return mapped(x, (v) => Number(v !== 0), at, { name, dataType });
  if (holdsAll(dataType, x.dataType)) return { ...recast(x, dataType), name };
  const range = integerRange(dataType);
  const expected = 'a cast to a number type that is read';
  expect(range !== undefined, 'unsupported_operator', at, expected, typeName(dataType));
  const whole = numbersOf(x, at).map(Math.trunc);
  const odd = whole.find((v) => !(v >= range[0] && v <= range[1]));
  const bounds = `values of ${range[0]}..${range[1]}`;
  expect(odd === undefined, 'unsupported_operator', at, bounds, odd);
  return constantOfNumbers(name, x.dims, whole, dataType);
}

/** Whether a cast to `to` changes no value of type `from`, rounding of floats apart. */
function holdsAll(to: number, from: number): boolean {
  const target = integerRange(to);
  const source = integerRange(from);
  if (!target) return isFloatType(to);
  return source !== undefined && source[0] >= target[0] && source[1] <= target[1];
}

function table(
  operators: Readonly<Record<string, Unary>> | Readonly<Record<string, Binary>>,
  make: (value: never) => ConstantOperator,
): [string, ConstantOperator][] {
  return Object.entries(operators).map(([name, value]) => [name, make(value as never)]);
}

export const CONSTANT_MATH: readonly (readonly [string, ConstantOperator])[] = [
  ...table(UNARY, (value: Unary) => unary(value)),
  ...table(TESTS, (value: Unary) => unary(value, true)),
  ...table(BINARY, (value: Binary) => binary(value)),
  ...table(COMPARISONS, (value: Binary) => binary(value, true)),
  ['Cast', cast],
  ['CastLike', cast],
  ['Clip', clip],
  ['Max', folded(Math.max)],
  ['Min', folded(Math.min)],
  ['Sum', folded((a, b) => a + b)],
  ['Where', where],
];
