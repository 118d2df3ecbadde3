/** Scales and zero points: as a node states them, what they are for, and constants dequantised by them. */

import { expect } from '../../../graph/limits.ts';
import { intAttribute } from '../attributes.ts';
import { type Constant, numbersOf } from '../constant.ts';
import { rescaled, type Scales } from '../constant-views.ts';
import type { OnnxContext } from '../context.ts';
import { FLOAT, integerRange, typeName, UINT8 } from '../data-types.ts';
import type { OnnxNode } from '../model.ts';
import { whereOf } from '../refuse.ts';
import { axisOf } from './dims.ts';

/** The scale and zero point that a node states, before it is known for what. */
export interface StatedScale {
  readonly scale: Constant;
  readonly zeroPoint: Constant | undefined;
  /** Smallest and largest integer of the quantised type; uint8 where the file does not say. */
  readonly range: readonly [number, number];
  readonly dataType: number;
}

/** The scale at input `index` and the zero point after it; `type` where no zero point says it. */
export function scaleAt(
  node: OnnxNode,
  context: OnnxContext,
  index: number,
  type = 0,
): StatedScale {
  const where = whereOf(node);
  const scale = context.constant(node, index);
  const zeroPoint = context.optionalConstant(node, index + 1);
  const agrees = scale.count > 0 && (zeroPoint === undefined || zeroPoint.count === scale.count);
  expect(agrees, 'bad_model', where, `${scale.count} zero points`, zeroPoint?.count);
  // Large ones are read again with what they scale.
  if (scale.count > 1) context.weight(scale, node);
  const values = new Float32Array(scale.count);
  scale.decodeInto(values);
  const odd = values.find((s) => !(Number.isFinite(s) && s > 0));
  expect(odd === undefined, 'bad_model', where, 'positive scales', odd);
  const dataType = zeroPoint?.dataType ?? (type || UINT8);
  return { scale, zeroPoint, range: rangeOf(dataType, where), dataType };
}

export function rangeOf(dataType: number, where: string): readonly [number, number] {
  const range = integerRange(dataType);
  const got = typeName(dataType);
  expect(range !== undefined, 'unsupported_operator', where, 'a quantised integer type', got);
  return range;
}

/** One scale, one per entry of an axis, or one per block of `block_size` entries. */
export function scalesFor(
  node: OnnxNode,
  constant: Constant,
  { scale, zeroPoint }: StatedScale,
  defaultAxis: number,
): Scales {
  const where = whereOf(node);
  const block = intAttribute(node, 'block_size', 0);
  if (scale.count === 1) return { scale, zeroPoint, axis: undefined, block: 1 };
  const axis = axisOf(node, intAttribute(node, 'axis', defaultAxis), constant.dims.length);
  const size = constant.dims[axis] as number;
  const expected =
    block > 0 ? constant.dims.map((n, i) => (i === axis ? Math.ceil(n / block) : n)) : [size];
  const fits =
    scale.dims.length === expected.length && expected.every((n, i) => n === scale.dims[i]);
  const got = `[${scale.dims}]`;
  expect(fits, 'bad_model', where, `scales [${expected}] for [${constant.dims}]`, got);
  return { scale, zeroPoint, axis, block: Math.max(block, 1) };
}

/** (q - zeroPoint) * scale. */
export function dequantized(
  node: OnnxNode,
  context: OnnxContext,
  constant: Constant,
  stated: StatedScale,
  defaultAxis: number,
): Constant {
  rangeOf(constant.dataType, whereOf(node));
  const scales = scalesFor(node, constant, stated, defaultAxis);
  record(context, constant.name, stated);
  const value = (q: number, s: number, z: number): number => (q - z) * s;
  return rescaled(constant, scales, value, FLOAT, whereOf(node));
}

/** An activation has one scale and one zero point. */
export function oneScale(node: OnnxNode, { scale, zeroPoint }: StatedScale): [number, number] {
  const where = whereOf(node);
  expect(scale.count === 1, 'unsupported_operator', where, 'one scale per activation', scale.count);
  const zero = zeroPoint ? (numbersOf(zeroPoint, where)[0] as number) : 0;
  return [numbersOf(scale, where)[0] as number, zero];
}

/** Scales per tensor or per channel; those of blocks are of no use to an engine. */
export function record(
  context: OnnxContext,
  name: string,
  { scale, zeroPoint }: StatedScale,
): void {
  if (scale.dims.length > 1) {
    context.note('block-quantised weights are dequantised to f32');
    return;
  }
  context.spend(2 * scale.count);
  const where = `scale of ${JSON.stringify(name.slice(0, 80))}`;
  const scales = [...numbersOf(scale, where)];
  const zeros = zeroPoint ? [...numbersOf(zeroPoint, where)] : scales.map(() => 0);
  context.quantization.set(name, { scale: scales, zeroPoint: zeros });
}
