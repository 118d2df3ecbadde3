/**
 * FakeQuantize, the form of int8 networks. Constants are quantised as the layer says; of activations the
 * saturation is kept, exactly, and the rounding to levels is left out, as for ONNX.
 *
 * Source: docs.openvino.ai, FakeQuantize-1.
 */

import { badModel, numberOf, unsupported } from './attributes.ts';
import { mapped } from './constants.ts';
import { calling, type IrContext } from './context.ts';
import type { IrLayer } from './ir.ts';
import type { Activation, Constant, IrValue } from './values.ts';

/** Fewer levels than those of 8 bits: leaving the rounding out would give another network. */
const MIN_LEVELS = 255;
const NOTE =
  'int8 file: weights are dequantised to f32 and the rounding of activations is left out.';

/** x, lowest and highest input, lowest and highest output. */
export function fakeQuantize(layer: IrLayer, at: IrContext): IrValue {
  const levels = numberOf(layer, 'levels');
  if (!(Number.isInteger(levels) && levels >= 2))
    throw badModel(layer, '2 levels or more', `${levels}`);
  const value = at.input(layer, 0);
  const limits = [1, 2, 3, 4].map((index) => at.constant(layer, index));
  if (value.kind === 'constant') {
    const steps = levels - 1;
    return calling(layer, () => mapped(value, limits, (x, of) => quantised(x, steps, of)));
  }
  if (levels < MIN_LEVELS) {
    throw unsupported(layer, `at least ${MIN_LEVELS} levels of an activation`, `${levels}`);
  }
  at.notes.add(NOTE);
  return saturated(layer, at, at.activation(layer, 0), limits);
}

/** `limits`: lowest and highest input, lowest and highest output. */
function quantised(x: number, steps: number, limits: Float64Array): number {
  const [il, ih] = [limits[0] as number, limits[1] as number];
  const [ol, oh] = [limits[2] as number, limits[3] as number];
  if (x <= Math.min(il, ih)) return ol;
  if (x > Math.max(il, ih)) return oh;
  return (roundHalfToEven(((x - il) / (ih - il)) * steps) / steps) * (oh - ol) + ol;
}

function roundHalfToEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/** clip((x - il) / (ih - il), 0, 1) * (oh - ol) + ol, without the affines where they do nothing. */
function saturated(
  layer: IrLayer,
  at: IrContext,
  x: Activation,
  limits: readonly Constant[],
): Activation {
  const channels = limits.map((limit) => at.channels(layer, limit, x));
  const [il, ih, ol, oh] = channels as [Limit, Limit, Limit, Limit];
  const ordered = both(ih, il, (high, low) => high - low);
  if (!all(ordered, (range) => range > 0)) throw badModel(layer, 'a range above 0', 'another');
  const { name } = layer;
  const same =
    all(
      both(il, ol, (a, b) => a - b),
      isZero,
    ) &&
    all(
      both(ih, oh, (a, b) => a - b),
      isZero,
    );
  if (same && typeof il === 'number' && typeof ih === 'number') {
    return at.emit({ op: 'clip', name, inputs: [x.name], min: il, max: ih }, x);
  }
  const scale = map(ordered, (range) => 1 / range);
  const { builder } = at;
  const unit = builder.affine(
    `${name}/range`,
    x.name,
    scale,
    both(il, scale, (low, s) => -low * s),
  );
  const clip = builder.add({ op: 'clip', name: `${name}/clip`, inputs: [unit], min: 0, max: 1 });
  return at.affine(
    layer,
    at.named(clip, x),
    both(oh, ol, (high, low) => high - low),
    ol,
  );
}

type Limit = number | Float64Array;

function map(a: Limit, f: (a: number) => number): Limit {
  return typeof a === 'number' ? f(a) : a.map(f);
}

function both(a: Limit, b: Limit, f: (a: number, b: number) => number): Limit {
  if (typeof a === 'number') return map(b, (value) => f(a, value));
  return a.map((value, c) => f(value, typeof b === 'number' ? b : (b[c] as number)));
}

function all(a: Limit, test: (a: number) => boolean): boolean {
  return typeof a === 'number' ? test(a) : a.every(test);
}

const isZero = (value: number): boolean => value === 0;
