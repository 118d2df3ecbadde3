/**
 * OpenVINO's layers that only rename, convert, reshape or repeat: on activations they flatten or change
 * how the file sees the value, on constants they change the shape. Anything that would move values about
 * is refused.
 */

import { elementsOf, sizeOf } from '../../graph/limits.ts';
import { dimsOf, flatOrder, permuted, redimensioned, viewOf } from '../axes.ts';
import { integerRange } from '../element-types.ts';
import { badModel, flagOf, integersOf, numberOf, textOf, unsupported } from './attributes.ts';
import { converted, MAX_SMALL, reshaped, smallConstant, transposed } from './constants.ts';
import { calling, type IrContext, shownDims } from './context.ts';
import { byteCount, type IrLayer } from './ir.ts';
import type { Activation, Constant, IrValue } from './values.ts';

/** Versions 10 and 11 name a range of the `.bin` file; 5 to 7 have a blob `custom`. */
export function constant(layer: IrLayer, at: IrContext): IrValue {
  const custom = layer.blobs.get('custom');
  const port = layer.outputs[0];
  if (custom) {
    const precision = custom.precision ?? port?.precision ?? layer.precision ?? 'FP32';
    return at.tensor(layer, custom, precision, port?.dims ?? []);
  }
  const text = layer.data.get('shape') ?? '';
  const shape = text === '' ? [] : text.split(',').map((n) => (n.trim() === '' ? -1 : Number(n)));
  const blob = {
    offset: byteCount(layer.data.get('offset'), layer.name),
    size: byteCount(layer.data.get('size'), layer.name),
    precision: undefined,
  };
  return at.tensor(layer, blob, layer.data.get('element_type') ?? 'none', shape);
}

export function passThrough(layer: IrLayer, at: IrContext): IrValue {
  return at.input(layer, 0);
}

/** Of activations between float types, which changes nothing here; of constants to any type. */
export function convert(layer: IrLayer, at: IrContext): IrValue {
  const stated = layer.data.get('destination_type') ?? layer.data.get('precision') ?? '';
  const type = at.elementType(layer, stated);
  const value = at.input(layer, 0);
  if (value.kind === 'constant') return calling(layer, () => converted(value, type));
  if (integerRange(type)) {
    throw unsupported(layer, 'destination_type f32, f16, bf16 or f64 of an activation', stated);
  }
  if (value.kind !== 'activation') return value;
  if (type !== 'f32' && !value.integer) {
    at.notes.add('Conversions between float types are dropped: everything is computed in f32.');
  }
  return { ...value, integer: undefined };
}

/** To the type of the second input: a float, unless that is a constant or a picture of integers. */
export function convertLike(layer: IrLayer, at: IrContext): IrValue {
  const like = at.input(layer, 1);
  const pixels = like.kind === 'activation' && like.integer;
  const type = like.kind === 'constant' ? like.type : pixels ? 'u8' : 'f32';
  return convert({ ...layer, data: new Map([['destination_type', type]]) }, at);
}

export function reshape(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  if (value.kind === 'norm') return value;
  const stated = layer.inputs[1] ? at.integers(layer, 1) : legacyTarget(layer);
  const from = value.kind === 'constant' ? value.tensor.shape : dimsOf(at.activation(layer, 0));
  const copies = flagOf(layer, 'special_zero', true);
  return withDims(layer, at, resolved(layer, at.ofOnePicture(stated, value), from, copies));
}

/** The form of versions 5 to 7, with the target in an attribute or in the output's dimensions. */
function legacyTarget(layer: IrLayer): readonly number[] {
  const part = numberOf(layer, 'axis', 0) !== 0 || numberOf(layer, 'num_axes', -1) !== -1;
  if (part) throw unsupported(layer, 'a reshape of all axes', 'one of some');
  return layer.data.has('dim') ? integersOf(layer, 'dim') : (layer.outputs[0]?.dims ?? []);
}

/** 0 copies the dimension, -1 takes what is left. */
function resolved(
  layer: IrLayer,
  target: readonly number[],
  from: readonly number[],
  copies: boolean,
): number[] {
  const dims = target.map((n, i) => (n === 0 && copies ? (from[i] ?? 0) : n));
  const open = dims.indexOf(-1);
  if (open >= 0) {
    dims[open] = 1;
    dims[open] = sizeOf(from) / sizeOf(dims);
  }
  const sound = dims.every((n) => Number.isInteger(n) && n >= 1) && sizeOf(dims) === sizeOf(from);
  if (sound) return dims;
  throw badModel(layer, `a shape of the ${sizeOf(from)} values of [${from}]`, `[${target}]`);
}

/** Axes `axis` to `end_axis`, all but the batch by default. */
export function flatten(layer: IrLayer, at: IrContext): IrValue {
  const dims = dimsOf(at.activation(layer, 0));
  const place = (axis: number): number => (axis < 0 ? axis + dims.length : axis);
  const [first, last] = [place(numberOf(layer, 'axis', 1)), place(numberOf(layer, 'end_axis', -1))];
  const inside = first >= 0 && first <= last && last < dims.length;
  if (!inside) throw badModel(layer, `axes of [${dims}]`, `${first} to ${last}`);
  const merged = sizeOf(dims.slice(first, last + 1));
  return withDims(layer, at, [...dims.slice(0, first), merged, ...dims.slice(last + 1)]);
}

