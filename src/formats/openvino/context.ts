/**
 * What an OpenVINO layer needs while it is imported: the graph so far, its inputs as activations or
 * constants, its blobs and attributes. Every range of the `.bin` file is checked against the file's
 * length and the shape it stands for before a tensor is made of it.
 */

import { ArcfaceError } from '../../errors.ts';
import type { Shape, Tensor } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/limits.ts';
import { channelValues } from '../broadcast.ts';
import { type ElementType, elementBytes, lazyTensor } from '../element-types.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { Ir, IrBlob, IrLayer } from './ir.ts';

/** A layer's value: the name of a graph value, or a constant. */
export type IrValue = string | Tensor;

/** Spelled as in opset files, and as in versions 5 to 7. */
const ELEMENT_TYPES: Readonly<Record<string, ElementType>> = {
  f32: 'f32',
  f16: 'f16',
  f64: 'f64',
  i64: 'i64',
  i32: 'i32',
  i8: 'i8',
  u8: 'u8',
  fp32: 'f32',
  fp16: 'f16',
  fp64: 'f64',
};

export class IrContext {
  readonly builder: GraphBuilder;
  /** What was assumed, for `Imported.notes`. */
  readonly notes = new Set<string>();
  private readonly ir: Ir;
  private readonly bin: Uint8Array;
  private readonly values: ReadonlyMap<number, IrValue>;

  /** `values`: by layer position, filled while layers are imported. */
  constructor(
    builder: GraphBuilder,
    ir: Ir,
    bin: Uint8Array,
    values: ReadonlyMap<number, IrValue>,
  ) {
    this.builder = builder;
    this.ir = ir;
    this.bin = bin;
    this.values = values;
  }

  /** Value behind input `index`. */
  input(layer: IrLayer, index: number): IrValue {
    const source = layer.inputs[index];
    const value = source && this.values.get(source.layer);
    if (value !== undefined && source?.output === 0) return value;
    const got = source ? `output ${source.output} of ${this.nameOf(source.layer)}` : 'nothing';
    throw badModel(layer, `a value as input ${index}`, got);
  }

  isConstant(layer: IrLayer, index: number): boolean {
    return layer.inputs[index] !== undefined && typeof this.input(layer, index) !== 'string';
  }

  activation(layer: IrLayer, index: number): string {
    const value = this.input(layer, index);
    if (typeof value === 'string') return value;
    throw badModel(layer, `an activation as input ${index}`, 'a constant');
  }

  constant(layer: IrLayer, index: number): Tensor {
    const value = this.input(layer, index);
    if (typeof value !== 'string') return value;
    throw badModel(layer, `a constant as input ${index}`, 'an activation');
  }

  shape(layer: IrLayer, index: number): Shape {
    return this.builder.shapeOf(this.activation(layer, index));
  }

  /** Integers of a short constant: shapes, axes, orders. */
  integers(layer: IrLayer, index: number): number[] {
    const { shape, read } = this.constant(layer, index);
    const count = elementsOf(shape) ?? 0;
    if (count >= 1 && count <= 8) return Array.from(read());
    throw badModel(layer, `1..8 integers as input ${index}`, `shape [${shape}]`);
  }

  /** One value per channel of `activation` from the constant at input `index`. */
  channels(layer: IrLayer, index: number, activation: string): Float64Array {
    const constant = this.constant(layer, index);
    const shape = this.builder.shapeOf(activation);
    const values = channelValues(constant, shape);
    if (values) return values;
    throw badModel(layer, `a constant per channel of [1,${shape}]`, `[${constant.shape}]`);
  }

  /** A blob of versions 5 to 7 that must hold exactly `shape`. */
  blob(layer: IrLayer, name: string, shape: readonly number[]): Tensor | undefined {
    const blob = layer.blobs.get(name);
    if (!blob) return undefined;
    const stated = blob.precision ?? layer.precision ?? layer.outputs[0]?.precision ?? 'FP32';
    return this.tensor(layer, blob, stated, shape);
  }

