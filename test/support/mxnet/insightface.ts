/**
 * Small networks in the form that InsightFace's own scripts give their symbols: every stem, unit,
 * activation and head of them, with few and narrow layers.
 *
 * Source: deepinsight/insightface, recognition/symbol and src/symbols (fresnet, fmobilefacenet, fmnasnet,
 * vargfacenet, spherenet, symbol_utils).
 */

import type { JsonNode, JsonSymbol } from './evaluate.ts';

export const HEADS = ['E', 'FC', 'SFC', 'GAP', 'GNAP', 'GDC', 'F', 'G', 'H', 'I', 'J'] as const;
/** Of the first scripts, before there was one file for all heads. */
export const OLD_HEADS = ['A', 'B', 'C', 'D', 'old E', 'old F', 'old G', 'old H'] as const;
export type Head = (typeof HEADS)[number] | (typeof OLD_HEADS)[number];

export interface FresnetOptions {
  readonly input?: 0 | 1 | 2;
  readonly unit?: 1 | 2 | 3;
  readonly se?: boolean;
  readonly act?: 'prelu' | 'relu' | 'swish';
  readonly bottleneck?: boolean;
  readonly head?: Head;
  readonly embedding?: number;
}

type Attributes = Record<string, string | number | boolean | readonly number[]>;

interface ConvOptions {
  readonly filters: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly pad?: number;
  readonly group?: number;
  readonly bias?: boolean;
}

/** A symbol in the making; values are node ids. */
export class SymbolNet {
  private readonly nodes: JsonNode[] = [];
  private counted = 0;

  constructor(size: number) {
    this.variable('data', `(1, 3, ${size}, ${size})`);
  }

  build(): JsonSymbol {
    return { nodes: this.nodes, heads: [[this.nodes.length - 1, 0, 0]] };
  }

  op(op: string, name: string, inputs: readonly number[], attrs: Attributes = {}): number {
    const text = (value: Attributes[string]): string => {
      if (typeof value === 'boolean') return value ? 'True' : 'False';
      return typeof value === 'object' ? `(${value.join(', ')})` : String(value);
    };
    const written = Object.fromEntries(Object.entries(attrs).map(([k, v]) => [k, text(v)]));
    return (
      this.nodes.push({ op, name, attrs: written, inputs: inputs.map((id) => [id, 0, 0]) }) - 1
    );
  }

  /** Named by a counter, as Python's operators are. */
  auto(op: string, inputs: readonly number[], attrs: Attributes = {}): number {
    return this.op(op, `${op.replaceAll('_', '')}${this.counted++}`, inputs, attrs);
  }

  conv(x: number, name: string, options: ConvOptions): number {
    const { filters, kernel = 1, stride = 1, pad = 0, group = 1, bias = false } = options;
    const inputs = [x, this.variable(`${name}_weight`)];
    if (bias) inputs.push(this.variable(`${name}_bias`));
    return this.op('Convolution', name, inputs, {
      kernel: [kernel, kernel],
      stride: [stride, stride],
      pad: [pad, pad],
      num_filter: filters,
      num_group: group,
      no_bias: !bias,
      workspace: 256,
    });
  }

  norm(x: number, name: string, fixGamma = false, eps = '2e-05'): number {
    const roles = ['gamma', 'beta', 'moving_mean', 'moving_var'];
    const inputs = [x, ...roles.map((role) => this.variable(`${name}_${role}`))];
    return this.op('BatchNorm', name, inputs, { fix_gamma: fixGamma, eps, momentum: 0.9 });
  }

  act(x: number, name: string, kind: 'prelu' | 'relu' | 'swish'): number {
    if (kind === 'relu') return this.op('Activation', name, [x], { act_type: 'relu' });
    if (kind === 'swish') {
      const gate = this.op('Activation', `${name}_sigmoid`, [x], { act_type: 'sigmoid' });
      return this.op('elemwise_mul', name, [x, gate]);
    }
    return this.op('LeakyReLU', name, [x, this.variable(`${name}_gamma`)], { act_type: 'prelu' });
  }

  fc(x: number, name: string, units: number): number {
    const inputs = [x, this.variable(`${name}_weight`), this.variable(`${name}_bias`)];
    return this.op('FullyConnected', name, inputs, { num_hidden: units });
  }