export function squeeze(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  if (value.kind === 'norm') return value;
  const dims = value.kind === 'constant' ? value.tensor.shape : dimsOf(at.activation(layer, 0));
  const listed = layer.inputs[1] ? at.integers(layer, 1) : [];
  const axes = new Set(listed.map((axis) => (axis < 0 ? axis + dims.length : axis)));
  const odd = [...axes].find((axis) => dims[axis] !== 1);
  if (odd !== undefined) throw badModel(layer, `axes of size 1 of [${dims}]`, `${odd}`);
  const kept = dims.filter((n, axis) => (axes.size > 0 ? !axes.has(axis) : n !== 1));
  return withDims(layer, at, kept);
}

export function unsqueeze(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  if (value.kind === 'norm') return value;
  const dims = value.kind === 'constant' ? value.tensor.shape : dimsOf(at.activation(layer, 0));
  const axes = at.integers(layer, 1);
  const rank = dims.length + axes.length;
  const added = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  const sound = added.size === axes.length && [...added].every((axis) => axis >= 0 && axis < rank);
  if (!sound) throw badModel(layer, `axes of ${rank} dimensions`, `${axes}`);
  const left = [...dims];
  const target = Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (left.shift() ?? 1)));
  return withDims(layer, at, target);
}

/** The order is the second input, or an attribute of versions 5 to 7. */
export function transpose(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  const order = layer.inputs[1] ? at.integers(layer, 1) : integersOf(layer, 'order');
  if (value.kind === 'constant') return calling(layer, () => transposed(value, order));
  const x = value.kind === 'activation' ? value : at.activation(layer, 0);
  const view = permuted(x, order);
  if (view) return { ...x, ...view };
  throw badModel(layer, `an order of the ${x.axes.length} axes of ${shownDims(x)}`, `${order}`);
}

/** Of norms, which then stand for every value, or to the dimensions that are there. */
export function broadcast(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  if (value.kind === 'norm' || value.kind === 'locations') return value;
  const mode = textOf(layer, 'mode', 'numpy');
  if (value.kind === 'constant') return repeatedConstant(layer, at, value);
  const x = at.activation(layer, 0);
  const target = at.ofOnePicture(at.integers(layer, 1), x);
  const same = mode !== 'explicit' && target.join() === dimsOf(x).join();
  if (same) return x;
  throw unsupported(
    layer,
    'a norm, or a target of the same shape',
    `${shownDims(x)} to [${target}]`,
  );
}

/** One number many times. */
function repeatedConstant(layer: IrLayer, at: IrContext, constant: Constant): Constant {
  const target = at.integers(layer, 1);
  const count = elementsOf(target, MAX_SMALL);
  if (count === undefined || elementsOf(constant.tensor.shape) !== 1) {
    throw unsupported(layer, `one number, at most ${MAX_SMALL} times`, `to [${target}]`);
  }
  return smallConstant(target, new Float64Array(count).fill(at.scalar(layer, 0)), constant.type);
}

/** As `broadcast`: repeats are the second input, or `axis` and `tiles` of versions 5 to 7. */
export function tile(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  if (value.kind === 'norm' || value.kind === 'locations') return value;
  const repeats = layer.inputs[1] ? at.integers(layer, 1) : [numberOf(layer, 'tiles')];
  if (repeats.every((n) => n === 1)) return at.activation(layer, 0);
  throw unsupported(layer, 'a norm, or repeats of 1', `${repeats}`);
}

/** The same values in order under other dimensions. */
function withDims(layer: IrLayer, at: IrContext, dims: readonly number[]): IrValue {
  const value = at.input(layer, 0);
  if (value.kind === 'constant') return calling(layer, () => reshaped(value, dims));
  const x = at.activation(layer, 0);
  const view = redimensioned(x, dims);
  if (view === 'flat') return flattened(layer, at, x, dims);
  if (view) return { ...x, ...view };
  throw unsupported(layer, `a reshape of ${shownDims(x)} to [1,${sizeOf(x.shape)}]`, `[${dims}]`);
}

function flattened(
  layer: IrLayer,
  at: IrContext,
  x: Activation,
  dims: readonly number[],
): Activation {
  const order = flatOrder(x);
  if (order === undefined) throw unsupported(layer, 'channels first or last', shownDims(x));
  const [channels, height = 1, width = 1] = x.shape;
  const name = at.builder.flatten(layer.name, x.name);
  const { shape } = at.named(name);
  const axes = dims.map((n) => (n === 1 ? ('1' as const) : ('c' as const)));
  const channelsLast = order === 'channels last' ? ([channels, height, width] as const) : undefined;
  return at.named(name, { ...viewOf(shape), axes, channelsLast });
}
