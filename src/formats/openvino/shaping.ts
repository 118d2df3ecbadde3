/**
 * OpenVINO's layers that only rename, convert or reshape: on activations they flatten or do nothing,
 * on constants they change the shape. Anything that would move values about is refused.
 */

import type { Shape, Tensor } from '../../graph/graph.ts';
import { elementsOf, sizeOf } from '../../graph/limits.ts';
import { badModel, type IrContext, type IrValue, unsupported } from './context.ts';
import { byteCount, type IrLayer } from './ir.ts';
import { legacyReshapeTarget, transposed } from './layers.ts';

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

export function reshape(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  const target = layer.inputs[1] ? at.integers(layer, 1) : legacyReshapeTarget(layer);
  if (typeof value !== 'string') return reshapedConstant(layer, value, target);
  return reshapedActivation(layer, at, value, target);
}

export function flatten(layer: IrLayer, at: IrContext): IrValue {
  return at.builder.flatten(layer.name, at.activation(layer, 0));
}

/** [1, C, 1, 1] without its last axes, or a constant without axes of 1. */
export function squeeze(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  const rank =
    typeof value === 'string' ? at.builder.shapeOf(value).length + 1 : value.shape.length;
  const listed = layer.inputs[1] ? at.integers(layer, 1) : [];
  const axes = new Set(listed.map((axis) => (axis < 0 ? axis + rank : axis)));
  if (typeof value !== 'string') {
    const kept = value.shape.filter((n, axis) => (axes.size > 0 ? !axes.has(axis) : n !== 1));
    return reshapedConstant(layer, value, kept);
  }
  const shape = at.builder.shapeOf(value);
  const spatial = shape.length === 3 && axes.size === 2 && axes.has(2) && axes.has(3);
  if (!spatial) throw unsupported(layer, 'axes 2, 3 to go', `${[...axes]} of [1,${shape}]`);
  return reshapedActivation(layer, at, value, [0, shape[0]]);
}

/** A vector keeps its form in the graph: a gate may be [C] as well as [C, 1, 1]. */
export function unsqueeze(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  const axes = at.integers(layer, 1);
  if (typeof value === 'string') {
    const shape = at.builder.shapeOf(value);
    const trailing = shape.length === 1 && axes.every((axis) => axis === 2 || axis === 3);
    if (!trailing) throw unsupported(layer, 'axes 2, 3 for a vector', `${axes} for [1,${shape}]`);
    return value;
  }
  const rank = value.shape.length + axes.length;
  const added = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  const dims = [...value.shape];
  const target = Array.from({ length: rank }, (_, axis) =>
    added.has(axis) ? 1 : (dims.shift() ?? 0),
  );
  return reshapedConstant(layer, value, target);
}

export function transpose(layer: IrLayer, at: IrContext): IrValue {
  const value = at.input(layer, 0);
  const order = at.integers(layer, 1);
  if (order.every((axis, i) => axis === i)) return value;
  const turns = order.length === 2 && order[0] === 1 && order[1] === 0;
  if (turns && typeof value !== 'string' && value.shape.length === 2) return transposed(value);
  throw unsupported(layer, 'an order that keeps NCHW', `${order}`);
}

/** 0 keeps the dimension, -1 takes the rest. */
function reshapedConstant(layer: IrLayer, value: Tensor, target: readonly number[]): Tensor {
  const size = elementsOf(value.shape) ?? 0;
  const shape = target.map((n, i) => (n === 0 ? (value.shape[i] ?? 0) : n));
  const open = shape.indexOf(-1);
  if (open >= 0) {
    shape[open] = 1;
    shape[open] = size / (elementsOf(shape) ?? 0);
  }
  if (elementsOf(shape) === size) return { shape, read: value.read };
  throw badModel(layer, `a shape of ${size} values`, `[${target}]`);
}

function reshapedActivation(
  layer: IrLayer,
  at: IrContext,
  value: string,
  target: readonly number[],
): string {
  const shape = at.builder.shapeOf(value);
  const [batch = 0, ...rest] = target;
  const oneBatch = batch === 0 || batch === 1 || batch === -1;
  const toVector = rest.length === 1 && (rest[0] === -1 || rest[0] === sizeOf(shape));
  const openOnce = target.filter((n) => n === -1).length <= 1;
  if (oneBatch && toVector && openOnce) return at.builder.flatten(layer.name, value);
  if (oneBatch && openOnce && keepsShape(shape, rest)) return value;
  throw unsupported(layer, `a reshape of [1,${shape}] to [1,${sizeOf(shape)}]`, `[${target}]`);
}

function keepsShape(shape: Shape, rest: readonly number[]): boolean {
  const same = [shape[0], shape[1] ?? 1, shape[2] ?? 1];
  return (
    rest.length === 3 &&
    rest.every((n, i) => n === -1 || n === same[i] || (n === 0 && i < shape.length))
  );
}
