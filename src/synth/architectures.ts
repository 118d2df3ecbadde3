/**
 * The published architectures with seeded weights: InsightFace's LResNet*E-IR (unit "v3") and
 * MobileFaceNet "y1", node for node as their MXNet symbols have them.
 *
 * Source: deepinsight/insightface `src/symbols/fresnet.py`, `symbol_utils.py`; y1's own symbol file.
 */

import { ArcfaceError } from '../errors.ts';
import { SynthBuilder, type Value } from './builder.ts';
import type { SynthModel } from './model.ts';

export type SynthArchitecture = 'r18' | 'r34' | 'r50' | 'r100' | 'mobilefacenet';

export const SYNTH_ARCHITECTURES: readonly SynthArchitecture[] = [
  'r18',
  'r34',
  'r50',
  'r100',
  'mobilefacenet',
];

/** Units per stage, channels of the stem and of each stage, length of the embedding. */
export interface ResNetSpec {
  readonly units: readonly [number, number, number, number];
  readonly channels: readonly [number, number, number, number, number];
  readonly embedding: number;
}

const CHANNELS = [64, 64, 128, 256, 512] as const;
const RESNETS: Readonly<Record<Exclude<SynthArchitecture, 'mobilefacenet'>, ResNetSpec>> = {
  r18: { units: [2, 2, 2, 2], channels: CHANNELS, embedding: 512 },
  r34: { units: [3, 4, 6, 3], channels: CHANNELS, embedding: 512 },
  r50: { units: [3, 4, 14, 3], channels: CHANNELS, embedding: 512 },
  r100: { units: [3, 13, 30, 3], channels: CHANNELS, embedding: 512 },
};

const EPS = 2e-5;
/** MXNet's default, which y1 uses everywhere but in `fc1`. */
const MXNET_DEFAULT_EPS = 1e-3;
/** Side of the last feature map of a 112x112 input after four halvings. */
const LAST_SIDE = 7;

/** `seed`: any integer from 0 to 2^32 - 1. Equal arguments give equal bytes. */
export function synthesize(architecture: SynthArchitecture, seed: number): SynthModel {
  if (architecture === 'mobilefacenet') return mobileFaceNet(seed);
  const spec = RESNETS[architecture];
  if (!spec) {
    throw new ArcfaceError(
      'bad_argument',
      `synthesize: expected one of ${SYNTH_ARCHITECTURES.join(', ')}, got ${String(architecture)}`,
    );
  }
  return resNet(architecture, spec, seed);
}

/** LResNet-E-IR of any size; `synthesize` has the published ones. */
export function resNet(name: string, spec: ResNetSpec, seed: number): SynthModel {
  const builder = builderFor(seed);
  builder.nodes.push({ op: 'identity', name: 'id', input: 'data' });
  let x = builder.normalizeInput('id');
  x = builder.conv('conv0', x, { channels: spec.channels[0], kernel: 3, stride: 1, pad: 1 });
  x = builder.prelu('relu0', builder.batchNorm('bn0', x, { eps: EPS }));
  let plus = 0;
  for (let stage = 1; stage <= 4; stage++) {
    const units = spec.units[stage - 1] as number;
    const channels = spec.channels[stage] as number;
    for (let unit = 1; unit <= units; unit++) {
      const at: UnitPlace = { prefix: `stage${stage}_unit${unit}`, plus: `_plus${plus}` };
      x = residualUnit(builder, x, at, { channels, first: unit === 1, units });
      plus += 1;
    }
  }
  x = builder.pass('dropout', 'dropout0', builder.batchNorm('bn1', x, { eps: EPS }));
  return finish(builder, name, seed, x, { side: LAST_SIDE, embedding: spec.embedding });
}

interface UnitPlace {
  readonly prefix: string;
  readonly plus: string;
}

interface UnitSpec {
  readonly channels: number;
  readonly first: boolean;
  readonly units: number;
}

/** BN, 3x3, BN, PReLU, 3x3 (strided), BN, plus the raw input or its strided 1x1 projection. */
function residualUnit(builder: SynthBuilder, x: Value, at: UnitPlace, spec: UnitSpec): Value {
  const { prefix } = at;
  const { channels } = spec;
  const stride = spec.first ? 2 : 1;
  let y = builder.batchNorm(`${prefix}_bn1`, x, { eps: EPS });
  y = builder.conv(`${prefix}_conv1`, y, { channels, kernel: 3, stride: 1, pad: 1 });
  y = builder.batchNorm(`${prefix}_bn2`, y, { eps: EPS });
  y = builder.prelu(`${prefix}_relu1`, y);
  y = builder.conv(`${prefix}_conv2`, y, { channels, kernel: 3, stride, pad: 1 });
  y = builder.batchNorm(`${prefix}_bn3`, y, { eps: EPS, power: branchPower(spec.units) });
  if (!spec.first) return builder.add(at.plus, y, x);
  let shortcut = builder.conv(`${prefix}_conv1sc`, x, { channels, kernel: 1, stride, pad: 0 });
  shortcut = builder.batchNorm(`${prefix}_sc`, shortcut, { eps: EPS });
  return builder.add(at.plus, y, shortcut);
}

