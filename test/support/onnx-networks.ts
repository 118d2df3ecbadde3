/**
 * Seeded ONNX graphs of published structures, small: what AdaFace's, CurricularFace's and face.evoLVe's
 * scripts export, and GhostFaceNets as tf2onnx writes Keras models. For exactness, never for recognition.
 */

import type { OnnxFileTensor } from '../../src/formats/onnx/write.ts';
import { mulberry32, type Random } from './graphs.ts';
import { floats, ints, node } from './onnx-files.ts';
import { type ModelAttribute, type ModelNode, modelBytes } from './onnx-model.ts';

type Attributes = Readonly<Record<string, ModelAttribute>>;

/** Nodes and weights as they are appended; every method returns the name of its value. */
class Writer {
  readonly nodes: ModelNode[] = [];
  readonly tensors: OnnxFileTensor[] = [];
  private readonly random: Random;
  private count = 0;

  constructor(seed: number) {
    this.random = mulberry32(seed);
  }

  op(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    this.count += 1;
    const name = `${opType.toLowerCase()}_${this.count}`;
    this.nodes.push({ ...node(opType, inputs, name), attributes });
    return name;
  }

  ints(...values: number[]): string {
    const name = `ints_${this.tensors.length}`;
    this.tensors.push(ints(name, values));
    return name;
  }

  /** Uniform in low..high. */
  constant(dims: readonly number[], low: number, high: number): string {
    const name = `w_${this.tensors.length}`;
    const count = dims.reduce((product, n) => product * n, 1);
    const values = Array.from({ length: count }, () => low + (high - low) * this.random());
    this.tensors.push(floats(name, dims, values));
    return name;
  }

  /** Keeps the variance of its input. */
  weight(dims: readonly number[]): string {
    const bound = Math.sqrt(6 / dims.slice(1).reduce((product, n) => product * n, 1));
    return this.constant(dims, -bound, bound);
  }

  batchNorm(x: string, channels: number): string {
    const parameters = [
      this.constant([channels], 0.7, 1.3),
      this.constant([channels], -0.3, 0.3),
      this.constant([channels], -0.3, 0.3),
      this.constant([channels], 0.5, 1.5),
    ];
    return this.op('BatchNormalization', [x, ...parameters], { epsilon: { float: 1e-5 } });
  }

  prelu(x: string, channels: number): string {
    return this.op('PRelu', [x, this.constant([channels, 1, 1], -0.5, 1.5)]);
  }
}

export interface IrOptions {
  readonly se?: boolean;
  /** How the identity shortcut of stride 2 is spelled. */
  readonly shortcut?: 'MaxPool' | 'AveragePool' | 'Slice';
  /** What stands behind the last batch norm. */
  readonly tail?: 'norm' | 'none';
}

const WIDTHS = [8, 8, 16, 24, 24];
const FEATURES = 32;

