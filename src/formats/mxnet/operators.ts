/**
 * The MXNet operators of this model family, under all names they have had. `import.ts` refuses what
 * is not in the table.
 */

import type { MxnetContext } from './context.ts';
import {
  batchNorm,
  convolution,
  flatten,
  fullyConnected,
  l2Normalization,
  pooling,
  reshape,
} from './layers.ts';
import {
  activation,
  add,
  cast,
  clip,
  divide,
  divScalar,
  identity,
  leakyRelu,
  minusScalar,
  mulScalar,
  multiply,
  plusScalar,
  relu,
  sigmoid,
  subtract,
} from './pointwise.ts';
import type { SymbolNode } from './symbol.ts';

/** Appends `node` to the graph; returns the name of its value. */
export type ImportOperator = (node: SymbolNode, at: MxnetContext) => string;

export const MXNET_OPERATORS: ReadonlyMap<string, ImportOperator> = new Map([
  ['_copy', identity],
  ['identity', identity],
  ['BlockGrad', identity],
  ['stop_gradient', identity],
  ['Dropout', identity],
  ['Cast', cast],
  ['cast', cast],
  ['amp_cast', cast],
  ['_plus_scalar', plusScalar],
  ['_PlusScalar', plusScalar],
  ['_minus_scalar', minusScalar],
  ['_MinusScalar', minusScalar],
  ['_mul_scalar', mulScalar],
  ['_MulScalar', mulScalar],
  ['_div_scalar', divScalar],
  ['_DivScalar', divScalar],
  ['Convolution', convolution],
  ['Convolution_v1', convolution],
  ['FullyConnected', fullyConnected],
  ['BatchNorm', batchNorm],
  ['BatchNorm_v1', batchNorm],
  ['LeakyReLU', leakyRelu],
  ['Activation', activation],
  ['relu', relu],
  ['sigmoid', sigmoid],
  ['clip', clip],
  ['Pooling', pooling],
  ['Pooling_v1', pooling],
  ['Flatten', flatten],
  ['flatten', flatten],
  ['Reshape', reshape],
  ['reshape', reshape],
  ['elemwise_add', add],
  ['_plus', add],
  ['_Plus', add],
  ['_add', add],
  ['_grad_add', add],
  ['ElementWiseSum', add],
  ['add_n', add],
  ['broadcast_add', add],
  ['broadcast_plus', add],
  ['broadcast_sub', subtract],
  ['broadcast_minus', subtract],
  ['broadcast_mul', multiply],
  ['broadcast_div', divide],
  ['L2Normalization', l2Normalization],
]);