  averagePool(x: number, name: string): number {
    const attrs = { global_pool: true, kernel: [7, 7], pool_type: 'avg' };
    return this.op('Pooling', name, [x], attrs);
  }

  variable(name: string, shape?: string): number {
    const attrs = shape === undefined ? {} : { __shape__: shape };
    return this.nodes.push({ op: 'null', name, attrs, inputs: [] }) - 1;
  }

  normalized(): number {
    const id = this.op('_copy', 'id', [0]);
    const minus = this.op('_minus_scalar', '_minusscalar0', [id], { scalar: 127.5 });
    return this.op('_mul_scalar', '_mulscalar0', [minus], { scalar: 0.0078125 });
  }
}

export function fresnet(size: number, options: FresnetOptions = {}): JsonSymbol {
  const { input = 1, act = 'prelu', bottleneck = false, head = 'E', embedding = 16 } = options;
  const net = new SymbolNet(size);
  const start = input === 2 ? net.norm(0, 'bn_data', true) : net.normalized();
  const kernel = input === 0 ? { kernel: 7, stride: 2, pad: 3 } : { kernel: 3, pad: 1 };
  let body = net.conv(start, 'conv0', { filters: 8, ...kernel });
  body = net.act(net.norm(body, 'bn0'), 'relu0', act);
  [8, 16].forEach((filters, i) => {
    body = unit(net, body, `stage${i + 1}_unit1`, filters, 2, options);
    body = unit(net, body, `stage${i + 1}_unit2`, filters, 1, options);
  });
  if (bottleneck)
    body = net.act(net.norm(net.conv(body, 'convd', { filters: 16 }), 'bnd'), 'relud', act);
  addHead(net, body, { head, act, channels: 16, embedding, side: size / (input === 0 ? 8 : 4) });
  return net.build();
}

function unit(
  net: SymbolNet,
  x: number,
  name: string,
  filters: number,
  stride: number,
  { unit: version = 3, se = false, act = 'prelu', bottleneck = false }: FresnetOptions,
): number {
  const same = stride === 1;
  const steps = bottleneck
    ? [{ filters: filters / 4 }, { filters: filters / 4, kernel: 3, pad: 1 }, { filters, stride }]
    : [
        { filters, kernel: 3, pad: 1 },
        { filters, kernel: 3, pad: 1, stride },
      ];
  const named = (role: string): string => `${name}_${role}`;
  let first = x;
  let body = x;
  if (version !== 1) body = net.norm(body, named('bn1'));
  if (version === 2) body = net.act(body, named('relu1'), act);
  if (version === 2) first = body;
  steps.forEach((step, i) => {
    body = net.conv(body, named(`conv${i + 1}`), step);
    const last = i === steps.length - 1;
    if (version === 2 && last) return;
    body = net.norm(body, named(`bn${i + (version === 1 ? 1 : 2)}`));
    if (!last) body = net.act(body, named(`relu${i + (version === 2 ? 2 : 1)}`), act);
  });
  if (se) body = squeezeExcitation(net, body, name, filters, act);
  const projected = version === 2 ? 'sc' : 'conv1sc';
  let shortcut = same ? x : net.conv(first, named(projected), { filters, stride });
  if (!same && version !== 2) shortcut = net.norm(shortcut, named('sc'));
  const sum = net.auto('elemwise_add', [body, shortcut]);
  return version === 1 ? net.act(sum, named('relu3'), act) : sum;
}

function squeezeExcitation(
  net: SymbolNet,
  x: number,
  name: string,
  filters: number,
  act: 'prelu' | 'relu' | 'swish',
): number {
  const pool = net.averagePool(x, `${name}_se_pool1`);
  const down = net.conv(pool, `${name}_se_conv1`, { filters: filters / 4, bias: true });
  const up = net.conv(net.act(down, `${name}_se_relu1`, act), `${name}_se_conv2`, {
    filters,
    bias: true,
  });
  const gate = net.op('Activation', `${name}_se_sigmoid`, [up], { act_type: 'sigmoid' });
  return net.auto('broadcast_mul', [x, gate]);
}

interface HeadOptions {
  readonly head: Head;
  readonly act: 'prelu' | 'relu' | 'swish';
  readonly channels: number;
  readonly embedding: number;
  readonly side: number;
}

