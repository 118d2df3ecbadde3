/**
 * The network as a file states it: what every importer (`formats/`) returns and `convert/fold.ts`
 * consumes. A closed list of operators; one output per node, named like the node; nodes stand in
 * topological order; activations are one picture, [C, H, W] or [F] after `flatten`.
 *
 * Batch norms, scalar Sub/Mul and per-channel Mul/Add all arrive here as `affine`; ReLU and leaky
 * ReLU arrive as `prelu`. Weights stay unread behind `Tensor` until a stage needs them.
 */

/** A constant that is decoded when asked, so that a 261 MB file is never held twice. */
export interface Tensor {
  readonly shape: readonly number[];
  /** Decodes into a fresh array, row-major; callers may keep or change it. */
  read(): Float32Array;
  /** The same values before the one rounding to f32; absent where they are f32 to begin with. */
  readExact?(): Float64Array;
}

/** [channels, height, width] or [features]. */
export type Shape = readonly [number, number, number] | readonly [number];

/** Of an aligned face, which every network of this family takes. */
export const FACE_SHAPE: readonly [number, number, number] = [3, 112, 112];

interface NodeOf<Op extends string> {
  readonly op: Op;
  /** Unique; also the name of the node's only output. */
  readonly name: string;
  /** Names of earlier nodes, or the graph input's name. */
  readonly inputs: readonly string[];
}

/**
 * y = act(conv(x) + bias + residual). Importers leave `activation`, `padValue` and the residual
 * (second input) unset; folding sets them.
 */
export interface ConvNode extends NodeOf<'conv'> {
  /** OIHW: [O, I / group, kh, kw]. */
  readonly weight: Tensor;
  /** [O]; absent means 0. */
  readonly bias?: Float64Array | undefined;
  readonly stride: readonly [number, number];
  /** top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
  readonly group: number;
  /** [I]: value of the padding per input channel; absent means 0. */
  readonly padValue?: Float64Array | undefined;
  readonly activation?: Activation | undefined;
}

/** y = act(W x + bias), x of K features. */
export interface FcNode extends NodeOf<'fc'> {
  /** [O, K]; K counts features in the order of `flatten` (C-major: c * H * W + y * W + x). */
  readonly weight: Tensor;
  readonly bias?: Float64Array | undefined;
  readonly activation?: Activation | undefined;
}

/** y[c] = x[c] * scale[c] + shift[c], on [C, H, W] or [F]. */
export interface AffineNode extends NodeOf<'affine'> {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
  /** Of a batch norm whose file has them: what its input was in training. Folding drops them. */
  readonly remembered?: RunningStatistics | undefined;
}

/** [C] each, of the values in front of a batch norm. Its eps and gamma are in `scale`, not in here. */
export interface RunningStatistics {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** y = x >= 0 ? x : slope[c] * x. Slopes may be negative or above 1. */
export interface PReluNode extends NodeOf<'prelu'> {
  readonly slope: Float64Array;
}

export interface ClipNode extends NodeOf<'clip'> {
  readonly min: number;
  readonly max: number;
}

export type SigmoidNode = NodeOf<'sigmoid'>;

/** Two inputs of equal shape. */
export type AddNode = NodeOf<'add'>;

/** y = a * b, two inputs of equal shape (swish: x and its sigmoid). */
export type MulNode = NodeOf<'mul'>;

/** y[c, h, w] = x[c, h, w] * gate[c]: inputs [x, gate]; gate is [C, 1, 1] or [C] (SE units). */
export type GateNode = NodeOf<'gate'>;

/** The channels of both, one after the other: [C1, H, W] and [C2, H, W] -> [C1 + C2, H, W]; vectors alike. */
export type ConcatNode = NodeOf<'concat'>;

/**
 * Every `stride`th row and column, from the first or from `offset` on: y[c, i, j] = x[c, i * sh + oy,
 * j * sw + ox]. Max pooling with a window of one pixel, the identity shortcut of many IR networks.
 */
export interface SubsampleNode extends NodeOf<'subsample'> {
  readonly stride: readonly [number, number];
  /** First row and column. Absent means 0, 0. */
  readonly offset?: readonly [number, number] | undefined;
}

/** Global average pooling: [C, H, W] -> [C, 1, 1]. */
export type GlobalAveragePoolNode = NodeOf<'global_average_pool'>;

/** [C, H, W] -> [C * H * W], C-major. */
export type FlattenNode = NodeOf<'flatten'>;

/**
 * y[:, p] = x[:, p] * m / |x[:, p]|, m the mean over all locations q of |x[:, q]|: every location of
 * [C, H, W] gets the mean norm (norm-aware pooling, GNAP). A location that is all 0 stays 0.
 */
export type EqualizeNormsNode = NodeOf<'equalize_norms'>;

/** y = x / max(|x|, eps) over all values. */
export interface L2NormalizeNode extends NodeOf<'l2_normalize'> {
  readonly eps: number;
}

export type GraphNode =
  | ConvNode
  | FcNode
  | AffineNode
  | PReluNode
  | ClipNode
  | SigmoidNode
  | AddNode
  | MulNode
  | GateNode
  | ConcatNode
  | SubsampleNode
  | GlobalAveragePoolNode
  | FlattenNode
  | EqualizeNormsNode
  | L2NormalizeNode;

export type Activation =
  | { readonly kind: 'prelu'; readonly slope: Float64Array }
  | { readonly kind: 'clip'; readonly min: number; readonly max: number };

export interface Graph {
  readonly name: string;
  readonly input: { readonly name: string; readonly shape: readonly [number, number, number] };
  readonly nodes: readonly GraphNode[];
  /** Name of the node whose value is the embedding. */
  readonly output: string;
}
