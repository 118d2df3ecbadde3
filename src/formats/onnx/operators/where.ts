/**
 * Comparisons with 0 and the Where that they lead to: PReLU as torch's decomposition writes it, and the
 * guards that replace NaN. Refuses every other condition that depends on the picture.
 */

import { combinedPiecewise, emitPiecewise } from '../../piecewise.ts';
import { haveSameLayout } from '../activation.ts';
import { scalarOf } from '../constant.ts';
import type { OperatorImport } from '../context.ts';
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
  const [a, b] = [branch(1), branch(2)];
  const rectified = mask.test === 'above' ? rectify(a, b, mask) : rectify(b, a, mask);
  if (rectified) return rectified;
  throw unsupported(node, 'two multiples of the value that is compared', 'other values');

  function branch(index: number): Activation {
    const value = context.input(node, index);
    if (value.kind !== 'constant') return context.activation(node, index);
    const factor = scalarOf(value.constant, whereOf(node));
    if (factor !== 0)
      throw unsupported(node, 'two multiples of one value', `the constant ${factor}`);
    const zero = { ...node, outputs: [`${outputOf(node)}/zero`] };
    return context.emitAffine(zero, (mask as Mask).of, 0, 0);
  }

  function rectify(above: Activation, below: Activation, { of }: Mask): Activation | undefined {
    if (!haveSameLayout(above, of) || !haveSameLayout(below, of)) return undefined;
    const { builder } = context;
    const upper = combinedPiecewise(builder, above.name, of.name, (x) => x);
    const lower = combinedPiecewise(builder, below.name, of.name, (x) => x);
    if (upper?.of !== of.name || lower?.of !== of.name) return undefined;
    const joined = { of: of.name, above: upper.above, below: lower.below };
    const name = emitPiecewise(builder, outputOf(node), joined);
    return name === undefined ? undefined : context.like(of, name);
  }
};