export function addHead(net: SymbolNet, x: number, options: HeadOptions): number {
  const { head, act, channels, embedding, side } = options;
  const product = (from: number): number => net.fc(from, 'pre_fc1', embedding);
  const normed = (from: number): number => net.norm(product(from), 'fc1', true);
  const pooled = (): number => {
    const active = net.act(net.norm(x, 'bn1'), 'relu1', act);
    return net.auto('Flatten', [net.averagePool(active, 'pool1')]);
  };
  const dropped = (from: number): number => net.auto('Dropout', [from], { p: 0.4 });
  switch (head) {
    case 'E':
      return normed(dropped(net.norm(x, 'bn1')));
    case 'FC':
    case 'I':
      return normed(net.norm(x, 'bn1'));
    case 'F':
      return net.fc(dropped(net.norm(x, 'bn1')), 'fc1', embedding);
    case 'G':
      return net.fc(net.norm(x, 'bn1'), 'fc1', embedding);
    case 'H':
      return net.fc(x, 'fc1', embedding);
    case 'J':
      return normed(x);
    case 'GAP':
      return normed(pooled());
    case 'A':
      return pooled();
    case 'B':
      return product(pooled());
    case 'C':
      return normed(pooled());
    case 'D':
      return net.act(normed(pooled()), 'fc1_relu', 'relu');
    case 'old E':
      return normed(dropped(x));
    case 'old F':
      return net.act(normed(dropped(x)), 'fc1_relu', 'relu');
    case 'old G':
      return product(dropped(pooled()));
    case 'old H':
      return normed(dropped(pooled()));
    case 'GDC': {
      const depthwise = { filters: channels, group: channels, kernel: side };
      const conv = net.conv(x, 'conv_6dw7_7_conv2d', depthwise);
      return normed(net.norm(conv, 'conv_6dw7_7_batchnorm', false, '0.001'));
    }
    case 'SFC': {
      const depthwise = { filters: channels, group: channels, kernel: 3, stride: 2, pad: 1 };
      const conv = net.conv(net.norm(x, 'bn1'), 'convf', depthwise);
      const active = net.act(net.norm(conv, 'bnf'), 'reluf', act);
      const point = net.conv(active, 'convf2', { filters: channels, bias: true });
      return normed(net.act(net.norm(point, 'bnf2'), 'reluf2', act));
    }
    case 'GNAP':
      return normAwarePooling(net, x, options);
  }
}

/** Wider than the body: one more convolution in front; narrower: a product behind. */
function normAwarePooling(net: SymbolNet, x: number, options: HeadOptions): number {
  const { act, channels, embedding } = options;
  const width = Math.max(channels, embedding);
  const wide =
    embedding > channels
      ? net.act(net.norm(net.conv(x, 'convx', { filters: width }), 'convx_bn'), 'convx_relu', act)
      : x;
  const body = net.norm(wide, 'bn6f', true);
  const squares = net.auto('elemwise_mul', [body, body]);
  const norms = net.auto('sqrt', [net.auto('sum', [squares], { axis: 1, keepdims: true })]);
  const ratio = net.auto('broadcast_div', [net.auto('mean', [norms]), norms]);
  const repeated = net.auto('tile', [ratio], { reps: [1, width, 1, 1] });
  const equal = net.auto('elemwise_mul', [body, repeated]);
  const pooled = net.averagePool(equal, 'pooling0');
  const features =
    embedding < width
      ? net.fc(net.norm(pooled, 'bn6w', true), 'pre_fc1', embedding)
      : net.auto('Flatten', [pooled]);
  return net.norm(features, 'fc1', true);
}

/** Separable convolutions with a residual sum, as MobileFaceNet has them. */
export function fmobilefacenet(size: number, head: Head): JsonSymbol {
  const net = new SymbolNet(size);
  const block = (x: number, name: string, options: ConvOptions, active = true): number => {
    const conv = net.conv(x, `${name}_conv2d`, options);
    const normed = net.norm(conv, `${name}_batchnorm`, false, '0.001');
    return active ? net.act(normed, `${name}_relu`, 'prelu') : normed;
  };
  const separable = (x: number, name: string, filters: number, stride: number): number => {
    const wide = block(x, `${name}_conv_sep`, { filters: 16 });
    const deep = block(wide, `${name}_conv_dw`, {
      filters: 16,
      group: 16,
      kernel: 3,
      pad: 1,
      stride,
    });
    return block(deep, `${name}_conv_proj`, { filters }, false);
  };
  let body = block(net.normalized(), 'conv_1', { filters: 8, kernel: 3, pad: 1, stride: 2 });
  body = block(body, 'conv_2_dw', { filters: 8, group: 8, kernel: 3, pad: 1 });
  body = separable(body, 'dconv_23', 8, 2);
  body = net.auto('elemwise_add', [separable(body, 'res_3_block0', 8, 1), body]);
  body = block(body, 'conv_6sep', { filters: 16 });
  addHead(net, body, { head, act: 'prelu', channels: 16, embedding: 12, side: size / 4 });
  return net.build();
}

