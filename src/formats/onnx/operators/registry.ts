/** Every ONNX operator that is understood, by name; `com.microsoft:` marks its contrib operators. */

import type { OperatorImport } from '../context.ts';
import { clip, leakyRelu, max, prelu, relu, sigmoid } from './activations.ts';
import { arithmetic } from './arithmetic.ts';
import { cast, concat, constant, expand, gather, shape, slice } from './constants.ts';
import {
  averagePool,
  batchNormalization,
  conv,
  gemm,
  globalAveragePool,
  lpNormalization,
  matMul,
  reduceL2,
  reduceMean,
} from './layers.ts';
import { flatten, reshape, squeeze, transpose, unsqueeze } from './layout.ts';
import {
  dequantizeLinear,
  qGemm,
  qLinearBinary,
  qLinearConv,
  qLinearMatMul,
  qLinearUnary,
  quantizeLinear,
} from './quantized.ts';

/** The first input under another name. */
const pass: OperatorImport = (node, context) => context.input(node, 0);

export const OPERATORS: ReadonlyMap<string, OperatorImport> = new Map<string, OperatorImport>([
  ['Add', arithmetic],
  ['AveragePool', averagePool],
  ['BatchNormalization', batchNormalization],
  ['Cast', cast],
  ['Clip', clip],
  ['Concat', concat],
  ['Constant', constant],
  ['Conv', conv],
  ['DequantizeLinear', dequantizeLinear],
  ['Div', arithmetic],
  ['Dropout', pass],
  ['Expand', expand],
  ['Flatten', flatten],
  ['Gather', gather],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalAveragePool],
  ['Identity', pass],
  ['LeakyRelu', leakyRelu],
  ['LpNormalization', lpNormalization],
  ['MatMul', matMul],
  ['Max', max],
  ['Mul', arithmetic],
  ['PRelu', prelu],
  ['QLinearConv', qLinearConv],
  ['QLinearMatMul', qLinearMatMul],
  ['QuantizeLinear', quantizeLinear],
  ['ReduceL2', reduceL2],
  ['ReduceMean', reduceMean],
  ['Relu', relu],
  ['Reshape', reshape],
  ['Shape', shape],
  ['Sigmoid', sigmoid],
  ['Slice', slice],
  ['Squeeze', squeeze],
  ['Sub', arithmetic],
  ['Transpose', transpose],
  ['Unsqueeze', unsqueeze],
  ['com.microsoft:QGemm', qGemm],
  ['com.microsoft:QLinearAdd', qLinearBinary],
  ['com.microsoft:QLinearGlobalAveragePool', qLinearUnary(globalAveragePool)],
  ['com.microsoft:QLinearLeakyRelu', qLinearUnary(leakyRelu)],
  ['com.microsoft:QLinearMul', qLinearBinary],
  ['com.microsoft:QLinearSigmoid', qLinearUnary(sigmoid)],
  ['com.microsoft:QuantizeLinear', quantizeLinear],
  ['com.microsoft:DequantizeLinear', dequantizeLinear],
]);
