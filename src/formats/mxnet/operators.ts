/**
 * The MXNet operators of this model family, under all names they have had: what reads them, and the
 * attributes that it knows or need not know. `import.ts` refuses what is not in the table.
 */

import type { MxnetContext } from './context.ts';
import { batchNorm, convolution, fullyConnected, pad, pooling } from './layers.ts';
import {
  l2Normalization,
  mean,
  norm,
  powerScalar,
  reciprocalScalar,
  square,
  stepPower,
  sum,
} from './norms.ts';
import {
  activation,
  add,
  clip,
  divide,
  divScalar,
  fromScalar,
  leakyRelu,
  maximumScalar,
  minimumScalar,
  minusScalar,
  mulScalar,
  multiply,
  negative,
  plusScalar,
  relu,
  sigmoid,
  subtract,
} from './pointwise.ts';
import {
  cast,
  dropout,
  expandDims,
  flatten,
  identity,
  repeated,
  reshape,
  squeeze,
  transpose,
} from './shaping.ts';
import type { SymbolNode } from './symbol.ts';
import type { MxnetValue } from './values.ts';

/** Appends `node` to the graph; returns its value. */
export type ImportOperator = (node: SymbolNode, at: MxnetContext) => MxnetValue;

const SCALAR = 'scalar is_int';
const REDUCTION = 'axis keepdims exclude dtype out_dtype';

// biome-ignore format: one table
const OPERATORS: readonly (readonly [names: string, attributes: string, read: ImportOperator])[] = [
  ['_copy identity BlockGrad stop_gradient _CrossDeviceCopy', '', identity],
  ['MakeLoss make_loss', 'grad_scale normalization valid_thresh', identity],
  ['Dropout', 'p mode axes', dropout],
  ['Cast cast amp_cast', 'dtype', cast],
  ['_plus_scalar _PlusScalar', SCALAR, plusScalar],
  ['_minus_scalar _MinusScalar', SCALAR, minusScalar],
  ['_rminus_scalar _RMinusScalar', SCALAR, fromScalar],
  ['_mul_scalar _MulScalar', SCALAR, mulScalar],
  ['_div_scalar _DivScalar', SCALAR, divScalar],
  ['_rdiv_scalar _RDivScalar', SCALAR, reciprocalScalar],
  ['_power_scalar _PowerScalar', SCALAR, powerScalar],
  ['_maximum_scalar _MaximumScalar', SCALAR, maximumScalar],
  ['_minimum_scalar _MinimumScalar', SCALAR, minimumScalar],
  ['Convolution Convolution_v1', 'kernel stride dilate pad num_filter num_group no_bias layout', convolution],
  ['FullyConnected', 'num_hidden no_bias flatten', fullyConnected],
  ['BatchNorm BatchNorm_v1 _contrib_SyncBatchNorm', 'eps fix_gamma axis momentum use_global_stats output_mean_var min_calib_range max_calib_range ndev key', batchNorm],
  ['LeakyReLU', 'act_type slope lower_bound upper_bound', leakyRelu],
  ['Activation', 'act_type', activation],
  ['relu', '', relu],
  ['sigmoid', '', sigmoid],
  ['clip', 'a_min a_max', clip],
  ['negative', '', negative],
  ['Pooling Pooling_v1', 'kernel pool_type global_pool pooling_convention stride pad p_value count_include_pad layout', pooling],
  ['Pad pad', 'mode pad_width constant_value', pad],
  ['Flatten flatten', '', flatten],
  ['Reshape reshape', 'shape target_shape keep_highest reverse', reshape],
  ['expand_dims', 'axis', expandDims],
  ['squeeze', 'axis', squeeze],
  ['transpose', 'axes', transpose],
  ['tile', 'reps', repeated],
  ['broadcast_to broadcast_like broadcast_axis broadcast_axes', 'shape axis size lhs_axes rhs_axes', repeated],
  ['elemwise_add _plus _Plus _add _grad_add broadcast_add broadcast_plus', '', add],
  ['ElementWiseSum add_n', 'num_args', add],
  ['elemwise_sub _minus _Minus _sub broadcast_sub broadcast_minus', '', subtract],
  ['elemwise_mul _mul _Mul broadcast_mul', '', multiply],
  ['elemwise_div _div _Div broadcast_div', '', divide],
  ['L2Normalization', 'eps mode', l2Normalization],
  ['square', '', square],
  ['sqrt', '', stepPower(0.5)],
  ['rsqrt', '', stepPower(-0.5)],
  ['reciprocal', '', stepPower(-1)],
  ['sum sum_axis', REDUCTION, sum],
  ['mean', REDUCTION, mean],
  ['norm', `${REDUCTION} ord`, norm],
];

/** Of training, scheduling and memory: nothing that a value depends on. */
const HARMLESS =
  /^(__\w+__|workspace|cudnn_\w+|ctx_group|mirror_stage|force_mirroring|(\w+_)?(lr|wd)_mult|init)$/;

interface Supported {
  readonly read: ImportOperator;
  readonly attributes: ReadonlySet<string>;
}

export const MXNET_OPERATORS: ReadonlyMap<string, Supported> = new Map(
  OPERATORS.flatMap(([names, attributes, read]) => {
    const supported = { read, attributes: new Set(attributes.split(' ')) };
    return names.split(' ').map((name) => [name, supported] as const);
  }),
);

/** Attributes that `node` states and its reader does not ask for. */
export function unknownAttributes(node: SymbolNode): string[] {
  const known = MXNET_OPERATORS.get(node.op)?.attributes;
  return [...node.attributes.keys()].filter((key) => !known?.has(key) && !HARMLESS.test(key));
}
