/** Channels last, as Keras and tf2onnx have them, against onnxruntime-web. */

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { floats, ints, node } from '../support/onnx-files.ts';
import { type ModelNode, type ModelTensor, modelBytes } from '../support/onnx-model.ts';
import { agree } from '../support/onnx-oracle.ts';
import { messageOf } from '../support/outcome.ts';

const dims = [1, 8, 8, 3];
const toChw = (from: string, to: string) =>
  node('Transpose', [from], to, { perm: { ints: [0, 3, 1, 2] } });
const toHwc = (from: string, to: string) =>
  node('Transpose', [from], to, { perm: { ints: [0, 2, 3, 1] } });
const last = (nodes: ModelNode[], tensors: ModelTensor[] = []) =>
  agree(nodes, tensors, {}, { dims });

const conv = node('Conv', ['c', 'w'], 'd', {
  auto_pad: { text: 'SAME_UPPER' },
  strides: { ints: [2, 2] },
});
const w = floats('w', [5, 3, 3, 3]);
/** [1, 8, 8, 3] -> d [1, 5, 4, 4] -> h [1, 4, 4, 5]. */
const start = [toChw('x', 'c'), conv, toHwc('d', 'h')];

describe('an input [N, H, W, C]', () => {
  it('is read where a Transpose leads to a convolution', async () => {
    await last([toChw('x', 'c'), conv], [w]);
    const { graph, notes } = importOnnx(
      modelBytes({ nodes: [toChw('x', 'c'), conv], tensors: [w], input: { name: 'x', dims } }),
    );
    expect(graph.input.shape).toEqual([3, 8, 8]);
    expect(notes).toContain('the input is [N, H, W, 3], channels last');
  });

  it('is told by the Transpose where the file leaves all sizes open', () => {
    const input = { name: 'x', dims: ['N', 'H', 'W', 'C'] };
    const nodes = [toChw('x', 'c'), { ...conv, attributes: {} }];
    const { graph } = importOnnx(modelBytes({ nodes, tensors: [w], input }));
    expect(graph.input.shape).toEqual([3, 112, 112]);
  });

  it('is normalised by constants [3] and [1, 1, 1, 3] and scalars', async () => {
    const tensors = [w, floats('m', [3]), floats('s', [1, 1, 1, 3]), floats('k', [], [0.5])];
    await last(
      [
        node('Sub', ['x', 'm'], 'a'),
        node('Mul', ['a', 's'], 'b'),
        node('Add', ['k', 'b'], 'e'),
        toChw('e', 'c'),
        conv,
      ],
      tensors,
    );
  });
});