  /** A blob of one value per channel, or one for all. */
  blobChannels(layer: IrLayer, name: string, channels: number): Float64Array | undefined {
    const blob = layer.blobs.get(name);
    const shared = blob !== undefined && blob.size <= 4 && channels > 1;
    const values = this.blob(layer, name, [shared ? 1 : channels])?.read();
    if (!values) return undefined;
    return shared
      ? new Float64Array(channels).fill(values[0] as number)
      : Float64Array.from(values);
  }

  tensor(layer: IrLayer, blob: IrBlob, stated: string, shape: readonly number[]): Tensor {
    const type = ELEMENT_TYPES[stated.toLowerCase()];
    if (!type) throw unsupported(layer, 'f32, f16, f64 or integer constants', stated);
    const count = elementsOf(shape);
    if (count === undefined) throw badModel(layer, 'positive dimensions', `[${shape.slice(0, 8)}]`);
    const bytes = count * elementBytes(type);
    const { offset, size } = blob;
    if (size !== bytes) throw badModel(layer, `${bytes} bytes for [${shape}] ${type}`, `${size}`);
    if (offset + size > this.bin.length) {
      const got = `bytes ${offset}..${offset + size}; do both files belong together?`;
      throw badModel(layer, `a range within the ${this.bin.length} bytes of the .bin file`, got);
    }
    return lazyTensor(this.bin.subarray(offset, offset + size), type, shape);
  }

  private nameOf(index: number): string {
    return nameOf(this.ir.layers[index] as IrLayer);
  }
}

/** 'OpenVINO Convolution "conv0"': how messages name a layer. */
export function nameOf(layer: IrLayer): string {
  return `OpenVINO ${layer.type.slice(0, 64)} ${JSON.stringify(layer.name.slice(0, 128))}`;
}

export function badModel(layer: IrLayer, expected: string, got: string): ArcfaceError {
  return new ArcfaceError('bad_model', `${nameOf(layer)}: expected ${expected}, got ${got}`);
}

/** For what a file may well mean but this model family does not use. */
export function unsupported(layer: IrLayer, expected: string, got: string): ArcfaceError {
  const shown = got.slice(0, 80);
  const message = `${nameOf(layer)}: expected ${expected}, got ${shown}`;
  return new ArcfaceError('unsupported_operator', message);
}

/** Comma-separated integers of an attribute. */
export function integersOf(
  layer: IrLayer,
  key: string,
  otherwise?: readonly number[],
): readonly number[] {
  const text = layer.data.get(key);
  if (text === undefined && otherwise) return otherwise;
  const parts = text?.split(',').map((part) => part.trim()) ?? [];
  const sound = parts.length >= 1 && parts.length <= 8 && parts.every((n) => /^-?\d{1,9}$/.test(n));
  if (sound) return parts.map(Number);
  throw badModel(layer, `integers as ${key}`, JSON.stringify(text?.slice(0, 80) ?? null));
}

export function pairOf(
  layer: IrLayer,
  key: string,
  otherwise?: readonly [number, number],
): readonly [number, number] {
  const values = integersOf(layer, key, otherwise);
  if (values.length === 2) return values as readonly [number, number];
  throw badModel(layer, `two integers as ${key}`, `${values}`);
}

export function numberOf(layer: IrLayer, key: string, otherwise?: number): number {
  const text = layer.data.get(key)?.trim();
  if (text === undefined && otherwise !== undefined) return otherwise;
  const value = text ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw badModel(layer, `a number as ${key}`, JSON.stringify(text?.slice(0, 80) ?? null));
}

export function flagOf(layer: IrLayer, key: string, otherwise: boolean): boolean {
  const text = layer.data.get(key)?.trim().toLowerCase();
  if (text === undefined) return otherwise;
  return text === 'true' || text === '1';
}