/**
 * Power of one residual branch. The sum over a stage stays near that of its shortcut, so that
 * activations stay of order 1 and a deep stack does not drown what tells two faces apart.
 */
function branchPower(units: number): number {
  return Math.min(0.4, 3 / units);
}

function mobileFaceNet(seed: number): SynthModel {
  const builder = builderFor(seed);
  let x = builder.normalizeInput('data');
  const layer = (name: string, spec: Partial<LayerSpec> & Pick<LayerSpec, 'channels'>): void => {
    x = mobileLayer(builder, name, x, { ...POINTWISE, ...spec });
  };
  const bottleneck = (prefix: string, inner: number, channels: number, spec: Strided): void => {
    layer(`${prefix}_conv_sep`, { channels: inner });
    layer(`${prefix}_conv_dw`, { ...DEPTHWISE, channels: inner, stride: spec.stride });
    layer(`${prefix}_conv_proj`, { channels, linear: true, power: spec.power });
  };
  layer('conv_1', { channels: 64, kernel: 3, stride: 2, pad: 1 });
  layer('conv_2_dw', { ...DEPTHWISE, channels: 64 });
  let plus = 0;
  for (const stage of MOBILE_STAGES) {
    bottleneck(stage.down, stage.downInner, stage.channels, { stride: 2, power: 1 });
    for (let block = 0; block < stage.blocks; block++) {
      const shortcut = x;
      const spec: Strided = { stride: 1, power: branchPower(stage.blocks) };
      bottleneck(`${stage.residual}_block${block}`, stage.inner, stage.channels, spec);
      x = builder.add(`_plus${plus}`, x, shortcut);
      plus += 1;
    }
  }
  layer('conv_6sep', { channels: 512 });
  layer('conv_6dw7_7', { ...DEPTHWISE, channels: 512, kernel: LAST_SIDE, pad: 0, linear: true });
  return finish(builder, 'mobilefacenet', seed, x, { side: 1, embedding: 128 });
}

interface Strided {
  readonly stride: number;
  readonly power: number;
}

const MOBILE_STAGES = [
  { down: 'dconv_23', downInner: 128, residual: 'res_3', blocks: 4, inner: 128, channels: 64 },
  { down: 'dconv_34', downInner: 256, residual: 'res_4', blocks: 6, inner: 256, channels: 128 },
  { down: 'dconv_45', downInner: 512, residual: 'res_5', blocks: 2, inner: 256, channels: 128 },
] as const;

interface LayerSpec {
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly depthwise: boolean;
  readonly linear: boolean;
  readonly power: number;
}

const POINTWISE = { kernel: 1, stride: 1, pad: 0, depthwise: false, linear: false, power: 1 };
const DEPTHWISE = { kernel: 3, stride: 1, pad: 1, depthwise: true };

/** Convolution, BN and, unless linear, PReLU. */
function mobileLayer(builder: SynthBuilder, name: string, from: Value, spec: LayerSpec): Value {
  const x = builder.conv(`${name}_conv2d`, from, spec);
  const norm = { eps: MXNET_DEFAULT_EPS, power: spec.power };
  const y = builder.batchNorm(`${name}_batchnorm`, x, norm);
  return spec.linear ? y : builder.prelu(`${name}_relu`, y);
}

/** `pre_fc1` and `fc1`, the batch norm whose gamma is fixed at 1. */
function finish(
  builder: SynthBuilder,
  name: string,
  seed: number,
  x: Value,
  head: { side: number; embedding: number },
): SynthModel {
  const features = x.channels * head.side * head.side;
  const y = builder.fc('pre_fc1', x, features, head.embedding);
  builder.batchNorm('fc1', y, { eps: EPS, fixGamma: true });
  return { name, seed, inputName: 'data', nodes: builder.nodes, output: 'fc1' };
}

function builderFor(seed: number): SynthBuilder {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new ArcfaceError(
      'bad_argument',
      `synthesize: expected a seed that is an integer from 0 to 4294967295, got ${seed}`,
    );
  }
  return new SynthBuilder(seed);
}