describe('values with channels last', () => {
  it.each([
    [
      'BatchNormalization between Transposes',
      [
        toChw('h', 'p'),
        node('BatchNormalization', ['p', 'g', 'b', 'm', 'v'], 'n'),
        toHwc('n', 'y0'),
      ],
    ],
    ['Mul and Add by channel', [node('Mul', ['h', 'g'], 'n'), node('Add', ['n', 'b'], 'y0')]],
    ['PRelu [1, 1, C]', [node('PRelu', ['h', 's'], 'y0')]],
    ['PRelu [C]', [node('PRelu', ['h', 'g'], 'y0')]],
    [
      'Relu, Clip and Sigmoid',
      [
        node('Relu', ['h'], 'r'),
        node('Clip', ['r', 'lo', 'hi'], 'k'),
        node('Sigmoid', ['k'], 'y0'),
      ],
    ],
    ['residual Add', [node('Sigmoid', ['h'], 'r'), node('Add', ['h', 'r'], 'y0')]],
    ['swish', [node('Sigmoid', ['h'], 'r'), node('Mul', ['h', 'r'], 'y0')]],
    [
      'Concat of channels',
      [node('Relu', ['h'], 'r'), node('Concat', ['h', 'r', 'h'], 'y0', { axis: { int: -1 } })],
    ],
  ] as [string, ModelNode[]][])('%s', async (_, nodes) => {
    const tensors = [
      w,
      floats('g', [5]),
      floats('b', [5]),
      floats('m', [5]),
      floats('v', [5], [1, 2, 3, 0.5, 0.25]),
      floats('s', [1, 1, 5]),
      floats('lo', [], [0]),
      floats('hi', [], [0.3]),
    ];
    await last([...start, ...nodes, toChw('y0', 'y')], tensors);
  });

  it('SE units: pooled by ReduceMean over 1 and 2, reshaped, two convolutions, a gate', async () => {
    const nodes = [
      node('ReduceMean', ['h', 'hw'], 'p', { keepdims: { int: 0 } }),
      node('Reshape', ['p', 'to'], 'q'),
      toChw('q', 'c1'),
      node('Conv', ['c1', 'w1', 'b1'], 'e1'),
      node('Relu', ['e1'], 'e2'),
      node('Conv', ['e2', 'w2'], 'e3'),
      node('HardSigmoid', ['e3'], 'e4'),
      toHwc('e4', 'g'),
      node('Mul', ['h', 'g'], 'y0'),
      toChw('y0', 'y'),
    ];
    const tensors = [
      w,
      ints('hw', [1, 2]),
      ints('to', [-1, 1, 1, 5]),
      floats('w1', [2, 5, 1, 1]),
      floats('b1', [2]),
      floats('w2', [5, 2, 1, 1]),
    ];
    await last([...start, ...nodes], tensors);
  });

  it('flattened in the order [H, W, C] go into a fully connected layer', async () => {
    const f = node('Reshape', ['h', 'to'], 'f');
    const to = ints('to', [1, -1]);
    await last([...start, f, node('MatMul', ['f', 'm'], 'y')], [w, to, floats('m', [80, 7])]);
    await last(
      [
        ...start,
        node('Flatten', ['h'], 'f'),
        node('Gemm', ['f', 'm', 'b'], 'y', { transB: { int: 1 } }),
      ],
      [w, floats('m', [7, 80]), floats('b', [7])],
    );
    const normed = [
      ...start,
      f,
      node('BatchNormalization', ['f', 'g', 'b', 'mean', 'var'], 'n'),
      node('Gemm', ['n', 'm'], 'y'),
    ];
    const ones = Array.from({ length: 80 }, (_, i) => 0.5 + (i % 7) / 7);
    await last(normed, [
      w,
      to,
      floats('g', [80]),
      floats('b', [80]),
      floats('mean', [80]),
      floats('var', [80], ones),
      floats('m', [80, 7]),
    ]);
    const scaled = [...start, f, node('Mul', ['f', 'g'], 'n'), node('MatMul', ['n', 'm'], 'y')];
    await last(scaled, [w, to, floats('g', [80]), floats('m', [80, 7])]);
  });

  it('flattened, normalised and sliced as a whole keep their order', async () => {
    const nodes = [
      ...start,
      node('Flatten', ['h'], 'f'),
      node('Mul', ['f', 'g'], 'n'),
      node('Slice', ['n', 'zero', 'far', 'one'], 's'),
      node('MatMul', ['s', 'm'], 'y'),
    ];
    const slices = [ints('zero', [0]), ints('far', [999]), ints('one', [1])];
    await last(nodes, [w, ...slices, floats('g', [80]), floats('m', [80, 7])]);
  });

  it('flattened and unflattened again are what they were', async () => {
    const nodes = [
      ...start,
      node('Reshape', ['h', 'to'], 'f'),
      node('Reshape', ['f', 'back'], 'k'),
      toChw('k', 'y'),
    ];
    await last(nodes, [w, ints('to', [1, -1]), ints('back', [-1, 4, 4, 5])]);
  });

  it('cannot be the embedding in another order than the graph has', () => {
    const nodes = [...start, node('Flatten', ['h'], 'y')];
    const bytes = modelBytes({ nodes, tensors: [w], input: { name: 'x', dims } });
    expect(messageOf(() => importOnnx(bytes))).toMatch(/an output in the order \[C, H, W\], got/);
  });

  it('are refused where planar ones are needed, and where an axis would be cut', () => {
    const refusal = (...nodes: ModelNode[]) =>
      messageOf(() =>
        importOnnx(
          modelBytes({
            nodes: [...start, ...nodes],
            tensors: [w, ints('cut', [1, 8, 10, 1]), floats('k', [4, 4, 1, 1])],
            input: { name: 'x', dims },
          }),
        ),
      );
    expect(refusal(node('Conv', ['h', 'k'], 'y'))).toMatch(
      /an input \[1, C, H, W\], got \[1, 4, 4, 5\]/,
    );
    expect(refusal(node('Reshape', ['h', 'cut'], 'y'))).toMatch(
      /the same axes, got \[1,4,4,5\] to/,
    );
    expect(refusal(node('Add', ['h', 'd'], 'y'))).toMatch(/sum or product of equal shapes/);
    expect(refusal(node('GlobalAveragePool', ['h'], 'y'))).toMatch(/an input \[1, C, H, W\]/);
  });
});

