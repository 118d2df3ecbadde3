/**
 * What ORT's extended optimisation makes of two operators, in domain com.microsoft: a convolution or
 * product with its activation, a residual with the convolution. Read as the operators that they were.
 */

import { attribute, floatAttribute, intAttribute, textAttribute } from '../attributes.ts';
import { numbersOf } from '../constant.ts';
import { mapped, transposed2d } from '../constant-views.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import type { OnnxAttribute, OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import type { Activation, Value } from '../values.ts';
import { clip, hardSigmoid, leakyRelu, relu, sigmoid } from './activations.ts';
import { combine } from './arithmetic.ts';
import { emitConv } from './conv.ts';
import { emitFc, gemm } from './layers.ts';

/** An activation by its name, with what its parameters are called as attributes. */
const ACTIVATIONS: ReadonlyMap<string, readonly [OperatorImport, readonly string[]]> = new Map([
  ['Relu', [relu, []]],
  ['LeakyRelu', [leakyRelu, ['alpha']]],
  ['Sigmoid', [sigmoid, []]],
  ['HardSigmoid', [hardSigmoid, ['alpha', 'beta']]],
  ['Clip', [clip, ['min', 'max']]],
]);

/** x, w, bias, what is added before the activation. */
export const fusedConv: OperatorImport = (node, context) => {
  const part = { ...node, outputs: [`${outputOf(node)}/conv`] };
  const bias = context.optionalConstant(node, 2);
  const weight = context.constant(node, 1);
  const y = emitConv(part, context, weight, bias && numbersOf(bias, whereOf(node)));
  const residual = context.optional(node, 3);
  const sum = { ...node, outputs: [`${outputOf(node)}/sum`] };
  const total = residual ? combine(sum, context, 'Add', y, residual) : y;
  return activated(node, context, total, attribute(node, 'activation_params', 'floats', []) ?? []);
};

export const fusedGemm: OperatorImport = (node, context) => {
  const y = gemm({ ...node, outputs: [`${outputOf(node)}/gemm`] }, context) as Activation;
  const parameters = ['alpha', 'beta', 'gamma'].map((name) => `activation_${name}`);
  const stated = parameters.filter((name) => node.attributes.has(name));
  return activated(
    node,
    context,
    y,
    stated.map((name) => floatAttribute(node, name, 0)),
  );
};

/** alpha * A * B, B transposed if it says so. */
export const fusedMatMul: OperatorImport = (node, context) => {
  const batches = ['transA', 'transBatchA', 'transBatchB'].filter((name) =>
    intAttribute(node, name, 0),
  );
  if (batches.length > 0) throw unsupported(node, 'transB alone', batches.join(', '));
  const alpha = floatAttribute(node, 'alpha', 1);
  const matrix = context.constant(node, 1);
  const rows = intAttribute(node, 'transB', 0) === 0 ? transposed2d(matrix, whereOf(node)) : matrix;
  const scaled = alpha === 1 ? rows : mapped(rows, (value) => value * alpha, whereOf(node));
  return emitFc(node, context, scaled, undefined);
};

function activated(
  node: OnnxNode,
  context: OnnxContext,
  y: Value,
  parameters: readonly number[],
): Value {
  const name = textAttribute(node, 'activation', '');
  if (name === '') return y;
  const [operator, names] = ACTIVATIONS.get(name) ?? [];
  if (!operator || !names) {
    throw unsupported(node, `activation ${[...ACTIVATIONS.keys()].join(', ')}`, name);
  }
  const attributes = new Map<string, OnnxAttribute>();
  for (const [i, key] of names.entries()) {
    const float = parameters[i];
    if (float !== undefined) attributes.set(key, { float });
  }
  const input = context.handOn(node, 'linear', y);
  // Before opset 11 the bounds of a Clip are attributes.
  return operator({ ...node, opType: name, inputs: [input], attributes }, context) as Value;
}
