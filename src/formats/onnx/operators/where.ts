/**
 * Comparisons with 0 and the Where that they lead to: PReLU as torch's decomposition writes it, and the
 * guards that replace NaN. Refuses every other condition that depends on the picture.
 */

import { combinedPiecewise, emitPiecewise } from '../../piecewise.ts';
import { haveSameLayout } from '../activation.ts';
import { scalarOf } from '../constant.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import type { Activation, Mask } from '../values.ts';

const TESTS: Readonly<Record<string, 'above' | 'below'>> = {
  Greater: 'above',
  GreaterOrEqual: 'above',
  Less: 'below',
  LessOrEqual: 'below',
};
const OPPOSITE = { above: 'below', below: 'above', nan: undefined } as const;

/** x > 0 and its relatives, either way round. */
export const comparison: OperatorImport = (node, context) => {
  const isSecond = context.input(node, 0).kind === 'constant';
  const bound = scalarOf(context.constant(node, isSecond ? 0 : 1), whereOf(node));
  if (bound !== 0) throw unsupported(node, 'a comparison with 0', `one with ${bound}`);
  const test = TESTS[node.opType] as 'above' | 'below';
  const of = context.activation(node, isSecond ? 1 : 0);
  return { kind: 'mask', of, test: isSecond ? OPPOSITE[test] : test };
};

export const isNan: OperatorImport = (node, context) => ({
  kind: 'mask',
  of: context.activation(node, 0),
  test: 'nan',
});

export const not: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  const test = value.kind === 'mask' ? OPPOSITE[value.test] : undefined;
  if (value.kind === 'mask' && test) return { ...value, test };
  throw unsupported(node, 'the opposite of a comparison with 0', 'another condition');
};

export const where: OperatorImport = (node, context) => {
  const mask = context.input(node, 0);
  if (mask.kind === 'constant') {
    const chosen = scalarOf(mask.constant, whereOf(node)) !== 0 ? 1 : 2;
    return context.input(node, chosen);
  }
  if (mask.kind !== 'mask') throw unsupported(node, 'a comparison with 0', 'another condition');
  if (mask.test === 'nan') {
    // Values of a network whose weights are finite are numbers.
    const kept = context.activation(node, 2);
    if (kept.name === mask.of.name) return kept;
    throw unsupported(node, 'the value that is compared', 'another one');
  }
  const [a, b] = [multipleAt(node, context, 1, mask), multipleAt(node, context, 2, mask)];
  const [above, below] = mask.test === 'above' ? [a, b] : [b, a];
  const name = chosenBySign(context, outputOf(node), mask.of, above, below);
  if (name !== undefined) return context.like(mask.of, name);
  throw unsupported(node, 'two multiples of the value that is compared', 'other values');
};

/** Input `index`; 0 is a multiple of anything. */
function multipleAt(node: OnnxNode, context: OnnxContext, index: number, { of }: Mask): Activation {
  const value = context.input(node, index);
  if (value.kind !== 'constant') return context.activation(node, index);
  const factor = scalarOf(value.constant, whereOf(node));
  if (factor !== 0) throw unsupported(node, 'two multiples of one value', `the constant ${factor}`);
  return context.emitAffine({ ...node, outputs: [`${outputOf(node)}/zero`] }, of, 0, 0);
}

/** Name of the rectifier, if both are multiples of `of`. */
function chosenBySign(
  { builder }: OnnxContext,
  name: string,
  of: Activation,
  above: Activation,
  below: Activation,
): string | undefined {
  if (!haveSameLayout(above, of) || !haveSameLayout(below, of)) return undefined;
  const [upper, lower] = [above, below].map((value) =>
    combinedPiecewise(builder, value.name, of.name, (x) => x),
  );
  if (upper?.of !== of.name || lower?.of !== of.name) return undefined;
  return emitPiecewise(builder, name, { ...upper, below: lower.below });
}