describe('channels in another order', () => {
  const far = -(2 ** 31);
  const turned: Record<string, [nodes: ModelNode[], tensors: ModelTensor[]]> = {
    'Gather of channels': [
      [node('Gather', ['x', 'bgr'], 't', { axis: { int: 3 } })],
      [ints('bgr', [2, 1, 0])],
    ],
    'x[..., ::-1]': [
      [node('Slice', ['x', 'from', 'to', 'axes', 'steps'], 't')],
      [ints('from', [-1]), ints('to', [far]), ints('axes', [-1]), ints('steps', [-1])],
    ],
    'Split and Concat': [
      [
        {
          ...node('Split', ['x'], 'r'),
          outputs: ['r', 'g', 'b'],
          attributes: { axis: { int: 3 }, num_outputs: { int: 3 } },
        },
        node('Concat', ['b', 'g', 'r'], 't', { axis: { int: -1 } }),
      ],
      [],
    ],
  };

  it.each(Object.keys(turned))('are read: %s', async (name) => {
    const [nodes, more] = turned[name] as [ModelNode[], ModelTensor[]];
    await last([...nodes, toChw('t', 'c'), conv], [w, ...more]);
  });

  it.each(['Gather of channels', 'x[..., ::-1]'])('are said to be: %s', (name) => {
    const [nodes, more] = turned[name] as [ModelNode[], ModelTensor[]];
    const bytes = modelBytes({
      nodes: [...nodes, toChw('t', 'c'), conv],
      tensors: [w, ...more],
      input: { name: 'x', dims },
    });
    expect(importOnnx(bytes).reversedChannels).toBe(true);
  });

  it('are refused where there are many, and where pixels would be mirrored', () => {
    const refusal = (nodes: ModelNode[], tensors: ModelTensor[]) =>
      messageOf(() => importOnnx(modelBytes({ nodes, tensors })));
    const many = [
      node('Conv', ['x', 'w'], 'c'),
      node('Gather', ['c', 'i'], 'y', { axis: { int: 1 } }),
    ];
    expect(refusal(many, [floats('w', [20, 3, 1, 1]), ints('i', [1, 0])])).toMatch(
      /a choice among at most 16 channels, got entries 1,0 of axis 1 of \[1,20,8,8\]/,
    );
    const mirror = node('Slice', ['x', 'from', 'to', 'axes', 'steps'], 'y');
    const tensors = [ints('from', [-1]), ints('to', [far]), ints('axes', [3]), ints('steps', [-1])];
    expect(refusal([mirror], tensors)).toMatch(
      /a choice among at most 16 channels, got entries 7,6,5,4 of axis 3/,
    );
  });
});
