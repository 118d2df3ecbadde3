/**
 * What an OpenVINO layer needs while it is imported: the graph so far, its inputs as activations or
 * constants, its blobs. Every range of the `.bin` file is checked against the file's length and the
 * shape it stands for before a tensor is made of it.
 */

import type { GraphNode, RunningStatistics, Tensor } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/limits.ts';
import { channelsFirst, dimsOf, isChannelsFirst, type View, variesAlong, viewOf } from '../axes.ts';
import { exactValues } from '../broadcast.ts';
import { bytesOf, type ElementType, lazyTensor } from '../element-types.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import { badModel, nameOf, unsupported } from './attributes.ts';
import { ConstantFault, constantOf, smallValues } from './constants.ts';
import type { Ir, IrBlob, IrLayer } from './ir.ts';
import type { Activation, Constant, IrValue } from './values.ts';

/** Spelled as in opset files, and as in versions 5 to 7. */
const ELEMENT_TYPES: Readonly<Record<string, ElementType>> = {
  f32: 'f32',
  f16: 'f16',
  bf16: 'bf16',
  f64: 'f64',
  i64: 'i64',
  i32: 'i32',
  i16: 'i16',
  i8: 'i8',
  i4: 'i4',
  u64: 'u64',
  u32: 'u32',
  u16: 'u16',
  u8: 'u8',
  u4: 'u4',
  boolean: 'bool',
  fp32: 'f32',
  fp16: 'f16',
  fp64: 'f64',
};

export class IrContext {
  readonly builder: GraphBuilder;
  /** What was assumed, for `Imported.notes`. */
  readonly notes = new Set<string>();
  /** Graph nodes that were batch norms. */
  readonly batchNorms = new Set<string>();
  /** Whether the file exchanges red and blue of its input, which the graph's first convolution takes over. */
  reversesChannels = false;
  private readonly ir: Ir;
  private readonly bin: Uint8Array;
  private readonly values: ReadonlyMap<number, IrValue>;
  private readonly batch: number;

  /** `values`: by layer position, filled while layers are imported. `batch`: that of the file. */
  constructor(
    builder: GraphBuilder,
    ir: Ir,
    bin: Uint8Array,
    values: ReadonlyMap<number, IrValue>,
    batch: number,
  ) {
    this.builder = builder;
    this.ir = ir;
    this.bin = bin;
    this.values = values;
    this.batch = batch;
  }

  /** The target of a reshape for a batch of 1, where the file states the dimensions of a larger one. */
  ofOnePicture(target: readonly number[], value: IrValue): readonly number[] {
    const [first, ...rest] = target;
    const fixed = value.kind !== 'constant' && this.batch > 1 && first === this.batch;
    return fixed ? [1, ...rest] : target;
  }

  /** Value behind input `index`. */
  input(layer: IrLayer, index: number): IrValue {
    const source = layer.inputs[index];
    const value = source && this.values.get(source.layer);
    if (value !== undefined && source?.output === 0) return value;
    const got = source ? `output ${source.output} of ${this.nameOf(source.layer)}` : 'nothing';
    throw badModel(layer, `a value as input ${index}`, got);
  }

  /** Depends on the picture; squares are computed if need be. */
  activation(layer: IrLayer, index: number): Activation {
    return this.computed(layer, this.input(layer, index), `an activation as input ${index}`);
  }

  computed(layer: IrLayer, value: IrValue, expected: string): Activation {
    if (value.kind === 'square') return this.squared(layer, value.of);
    if (value.kind === 'constant') throw badModel(layer, expected, 'a constant');
    if (value.kind !== 'activation') {
      throw unsupported(layer, expected, 'a step of a normalisation');
    }
    if (value.integer) {
      throw unsupported(layer, 'a conversion of integer pixels to floats first', 'none');
    }
    if (!value.reversed) return value;
    throw unsupported(layer, 'a convolution to read exchanged channels', layer.type);
  }

  /** As `activation`, for layers that need not know whether channels were exchanged. */
  inAnyOrder(layer: IrLayer, index: number): Activation {
    const value = this.input(layer, index);
    const isReversed = value.kind === 'activation' && value.reversed && !value.integer;
    return isReversed ? value : this.activation(layer, index);
  }

  /** [1, C, H, W]. */
  picture(layer: IrLayer, index: number): Activation {
    return this.channelsFirst(layer, this.activation(layer, index));
  }

  /** As `picture`, with channels exchanged or not. */
  pictureInAnyOrder(layer: IrLayer, index: number): Activation {
    return this.channelsFirst(layer, this.inAnyOrder(layer, index));
  }

  private channelsFirst(layer: IrLayer, value: Activation): Activation {
    if (isChannelsFirst(value)) return value;
    throw unsupported(layer, `an input [1, C, H, W]`, shownDims(value));
  }

  isConstant(layer: IrLayer, index: number): boolean {
    return this.input(layer, index).kind === 'constant';
  }

  constant(layer: IrLayer, index: number): Constant {
    const value = this.input(layer, index);
    if (value.kind === 'constant') return value;
    throw badModel(layer, `a constant as input ${index}`, 'an activation');
  }

  optionalConstant(layer: IrLayer, index: number): Constant | undefined {
    return layer.inputs[index] && this.constant(layer, index);
  }

  /** Integers of a short constant: shapes, axes, orders. */
  integers(layer: IrLayer, index: number): number[] {
    const { tensor } = this.constant(layer, index);
    const count = elementsOf(tensor.shape) ?? 0;
    const values = count >= 1 && count <= 8 ? [...exactValues(tensor)] : [];
    if (count === values.length && values.every(Number.isInteger)) return values;
    throw badModel(layer, `1..8 integers as input ${index}`, `shape [${tensor.shape}]`);
  }

