/** Subsampling and windows against onnxruntime-web: every spelling of "each second pixel". */

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { floats, ints, node } from '../support/onnx-files.ts';
import {
  type ModelAttribute,
  type ModelNode,
  type ModelTensor,
  modelBytes,
} from '../support/onnx-model.ts';
import { agree } from '../support/onnx-oracle.ts';
import { messageOf } from '../support/outcome.ts';

const pool = (
  operator: string,
  kernel: number[],
  strides: number[],
  more: Record<string, ModelAttribute> = {},
): ModelNode =>
  node(operator, ['x'], 'y', {
    kernel_shape: { ints: kernel },
    strides: { ints: strides },
    ...more,
  } as never);
const opsOf = (nodes: ModelNode[], tensors: ModelTensor[] = []) =>
  importOnnx(modelBytes({ nodes, tensors })).graph.nodes.map(({ op }) => op);
const refusal = (nodes: ModelNode[], tensors: ModelTensor[] = []) =>
  messageOf(() => importOnnx(modelBytes({ nodes, tensors })));

const slice = (starts: number[], ends: number[], axes: number[], steps: number[]) => ({
  nodes: [node('Slice', ['x', 'starts', 'ends', 'axes', 'steps'], 'y')],
  tensors: [ints('starts', starts), ints('ends', ends), ints('axes', axes), ints('steps', steps)],
});
const far = 2 ** 31 - 1;

describe('subsampling', () => {
  it.each([
    ['MaxPool of one pixel', [pool('MaxPool', [1, 1], [2, 2])]],
    ['MaxPool with different strides', [pool('MaxPool', [1, 1], [3, 1])]],
    [
      'MaxPool with dilations, which matter to no single pixel',
      [pool('MaxPool', [1, 1], [2, 2], { dilations: { ints: [2, 2] } })],
    ],
    ['AveragePool of one pixel', [pool('AveragePool', [1, 1], [2, 2])]],
  ] as [string, ModelNode[]][])('is read from %s', async (_, nodes) => {
    await agree(nodes);
    expect(opsOf(nodes)).toEqual(['subsample']);
  });

  it.each([
    [
      [0, 0],
      [far, far],
      [2, 3],
      [2, 2],
    ],
    [
      [1, 0],
      [far, far],
      [-2, -1],
      [2, 3],
    ],
    [[0], [8], [2], [4]],
    [
      [-8, 2],
      [8, far],
      [3, 2],
      [2, 3],
    ],
    [
      [0, 0, 0, 1],
      [1, 3, far, 8],
      [0, 1, 2, 3],
      [1, 1, 2, 2],
    ],
    // The last rows that are left out would not be taken anyway.
    [
      [0, 0],
      [7, 7],
      [2, 3],
      [2, 2],
    ],
  ])('is read from Slice %j..%j of axes %j by %j', async (starts, ends, axes, steps) => {
    const { nodes, tensors } = slice(starts, ends, axes, steps);
    await agree(nodes, tensors);
    expect(opsOf(nodes, tensors)).toEqual(['subsample']);
  });

  it('is read from one Slice after the other, and from channels last', async () => {
    const tensors = [
      ints('zero', [0]),
      ints('far', [far]),
      ints('h', [2]),
      ints('w', [3]),
      ints('two', [2]),
    ];
    await agree(
      [
        node('Slice', ['x', 'zero', 'far', 'h', 'two'], 'rows'),
        node('Slice', ['rows', 'zero', 'far', 'w', 'two'], 'y'),
      ],
      tensors,
    );
    await agree(
      [
        node('Transpose', ['x'], 't', { perm: { ints: [0, 2, 3, 1] } }),
        node('Slice', ['t', 'zero', 'far', 'h', 'two'], 's'),
        node('Transpose', ['s'], 'y', { perm: { ints: [0, 3, 1, 2] } }),
      ],
      tensors,
    );
  });

  it('of every pixel is nothing', () => {
    const nodes = [pool('MaxPool', [1, 1], [1, 1]), node('Relu', ['y'], 'r')];
    expect(opsOf(nodes)).toEqual(['prelu']);
    const whole = slice([0, 0], [far, 3], [2, 1], [1, 1]);
    expect(opsOf([...whole.nodes, node('Relu', ['y'], 'r')], whole.tensors)).toEqual(['prelu']);
  });

  it('with auto_pad SAME needs no padding, whatever the stride', () => {
    // onnxruntime refuses the negative padding that its formula gives.
    const same = { auto_pad: { text: 'SAME_UPPER' } };
    const { graph } = importOnnx(modelBytes({ nodes: [pool('MaxPool', [1, 1], [3, 3], same)] }));
    expect(graph.nodes[0]).toMatchObject({ op: 'subsample', stride: [3, 3] });
  });

  it('with ceil_mode has no window that starts outside the picture', () => {
    const nodes = [pool('MaxPool', [1, 1], [3, 3], { ceil_mode: { int: 1 } })];
    const { graph } = importOnnx(modelBytes({ nodes }));
    // torch: 8 rows by 3 from 0, 3 and 6.
    expect(graph.nodes[0]).toMatchObject({ op: 'subsample', stride: [3, 3] });
  });

  it('refuses larger windows, padding, parts, reversed and channel slices by name', () => {
    expect(refusal([pool('MaxPool', [3, 3], [2, 2])])).toMatch(
      /^ONNX MaxPool "y": expected windows of one pixel, subsampling, got windows of 3x3/,
    );
    expect(refusal([pool('MaxPool', [1, 1], [2, 2], { pads: { ints: [1, 1, 0, 0] } })])).toMatch(
      /without padding/,
    );
    const indices = { ...pool('MaxPool', [1, 1], [2, 2]), outputs: ['p', 'i'] };
    expect(refusal([indices, node('Relu', ['i'], 'y')])).toMatch(/the indices of a MaxPool/);
    for (const [starts, ends, axes, steps, message] of [
      [[0], [4], [2], [1], /0\.\.4 by 1 of axis 2/],
      [[1], [far], [1], [1], /of axis 1 of \[1,3,8,8\]/],
      [
        [-1],
        [-far],
        [2],
        [-1],
        /a choice among at most 16 channels, got entries 7,6,5,4 of axis 2/,
      ],
    ] as const) {
      const part = slice([...starts], [...ends], [...axes], [...steps]);
      expect(refusal(part.nodes, part.tensors)).toMatch(message);
    }
  });
});

