/**
 * Every ONNX operator that is understood, by name; `com.microsoft:` marks its contrib operators. What
 * has constant inputs alone is computed; everything else becomes part of the graph.
 */

import type { OperatorImport } from '../context.ts';
import {
  abs,
  clip,
  extremum,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  neg,
  prelu,
  relu,
  sigmoid,
} from './activations.ts';
import { arithmetic, sum } from './arithmetic.ts';
import { pad } from './border.ts';
import { CONSTANT_MATH, type ConstantOperator } from './constant-math.ts';
import { CONSTANT_PARTS } from './constant-parts.ts';
import { CONSTANT_SHAPES } from './constant-shapes.ts';
import { ifElse } from './control.ts';
import { conv } from './conv.ts';
import {
  convInteger,
  dynamicQuantizeLinear,
  dynamicQuantizeMatMul,
  matMulInteger,
  matMulIntegerToFloat,
} from './dynamic.ts';
import { fusedConv, fusedGemm, fusedMatMul } from './fused.ts';
import { batchNormalization, gemm, matMul } from './layers.ts';
import {
  cast,
  dropout,
  expand,
  flatten,
  identity,
  reshape,
  shape,
  size,
  squeeze,
  transpose,
  unsqueeze,
} from './layout.ts';
import { lpNormalization, pow, reciprocal, reduceNorm, sqrt } from './norm.ts';
import { concat, gather, slice, split } from './parts.ts';
import { averagePool, globalAveragePool, maxPool, reduceMean, reduceSum } from './pooling.ts';
import {
  dequantizeLinear,
  qGemm,
  qLinearBinary,
  qLinearConcat,
  qLinearConv,
  qLinearMatMul,
  qLinearUnary,
  quantizeLinear,
} from './quantized.ts';
import { comparison, isNan, not, where } from './where.ts';

export const CONSTANT_OPERATORS: ReadonlyMap<string, ConstantOperator> = new Map([
  ...CONSTANT_MATH,
  ...CONSTANT_PARTS,
  ...CONSTANT_SHAPES,
]);

export const OPERATORS: ReadonlyMap<string, OperatorImport> = new Map<string, OperatorImport>([
  ['Abs', abs],
  ['Add', arithmetic],
  ['AveragePool', averagePool],
  ['BatchNormalization', batchNormalization],
  ['Cast', cast],
  ['CastLike', cast],
  ['Clip', clip],
  ['Concat', concat],
  ['Conv', conv],
  ['ConvInteger', convInteger],
  ['DequantizeLinear', dequantizeLinear],
  ['Div', arithmetic],
  ['Dropout', dropout],
  ['DynamicQuantizeLinear', dynamicQuantizeLinear],
  ['Expand', expand],
  ['Flatten', flatten],
  ['Gather', gather],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalAveragePool],
  ['Greater', comparison],
  ['GreaterOrEqual', comparison],
  ['HardSigmoid', hardSigmoid],
  ['HardSwish', hardSwish],
  ['Identity', identity],
  ['If', ifElse],
  ['IsNaN', isNan],
  ['LeakyRelu', leakyRelu],
  ['Less', comparison],
  ['LessOrEqual', comparison],
  ['LpNormalization', lpNormalization],
  ['MatMul', matMul],
  ['MatMulInteger', matMulInteger],
  ['Max', extremum],
  ['MaxPool', maxPool],
  ['Min', extremum],
  ['Mul', arithmetic],
  ['Neg', neg],
  ['Not', not],
  ['PRelu', prelu],
  ['Pad', pad],
  ['Pow', pow],
  ['QLinearConv', qLinearConv],
  ['QLinearMatMul', qLinearMatMul],
  ['QuantizeLinear', quantizeLinear],
  ['Reciprocal', reciprocal],
  ['ReduceL2', reduceNorm],
  ['ReduceMean', reduceMean],
  ['ReduceSum', reduceSum],
  ['ReduceSumSquare', reduceNorm],
  ['Relu', relu],
  ['Reshape', reshape],
  ['Shape', shape],
  ['Sigmoid', sigmoid],
  ['Size', size],
  ['Slice', slice],
  ['Split', split],
  ['Sqrt', sqrt],
  ['Squeeze', squeeze],
  ['Sub', arithmetic],
  ['Sum', sum],
  ['Transpose', transpose],
  ['Unsqueeze', unsqueeze],
  ['Where', where],
  ['com.microsoft:DequantizeLinear', dequantizeLinear],
  ['com.microsoft:DynamicQuantizeMatMul', dynamicQuantizeMatMul],
  ['com.microsoft:FusedConv', fusedConv],
  ['com.microsoft:FusedGemm', fusedGemm],
  ['com.microsoft:FusedMatMul', fusedMatMul],
  ['com.microsoft:MatMulIntegerToFloat', matMulIntegerToFloat],
  ['com.microsoft:QGemm', qGemm],
  ['com.microsoft:QLinearAdd', qLinearBinary],
  ['com.microsoft:QLinearAveragePool', qLinearUnary(averagePool)],
  ['com.microsoft:QLinearConcat', qLinearConcat],
  ['com.microsoft:QLinearGlobalAveragePool', qLinearUnary(globalAveragePool)],
  ['com.microsoft:QLinearLeakyRelu', qLinearUnary(leakyRelu)],
  ['com.microsoft:QLinearMul', qLinearBinary],
  ['com.microsoft:QLinearReduceMean', qLinearUnary(reduceMean)],
  ['com.microsoft:QLinearSigmoid', qLinearUnary(sigmoid)],
  ['com.microsoft:QuantizeLinear', quantizeLinear],
]);

/** What one of the two tables has, and `Constant`, which has no inputs. */
export function isRead(key: string): boolean {
  return OPERATORS.has(key) || CONSTANT_OPERATORS.has(key);
}
