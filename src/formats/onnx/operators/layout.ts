/**
 * Operators that compute nothing: flatten and its many spellings, reshapes and transposes (`activation.ts`
 * keeps the books), casts between float types, what asks for dimensions. Refuses what would cut through an
 * axis, and casts that would drop a part of a number.
 */

import { expect, sizeOf } from '../../../graph/limits.ts';
import { isFlat, permutedActivation, regrouped } from '../activation.ts';
import { intAttribute, intsAttribute } from '../attributes.ts';
import { constantOfInts, intsOf, scalarOf } from '../constant.ts';
import { broadcastDims } from '../constant-views.ts';
import type { OnnxContext, OperatorImport } from '../context.ts';
import { BOOL, integerRange, isFloatType, typeName } from '../data-types.ts';
import type { OnnxNode } from '../model.ts';
import { outputOf, unsupported, whereOf } from '../refuse.ts';
import { type Activation, constantValue, type Value } from '../values.ts';
import { shapeOfDims } from './constant-shapes.ts';
import { flattened, orderOfAxes, resolvedDims, squeezed, statedAxes, unsqueezed } from './dims.ts';

type Dims = readonly number[];

export const flatten: OperatorImport = (node, context) =>
  rearranged(node, context, (x) => redimensioned(node, x, flattened(node, x.dims)));

export const reshape: OperatorImport = (node, context) =>
  rearranged(node, context, (x) => {
    const shape = intsAttribute(node, 'shape') ?? intsOf(context.constant(node, 1), whereOf(node));
    return redimensioned(node, x, resolvedDims(node, ofOneBatch(context, shape), x.dims));
  });

export const squeeze: OperatorImport = (node, context) =>
  rearranged(node, context, (x) => {
    const axes = statedAxes(node, context.optionalConstant(node, 1));
    return redimensioned(node, x, squeezed(node, x.dims, axes));
  });

export const unsqueeze: OperatorImport = (node, context) =>
  rearranged(node, context, (x) => {
    const axes = statedAxes(node, context.optionalConstant(node, 1)) ?? [];
    return redimensioned(node, x, unsqueezed(node, x.dims, axes));
  });

export const transpose: OperatorImport = (node, context) =>
  rearranged(node, context, (x) => permutedActivation(x, orderOfAxes(node, x.dims.length)));

/**
 * The first input seen another way. A norm, and the scale of a dynamic quantisation, is one number, whatever
 * its dimensions; the integers of one have those of what they stand for.
 */
function rearranged(
  node: OnnxNode,
  context: OnnxContext,
  change: (x: Activation) => Activation,
): Value {
  const value = context.input(node, 0);
  if (value.kind === 'norm') return value;
  if (value.kind !== 'dynamic') return change(context.anyActivation(node, 0));
  return value.part === 'integers' ? { ...value, of: change(value.of) } : value;
}

/** A batch size that the file fixes is a batch of 1 here. */
function ofOneBatch(context: OnnxContext, dims: readonly number[]): readonly number[] {
  const [first, ...rest] = dims;
  const stated = context.statedBatch;
  return stated !== undefined && stated > 1 && first === stated ? [1, ...rest] : dims;
}

/** An activation under other dimensions. */
export function redimensioned(node: OnnxNode, x: Activation, dims: Dims): Activation {
  const size = sizeOf(x.dims);
  expect(sizeOf(dims) === size, 'bad_model', whereOf(node), `dimensions of ${size} values`, [
    ...dims,
  ]);
  const grouped = regrouped(x, dims);
  if (!grouped)
    throw unsupported(node, `[1, ${size}] or the same axes`, `[${x.dims}] to [${dims}]`);
  return isFlat(grouped) ? { ...grouped, flatName: outputOf(node) } : grouped;
}

/** The first input under another name. */
export const identity: OperatorImport = (node, context) => context.input(node, 0);

export const shape: OperatorImport = (node, context) =>
  constantValue(shapeOfDims(node, context.anyActivation(node, 0).dims));

export const size: OperatorImport = (node, context) =>
  constantValue(constantOfInts(outputOf(node), sizeOf(context.anyActivation(node, 0).dims)));

/** Inference only: its second output, the mask, is read by nobody. */
export const dropout: OperatorImport = (node, context) => {
  const training = context.optionalConstant(node, 2);
  const isTraining = training !== undefined && scalarOf(training, whereOf(node)) !== 0;
  if (isTraining) {
    throw unsupported(node, 'inference', 'training_mode true; export the model in evaluation mode');
  }
  return [context.input(node, 0), { kind: 'unread', what: 'the mask of a Dropout' }];
};

/** Between float types: everything is computed in f32. Pixels are whole numbers already. */
export const cast: OperatorImport = (node, context) => {
  const value = context.input(node, 0);
  const like = node.opType === 'CastLike' ? context.optional(node, 1) : undefined;
  const fallback = like?.kind === 'constant' ? like.constant.dataType : 1;
  const to = intAttribute(node, 'to', fallback);
  if (isFloatType(to) && value.kind === 'activation' && value.integers) {
    throw unsupported(node, 'quantised values to be dequantised', 'a cast of their integers');
  }
  if (isFloatType(to) && value.kind !== 'mask') return value;
  const kept = value.kind === 'accumulated' || value.kind === 'dynamic';
  if (kept && integerRange(to)) return value;
  const got = `a cast of a value to ${to === BOOL ? 'bool' : typeName(to)}, which drops what it needs`;
  throw unsupported(node, 'a cast between float types', got);
};

/** The same dimensions, or one number per channel written out for every pixel. */
export const expand: OperatorImport = (node, context) =>
  rearranged(node, context, (x) => {
    const where = whereOf(node);
    const target = ofOneBatch(context, intsOf(context.constant(node, 1), where));
    const dims = broadcastDims([x.dims, target], where);
    const axes = [...Array<readonly number[]>(dims.length - x.dims.length).fill([]), ...x.axes];
    return { ...x, dims, axes };
  });