describe('averages of small windows', () => {
  it.each([
    [[2, 2], [2, 2], {}],
    [[3, 2], [1, 2], {}],
    [[3, 3], [2, 2], { pads: { ints: [1, 1, 1, 1] }, count_include_pad: { int: 1 } }],
    [[2, 2], [2, 2], { ceil_mode: { int: 1 } }],
  ] as [number[], number[], Record<string, ModelAttribute>][])(
    'of %j by %j are depthwise convolutions',
    async (kernel, strides, more) => {
      await agree([pool('AveragePool', kernel, strides, more)]);
    },
  );

  it('refuse windows over the edge that count fewer pixels', () => {
    expect(
      refusal([pool('AveragePool', [3, 3], [2, 2], { pads: { ints: [1, 1, 1, 1] } })]),
    ).toMatch(/count_include_pad 1, got count_include_pad 0/);
    expect(refusal([pool('AveragePool', [3, 3], [2, 2], { ceil_mode: { int: 1 } })])).toMatch(
      /hang over the edge/,
    );
  });

  it('over height and width are read from every reduction', async () => {
    const axes = [
      ints('hw', [2, 3]),
      ints('wh', [-1, -2]),
      ints('last', [-1]),
      ints('s', [1, 3, 64]),
    ];
    const reduce = (operator: string, inputs: string[], keepdims: number, out = 'y') =>
      node(operator, inputs, out, { keepdims: { int: keepdims } });
    await agree([reduce('ReduceMean', ['x', 'hw'], 1)], axes);
    await agree([reduce('ReduceMean', ['x', 'wh'], 0)], axes);
    await agree([reduce('ReduceSum', ['x', 'hw'], 0)], axes);
    await agree([node('Reshape', ['x', 's'], 'r'), reduce('ReduceMean', ['r', 'last'], 0)], axes);
  });
});

describe('a border', () => {
  const conv = node('Conv', ['p', 'w'], 'y', { strides: { ints: [2, 2] } });
  const w = floats('w', [4, 3, 3, 3]);

  it('joins the padding of the convolution behind it', async () => {
    const pads = ints('pads', [0, 0, 1, 2, 0, 0, 3, 0]);
    await agree([node('Pad', ['x', 'pads'], 'p'), conv], [w, pads]);
    const padded = { ...conv, attributes: { pads: { ints: [1, 1, 1, 1] } } };
    await agree([node('Pad', ['x', 'pads'], 'p'), padded], [w, pads]);
    await agree([node('Pad', ['x', 'pads', 'v'], 'p'), conv], [w, pads, floats('v', [], [0.5])]);
    const some = [ints('pads', [1, 0, 0, 2]), ints('axes', [2, 3])];
    await agree([node('Pad', ['x', 'pads', '', 'axes'], 'p'), conv], [w, ...some]);
    const old = node('Pad', ['x'], 'p', {
      pads: { ints: [0, 0, 1, 1, 0, 0, 1, 1] },
      value: { float: 0.25 },
    });
    await agree([old, conv], [w], { opset: 10 });
  });

  it('is carried through a Transpose', async () => {
    const nodes = [
      node('Transpose', ['x'], 't', { perm: { ints: [0, 2, 3, 1] } }),
      node('Pad', ['t', 'pads'], 'q'),
      node('Transpose', ['q'], 'p', { perm: { ints: [0, 3, 1, 2] } }),
      conv,
    ];
    await agree(nodes, [w, ints('pads', [0, 0, 1, 0, 0, 1, 1, 0])]);
  });

  it('is refused where no convolution takes it, of other modes, and around channels', () => {
    const pads = ints('pads', [0, 0, 1, 1, 0, 0, 1, 1]);
    const pad = node('Pad', ['x', 'pads'], 'p');
    expect(refusal([pad, node('Relu', ['p'], 'y')], [pads])).toMatch(
      /in front of a convolution only/,
    );
    expect(refusal([pad], [pads])).toMatch(/an output that depends/);
    const reflected = { ...pad, attributes: { mode: { text: 'reflect' } } };
    expect(refusal([reflected, conv], [pads, w])).toMatch(
      /padding with a constant, got mode reflect/,
    );
    const channels = ints('pads', [0, 1, 0, 0, 0, 0, 0, 0]);
    expect(refusal([pad, conv], [channels, w])).toMatch(/around rows and columns/);
    const negative = ints('pads', [0, 0, -1, 0, 0, 0, 0, 0]);
    expect(refusal([pad, conv], [negative, w])).toMatch(/got -1 and 0 at axis 2/);
    const mixed = { ...conv, attributes: { pads: { ints: [1, 1, 1, 1] } } };
    const valued = node('Pad', ['x', 'pads', 'v'], 'p');
    expect(refusal([valued, mixed], [pads, w, floats('v', [], [1])])).toMatch(/with one value/);
  });
});