/** Units whose identity shortcut is a pooling of one pixel, and a head of BN, Flatten, Linear, BN1d. */
export function irNetwork(seed: number, options: IrOptions = {}): Uint8Array {
  const { se = false, shortcut = 'MaxPool', tail = 'norm' } = options;
  const net = new Writer(seed);
  const conv = (x: string, from: number, to: number, kernel: number, stride: number): string => {
    const pad = kernel === 3 ? 1 : 0;
    return net.op('Conv', [x, net.weight([to, from, kernel, kernel])], {
      kernel_shape: { ints: [kernel, kernel] },
      pads: { ints: [pad, pad, pad, pad] },
      strides: { ints: [stride, stride] },
    });
  };
  const identity = (x: string, stride: number): string => {
    if (shortcut === 'Slice') {
      const [zero, far] = [net.ints(0, 0), net.ints(2 ** 31 - 1, 2 ** 31 - 1)];
      return net.op('Slice', [x, zero, far, net.ints(2, 3), net.ints(stride, stride)]);
    }
    const sides = { kernel_shape: { ints: [1, 1] }, strides: { ints: [stride, stride] } };
    return net.op(shortcut, [x], sides);
  };
  const gate = (x: string, channels: number): string => {
    const pooled = net.op('GlobalAveragePool', [x]);
    const hidden = net.op('Relu', [conv(pooled, channels, 4, 1, 1)]);
    return net.op('Mul', [x, net.op('Sigmoid', [conv(hidden, 4, channels, 1, 1)])]);
  };
  const unit = (x: string, from: number, to: number, stride: number): string => {
    const short =
      from === to ? identity(x, stride) : net.batchNorm(conv(x, from, to, 1, stride), to);
    const first = net.batchNorm(conv(net.batchNorm(x, from), from, to, 3, 1), to);
    const second = net.batchNorm(conv(net.prelu(first, to), to, to, 3, stride), to);
    return net.op('Add', [se ? gate(second, to) : second, short]);
  };
  let x = net.prelu(net.batchNorm(conv('x', 3, 8, 3, 1), 8), 8);
  for (const [i, to] of WIDTHS.slice(1).entries()) {
    x = unit(x, WIDTHS[i] as number, to, 2);
    x = unit(x, to, to, 1);
  }
  const flat = net.op('Flatten', [net.op('Dropout', [net.batchNorm(x, 24)])]);
  const linear = net.op(
    'Gemm',
    [flat, net.weight([FEATURES, 24 * 49]), net.constant([FEATURES], -0.1, 0.1)],
    { transB: { int: 1 } },
  );
  const embedding = net.batchNorm(linear, FEATURES);
  const input = { name: 'x', dims: ['batch', 3, 112, 112] };
  const { nodes, tensors } = net;
  if (tail === 'none') return modelBytes({ nodes, tensors, input, outputs: [embedding] });
  const norm = net.op('ReduceL2', [embedding, net.ints(1)], { keepdims: { int: 1 } });
  const unitVector = net.op('Div', [embedding, norm]);
  return modelBytes({ nodes, tensors, input, outputs: [unitVector, norm] });
}

export interface GhostOptions {
  /** Whether the file has its Transposes cancelled (tf2onnx's optimiser) or around every operator. */
  readonly optimised?: boolean;
  /** The network's own (x - 127.5) / 128 in front, channels last. */
  readonly normalises?: boolean;
}

