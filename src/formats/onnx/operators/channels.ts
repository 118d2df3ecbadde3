/**
 * One value per channel against an activation in whatever order the file has its axes: batch norms,
 * slopes, scales and summands. Refuses what differs from pixel to pixel.
 */

import type { ArcfaceError } from '../../../errors.ts';
import { inGraphOrder, isOnePixel } from '../activation.ts';
import { intAttribute } from '../attributes.ts';
import { type Constant, numbersOf, scalarOf } from '../constant.ts';
import type { OnnxContext } from '../context.ts';
import type { OnnxNode } from '../model.ts';
import { unsupported, whereOf } from '../refuse.ts';
import type { Activation } from '../values.ts';

/**
 * `x`, flattened if need be, and what a constant has for it under ONNX's broadcasting: one value, or one
 * per channel in the graph's order. Refuses what would add axes to `x` or differ from pixel to pixel.
 */
export function channelConstant(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  constant: Constant,
): [Activation, number | Float64Array] {
  const where = whereOf(node);
  const refuse = (): ArcfaceError =>
    unsupported(
      node,
      `one value or ${x.shape[0]} per channel of [${x.dims}]`,
      `[${constant.dims}]`,
    );
  if (constant.dims.length > x.dims.length) throw refuse();
  if (constant.count === 1) return [x, scalarOf(constant, where)];
  const dims = placed(node, context, constant.dims, x.dims.length);
  const extra = x.dims.length - dims.length;
  const wide = dims.flatMap((n, i) => (n === 1 ? [] : [i + extra]));
  const [place, ...others] = wide;
  if (place === undefined || others.length > 0 || dims[place - extra] !== x.dims[place]) {
    throw refuse();
  }
  const found = channelVector(node, context, x, place, numbersOf(constant, where));
  if (!found) throw refuse();
  return found;
}

/** Values along dimension `place` of `x` as one per channel of a value of the graph. */
export function channelVector(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  place: number,
  values: Float64Array,
): [Activation, Float64Array] | undefined {
  const found = channelVectors(node, context, x, place, [values]);
  return found && [found[0], found[1][0] as Float64Array];
}

/** The same of several vectors. */
export function channelVectors(
  node: OnnxNode,
  context: OnnxContext,
  x: Activation,
  place: number,
  vectors: readonly Float64Array[],
): [Activation, readonly Float64Array[]] | undefined {
  const group = x.axes[place] ?? [];
  const isChannel = group.length === 0 ? x.shape[0] === 1 : group.join() === '0';
  if (isChannel && (x.shape.length === 3 || isOnePixel(x))) return [x, vectors];
  const all = x.axes.every((axes, i) => i === place || axes.length === 0);
  if (!all) return undefined;
  return [context.flat(x, node), vectors.map((values) => inGraphOrder(x, place, values))];
}

/** Before opset 7 attribute `axis` says where dimensions start; since then they end with x's. */
function placed(
  node: OnnxNode,
  context: OnnxContext,
  dims: readonly number[],
  rank: number,
): readonly number[] {
  const left = rank - dims.length;
  const axis = context.opsetOf(node) < 7 ? intAttribute(node, 'axis', left) : left;
  const trailing = left - Math.min(Math.max(0, axis), left);
  return [...dims, ...Array<number>(trailing).fill(1)];
}
