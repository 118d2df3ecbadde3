/**
 * A network in training form (nothing folded) with seeded weights: what the writers of test models
 * turn into ONNX, MXNet and OpenVINO files. For speed and exactness, never for recognition.
 *
 * Names, structure and attributes are those of InsightFace's MXNet symbols. Tensors are generated
 * when read, each from its own stream, so a network costs nothing until its weights are written.
 */

/** Row-major constant; every `read()` generates the same values into a fresh array. */
export interface SynthTensor {
  readonly shape: readonly number[];
  read(): Float32Array;
}

interface Unary<Op extends string> {
  readonly op: Op;
  readonly name: string;
  readonly input: string;
}

export type SynthPair = readonly [number, number];

export interface SynthScalar extends Unary<'minus_scalar' | 'mul_scalar'> {
  readonly value: number;
}

export type SynthPass = Unary<'identity' | 'dropout' | 'flatten'>;

/** No bias. `weight` is OIHW: [O, I / group, kh, kw]; `pad` is the same on both sides. */
export interface SynthConv extends Unary<'conv'> {
  readonly weight: SynthTensor;
  readonly stride: SynthPair;
  readonly pad: SynthPair;
  readonly group: number;
}

/**
 * y = (x - mean) / sqrt(variance + eps) * gamma + beta. With `fixGamma` the factor is 1 whatever
 * `gamma` holds, as in MXNet; `gamma` is then what a file stores.
 */
export interface SynthBatchNorm extends Unary<'batchnorm'> {
  readonly gamma: SynthTensor;
  readonly beta: SynthTensor;
  readonly mean: SynthTensor;
  readonly variance: SynthTensor;
  readonly eps: number;
  readonly fixGamma: boolean;
}

/** y = x >= 0 ? x : slope[c] * x. */
export interface SynthPRelu extends Unary<'prelu'> {
  readonly slope: SynthTensor;
}

export interface SynthAdd {
  readonly op: 'add';
  readonly name: string;
  readonly inputs: readonly [string, string];
}

/** weight [O, K]; flattens its input C-major, as MXNet's FullyConnected does. */
export interface SynthFc extends Unary<'fc'> {
  readonly weight: SynthTensor;
  readonly bias: SynthTensor;
}

export type SynthNode =
  | SynthScalar
  | SynthPass
  | SynthConv
  | SynthBatchNorm
  | SynthPRelu
  | SynthAdd
  | SynthFc;

/** Input `data`: [1, 3, 112, 112], RGB, 0..255. Nodes stand in topological order. */
export interface SynthModel {
  readonly name: string;
  readonly seed: number;
  readonly inputName: 'data';
  readonly nodes: readonly SynthNode[];
  readonly output: 'fc1';
}
