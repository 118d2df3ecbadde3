/** Pad: a border of one value around rows and columns, which whatever convolution follows takes over. */

import { expect } from '../../../graph/limits.ts';
import { isNchw } from '../activation.ts';
import { floatAttribute, intsAttribute, textAttribute } from '../attributes.ts';
import { intsOf, scalarOf } from '../constant.ts';
import type { OperatorImport } from '../context.ts';
import { unsupported, whereOf } from '../refuse.ts';
import type { Activation } from '../values.ts';
import { axisOf } from './dims.ts';

export const pad: OperatorImport = (node, context) => {
  const x = context.rearrangeable(node, 0);
  const where = whereOf(node);
  const mode = textAttribute(node, 'mode', 'constant');
  if (mode !== 'constant') throw unsupported(node, 'padding with a constant', `mode ${mode}`);
  const stated = context.optionalConstant(node, 1);
  const pads = stated
    ? intsOf(stated, where)
    : (intsAttribute(node, 'pads') ?? intsAttribute(node, 'paddings') ?? []);
  const fill = context.optionalConstant(node, 2);
  const stored = fill ? scalarOf(fill, where) : floatAttribute(node, 'value', 0);
  const { scale, zeroPoint } = x.integers ?? { scale: 1, zeroPoint: 0 };
  const value = (stored - zeroPoint) * scale;
  const chosen = context.optionalConstant(node, 3);
  const axes = chosen
    ? intsOf(chosen, where).map((axis) => axisOf(node, axis, x.dims.length))
    : x.dims.map((_, axis) => axis);
  expect(pads.length === 2 * axes.length, 'bad_model', where, `${2 * axes.length} pads`, [...pads]);
  const border: [number, number, number, number] = [0, 0, 0, 0];
  const dims = [...x.dims];
  for (const [i, axis] of axes.entries()) {
    const [before, after] = [pads[i] as number, pads[i + axes.length] as number];
    if (before === 0 && after === 0) continue;
    const side = sideOf(x, axis);
    if (side === undefined || before < 0 || after < 0) {
      const got = `${before} and ${after} at axis ${axis} of [${x.dims}]`;
      throw unsupported(node, 'padding around rows and columns', got);
    }
    border[side - 1] = before;
    border[side + 1] = after;
    dims[axis] = (x.dims[axis] as number) + before + after;
  }
  if (border.every((n) => n === 0)) return x;
  return { ...x, dims, border: { pads: border, value } };
};

/** 1 where dimension `axis` runs over rows, 2 where it runs over columns. */
function sideOf(x: Activation, axis: number): 1 | 2 | undefined {
  const [side, ...others] = x.axes[axis] ?? [];
  if (x.shape.length !== 3 || others.length > 0) return undefined;
  if (side === 1 || side === 2) return side;
  // A single row or column has no axis of its own: its place says what it is.
  const isOne = side === undefined && isNchw(x) && (axis === 2 || axis === 3);
  return isOne ? ((axis - 1) as 1 | 2) : undefined;
}
