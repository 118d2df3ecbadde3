/** What a name in an ONNX graph stands for while the graph is imported. */

import type { Shape } from '../../graph/graph.ts';
import type { NormTerm } from '../norm-term.ts';
import type { Constant } from './constant.ts';

/**
 * A value that depends on the picture. Its ONNX dimensions need not be those of the graph's value: what
 * only renames, regroups or exchanges axes changes `dims` and `axes` and moves no data.
 */
export interface Activation {
  readonly kind: 'activation';
  /** Graph node (or the input) that computes it. */
  readonly name: string;
  /** Of the graph's value: [C, H, W], or [F] where it was computed as a vector or flattened. */
  readonly shape: Shape;
  /** What the features of a flattened value are: [C, H, W] of the picture, C-major; else `shape`. */
  readonly extents: Shape;
  /** ONNX dimensions with a batch of 1. */
  readonly dims: readonly number[];
  /** For each of `dims` the axes of `extents` larger than 1 that it runs over, the outermost first. */
  readonly axes: readonly (readonly number[])[];
  /** Value of the file that flattens it: what a flatten node is to be called. */
  readonly flatName?: string | undefined;
  /** A border that `dims` have and the graph's value has not; a convolution takes it over. */
  readonly border?: Border | undefined;
  /** Integers q that stand for (q - zeroPoint) * scale, which the graph's value is. */
  readonly integers?: IntegerUnits | undefined;
}

/** Pads of [H, W] at top, left, bottom and right with one value. */
export interface Border {
  readonly pads: readonly [number, number, number, number];
  readonly value: number;
}

export interface IntegerUnits {
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface ConstantValue {
  readonly kind: 'constant';
  readonly constant: Constant;
}

/** x * x, which is computed only where something else than an L2 norm needs it. */
export interface Squares {
  readonly kind: 'squares';
  readonly name: string;
  readonly of: Activation;
}

/** One number on the way from x to x / |x|. */
export interface Norm {
  readonly kind: 'norm';
  readonly term: NormTerm;
}

/** Where x is above or below 0, or not a number: the condition of a Where. */
export interface Mask {
  readonly kind: 'mask';
  readonly of: Activation;
  readonly test: 'above' | 'below' | 'nan';
}

/**
 * What `DynamicQuantizeLinear` makes of x, whose scale is known only when it runs: x itself as integers,
 * its scale (times a constant), its zero point.
 */
export interface Dynamic {
  readonly kind: 'dynamic';
  readonly part: 'integers' | 'scale' | 'zero point';
  readonly of: Activation;
  readonly factor?: Constant | undefined;
}

/** An integer product in units of the scale of x: multiplied by that scale it is `value`. */
export interface Accumulated {
  readonly kind: 'accumulated';
  readonly value: Activation;
  /** Name of x. */
  readonly of: string;
}

/** An output that nobody should need: indices of a pooling, the mask of a dropout. */
export interface Unread {
  readonly kind: 'unread';
  readonly what: string;
}

export type Value =
  | Activation
  | ConstantValue
  | Squares
  | Norm
  | Mask
  | Dynamic
  | Accumulated
  | Unread;

export function constantValue(constant: Constant): ConstantValue {
  return { kind: 'constant', constant };
}

/** For messages. */
export function describeValue(value: Value): string {
  switch (value.kind) {
    case 'activation':
      return value.integers ? 'integers of a quantised value' : `a value [${value.dims}]`;
    case 'constant':
      return 'a constant';
    case 'squares':
      return 'squares';
    case 'norm':
      return 'a norm';
    case 'mask':
      return 'a comparison of values';
    case 'dynamic':
      return `the ${value.part} of a dynamic quantisation`;
    case 'accumulated':
      return 'an integer product that was not scaled';
    case 'unread':
      return value.what;
  }
}