/** Gluon's form: 5x5 depthwise windows, slopes that all channels share, MXNet's default eps. */
export function fmnasnet(size: number): JsonSymbol {
  const net = new SymbolNet(size);
  const active = (x: number, name: string): number => {
    const slope = net.variable(`${name}_alpha`, '(1,)');
    return net.op('LeakyReLU', `${name}_fwd`, [x, slope], { act_type: 'prelu' });
  };
  const block = (x: number, name: string, options: ConvOptions): number =>
    net.norm(net.conv(x, `${name}_conv0`, options), `${name}_batchnorm0`, false, '1e-05');
  let body = active(
    block(net.normalized(), 'stage1', { filters: 8, kernel: 3, pad: 1, stride: 2 }),
    'p0',
  );
  const wide = active(block(body, 'expand', { filters: 24 }), 'p1');
  const deep = { filters: 24, group: 24, kernel: 5, pad: 2 };
  const narrow = block(active(block(wide, 'dwise', deep), 'p2'), 'linear', { filters: 8 });
  body = net.op('elemwise_add', 'plus0', [narrow, body]);
  addHead(net, body, { head: 'GDC', act: 'prelu', channels: 8, embedding: 12, side: size / 2 });
  return net.build();
}

/** Groups of eight channels, squeeze and excitation, two branches that are added. */
export function vargfacenet(size: number): JsonSymbol {
  const net = new SymbolNet(size);
  const separable = (x: number, name: string, channels: number, stride: number): number => {
    const options = { filters: 2 * channels, group: channels / 8, kernel: 3, pad: 1, stride };
    const deep = net.norm(net.conv(x, `${name}_depthwise`, options), `${name}_depthwise_bn`);
    const active = net.act(deep, `${name}_depthwise_act`, 'prelu');
    return net.norm(net.conv(active, `${name}_pointwise`, { filters: 16 }), `${name}_pointwise_bn`);
  };
  const stem = net.conv(net.normalized(), 'head_conv1', { filters: 16, kernel: 3, pad: 1 });
  const start = net.act(net.norm(stem, 'head_conv1_bn'), 'head_act', 'prelu');
  const branches = ['branch1', 'branch2'].map((name) => separable(start, name, 16, 2));
  const merged = net.act(net.auto('elemwise_add', branches), 'merged_act', 'prelu');
  const excited = squeezeExcitation(net, separable(merged, 'sep2', 16, 1), 'block', 16, 'prelu');
  const sum = net.auto('elemwise_add', [excited, separable(start, 'shortcut', 16, 2)]);
  const body = net.act(sum, 'out_act', 'prelu');
  addHead(net, body, { head: 'E', act: 'prelu', channels: 16, embedding: 12, side: size / 2 });
  return net.build();
}

/** No batch norms; the first convolution of a stage has a bias, the others have none. */
export function spherenet(size: number): JsonSymbol {
  const net = new SymbolNet(size);
  const layer = (x: number, place: string, filters: number, first: boolean): number => {
    const step = first ? { stride: 2, bias: true } : {};
    const conv = net.conv(x, `conv${place}`, { filters, kernel: 3, pad: 1, ...step });
    return net.act(conv, `relu${place}`, 'prelu');
  };
  let body = net.normalized();
  [8, 16].forEach((filters, stage) => {
    body = layer(body, `${stage + 1}_1`, filters, true);
    const inner = layer(body, `${stage + 1}_2`, filters, false);
    const outer = layer(inner, `${stage + 1}_3`, filters, false);
    body = net.auto('elemwise_add', [body, outer]);
  });
  net.fc(body, 'fc1', 16);
  return net.build();
}