  /** The value of a constant that has one. */
  scalar(layer: IrLayer, index: number): number {
    const { tensor } = this.constant(layer, index);
    if (elementsOf(tensor.shape) === 1) return exactValues(tensor)[0] as number;
    throw unsupported(layer, `one number as input ${index}`, `shape [${tensor.shape}]`);
  }

  /** One value for all, or one per channel of `view`, from a constant that broadcasts to it. */
  channels(layer: IrLayer, constant: Constant, view: View): number | Float64Array {
    const { shape } = constant.tensor;
    const along = variesAlong(view, shape);
    if (along === 'nothing') return exactValues(constant.tensor)[0] as number;
    if (along === undefined) {
      throw badModel(layer, `a constant per channel of ${shownDims(view)}`, `[${shape}]`);
    }
    const values = calling(layer, () => smallValues(constant));
    if (view.reversed) return values.reverse();
    return view.channelsLast ? channelsFirst(values, view.channelsLast) : values;
  }

  /** Appends a node whose value the file sees as `view`, by default as [1, C, H, W] or [1, C]. */
  emit(node: GraphNode, view?: View): Activation {
    return this.named(this.builder.add(node), view);
  }

  affine(
    layer: IrLayer,
    x: Activation,
    scale: number | Float64Array,
    shift: number | Float64Array,
    remembered?: RunningStatistics,
  ): Activation {
    return this.named(this.builder.affine(layer.name, x.name, scale, shift, remembered), x);
  }

  prelu(layer: IrLayer, x: Activation, slope: number | Float64Array): Activation {
    return this.named(this.builder.prelu(layer.name, x.name, slope), x);
  }

  private squared(layer: IrLayer, x: Activation): Activation {
    const name = `${layer.name}/squared`;
    return this.emit({ op: 'mul', name, inputs: [x.name, x.name] }, x);
  }

  /** The value of that name in the graph. */
  named(name: string, view: View = viewOf(this.builder.shapeOf(name))): Activation {
    const { axes, channelsLast, reversed } = view;
    const shape = this.builder.shapeOf(name);
    return { kind: 'activation', name, shape, axes, channelsLast, reversed };
  }

  /** A blob of versions 5 to 7 that must hold exactly `shape`. */
  blob(layer: IrLayer, name: string, shape: readonly number[]): Tensor | undefined {
    const blob = layer.blobs.get(name);
    return blob && this.tensor(layer, blob, precisionOf(layer, blob), shape).tensor;
  }

  /** A blob of one value per channel of `x`, which stand on axis 1, or one for all. */
  blobChannels(
    layer: IrLayer,
    name: string,
    x: Activation,
    mayVary = true,
  ): number | Float64Array | undefined {
    const blob = layer.blobs.get(name);
    const channels = mayVary ? x.shape[0] : 1;
    if (!blob) return undefined;
    const shared = blob.size === bytesOf(this.elementType(layer, precisionOf(layer, blob)), 1);
    const { tensor } = this.tensor(layer, blob, precisionOf(layer, blob), [shared ? 1 : channels]);
    const values = exactValues(tensor);
    if (shared) return values[0];
    requireChannelsOnAxis1(layer, x);
    return x.channelsLast ? channelsFirst(values, x.channelsLast) : values;
  }

  tensor(layer: IrLayer, blob: IrBlob, stated: string, shape: readonly number[]): Constant {
    const type = this.elementType(layer, stated);
    const count = elementsOf(shape);
    if (count === undefined) throw badModel(layer, 'positive dimensions', `[${shape.slice(0, 8)}]`);
    const bytes = bytesOf(type, count);
    const { offset, size } = blob;
    if (size !== bytes) throw badModel(layer, `${bytes} bytes for [${shape}] ${type}`, `${size}`);
    if (offset + size > this.bin.length) {
      const got = `bytes ${offset}..${offset + size}; do both files belong together?`;
      throw badModel(layer, `a range within the ${this.bin.length} bytes of the .bin file`, got);
    }
    return constantOf(lazyTensor(this.bin.subarray(offset, offset + size), type, shape), type);
  }

  elementType(layer: IrLayer, stated: string): ElementType {
    const type = ELEMENT_TYPES[stated.toLowerCase()];
    if (type) return type;
    throw unsupported(layer, 'f32, f16, f64 or integer constants', stated);
  }

  private nameOf(index: number): string {
    return nameOf(this.ir.layers[index] as IrLayer);
  }
}

function precisionOf(layer: IrLayer, blob: IrBlob): string {
  return blob.precision ?? layer.precision ?? layer.outputs[0]?.precision ?? 'FP32';
}

/** Faults of constants become the layer's. */
export function calling<Result>(layer: IrLayer, compute: () => Result): Result {
  try {
    return compute();
  } catch (error) {
    if (error instanceof ConstantFault) throw unsupported(layer, error.expected, error.got);
    throw error;
  }
}

/** Where layers of versions 5 to 7 and batch norms have one number per channel. */
export function requireChannelsOnAxis1(layer: IrLayer, x: View): void {
  if (x.axes[1] === 'c' || x.shape[0] === 1) return;
  throw unsupported(layer, 'channels on axis 1', shownDims(x));
}

/** '[1,512,7,7]', as the file sees it. */
export function shownDims(view: View): string {
  return `[${dimsOf(view)}]`;
}