/** [N, 112, 112, 3]; ghost modules (Concat), depthwise convolutions, SE, PReLU and Pad as Keras has them. */
export function ghostNetwork(seed: number, options: GhostOptions = {}): Uint8Array {
  const { optimised = false, normalises = false } = options;
  const net = new Writer(seed);
  const toChw = (x: string): string => net.op('Transpose', [x], { perm: { ints: [0, 3, 1, 2] } });
  const toHwc = (x: string): string => net.op('Transpose', [x], { perm: { ints: [0, 2, 3, 1] } });
  /** What works on planar values, in a graph that is planar throughout or nowhere. */
  const planar = (x: string, make: (y: string) => string): string =>
    optimised ? make(x) : toHwc(make(toChw(x)));
  const channelShape = (channels: number): number[] =>
    optimised ? [channels, 1, 1] : [1, 1, channels];
  const axis = optimised ? 1 : 3;

  const conv = (
    x: string,
    from: number,
    to: number,
    kernel: number,
    stride: number,
    group = 1,
  ): string =>
    planar(x, (y) =>
      net.op('Conv', [y, net.weight([to, from / group, kernel, kernel])], {
        auto_pad: { text: 'SAME_UPPER' },
        group: { int: group },
        kernel_shape: { ints: [kernel, kernel] },
        strides: { ints: [stride, stride] },
      }),
    );
  const norm = (x: string, channels: number): string =>
    planar(x, (y) => net.batchNorm(y, channels));
  /** Keras' PReLU: relu(x) + (-a) * relu(-x). */
  const prelu = (x: string, channels: number): string => {
    const negative = net.op('Relu', [net.op('Neg', [x])]);
    const scaled = net.op('Mul', [net.constant(channelShape(channels), -0.5, 0.2), negative]);
    return net.op('Add', [net.op('Relu', [x]), scaled]);
  };
  const ghost = (x: string, from: number, to: number, act: boolean): string => {
    const half = to / 2;
    const rectified = (y: string): string => (act ? prelu(y, half) : y);
    const primary = rectified(norm(conv(x, from, half, 1, 1), half));
    const cheap = rectified(norm(conv(primary, half, half, 3, 1, half), half));
    return net.op('Concat', [primary, cheap], { axis: { int: axis } });
  };
  const squeezeExcite = (x: string, channels: number): string => {
    // An attribute up to opset 17.
    const axes = { ints: optimised ? [2, 3] : [1, 2] };
    const pooled = net.op('ReduceMean', [x], { axes, keepdims: { int: 0 } });
    const shape = optimised ? net.ints(-1, channels, 1, 1) : net.ints(-1, 1, 1, channels);
    const reduced = net.op('Relu', [conv(net.op('Reshape', [pooled, shape]), channels, 4, 1, 1)]);
    const excited = conv(reduced, 4, channels, 1, 1);
    const linear = net.op('Add', [
      net.op('Mul', [excited, net.constant([], 0.2, 0.2)]),
      net.constant([], 0.5, 0.5),
    ]);
    const gate = net.op('Clip', [linear, net.constant([], 0, 0), net.constant([], 1, 1)]);
    return net.op('Mul', [x, gate]);
  };
  /** Keras' ZeroPadding2D in front of a convolution without padding. */
  const padded = (x: string, channels: number, stride: number): string => {
    const pads = optimised ? net.ints(0, 0, 0, 0, 0, 0, 1, 1) : net.ints(0, 0, 0, 0, 0, 1, 1, 0);
    const wide = net.op('Pad', [x, pads]);
    return planar(wide, (y) =>
      net.op('Conv', [y, net.weight([channels, 1, 3, 3])], {
        auto_pad: { text: 'VALID' },
        group: { int: channels },
        strides: { ints: [stride, stride] },
      }),
    );
  };
  const bottleneck = (
    x: string,
    from: number,
    expanded: number,
    to: number,
    stride: number,
    se: boolean,
  ): string => {
    let y = ghost(x, from, expanded, true);
    if (stride > 1) y = norm(padded(y, expanded, stride), expanded);
    if (se) y = squeezeExcite(y, expanded);
    y = ghost(y, expanded, to, false);
    if (stride === 1 && from === to) return net.op('Add', [y, x]);
    const moved = norm(conv(x, from, from, 3, stride, from), from);
    return net.op('Add', [norm(conv(moved, from, to, 1, 1), to), y]);
  };

  let x = 'x';
  if (normalises) {
    x = net.op('Sub', [x, net.constant([1, 1, 1, 3], 127.5, 127.5)]);
    x = net.op('Mul', [x, net.constant([], 1 / 128, 1 / 128)]);
  }
  if (optimised) x = toChw(x);
  x = prelu(norm(conv(x, 3, 8, 3, 2), 8), 8);
  x = bottleneck(x, 8, 12, 8, 1, false);
  x = bottleneck(x, 8, 20, 12, 2, true);
  x = bottleneck(x, 12, 24, 16, 2, false);
  x = bottleneck(x, 16, 32, 16, 2, true);
  x = prelu(norm(conv(x, 16, 48, 1, 1), 48), 48);
  // Global depthwise convolution, then an embedding of 32 numbers with its own batch norm.
  x = planar(x, (y) =>
    net.op('Conv', [y, net.weight([48, 1, 7, 7])], {
      auto_pad: { text: 'VALID' },
      group: { int: 48 },
    }),
  );
  x = norm(x, 48);
  const flat = net.op('Reshape', [x, net.ints(-1, 48)]);
  const dense = net.op('MatMul', [flat, net.constant([48, FEATURES], -0.4, 0.4)]);
  const embedding = net.batchNorm(dense, FEATURES);
  const { nodes, tensors } = net;
  const input = { name: 'x', dims: ['unk__1', 112, 112, 3] };
  return modelBytes({ nodes, tensors, input, outputs: [embedding], opset: 15 });
}
