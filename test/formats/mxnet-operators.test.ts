import { describe, expect, it } from 'vitest';
import { importMxnet } from '../../src/formats/mxnet/import.ts';
import {
  type Attributes,
  firstPixels,
  nothing,
  paramsOf,
  symbolOf,
  vector,
} from '../support/mxnet-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

describe('MXNet operators', () => {
  const four = paramsOf({
    'arg:g': vector(2, 2, 2),
    'arg:b': vector(1, 1, 1),
    'aux:m': vector(1, 1, 1),
    'aux:v': vector(3.999, 3.999, 3.999),
  });
  const norm = (attributes: Attributes): Uint8Array =>
    symbolOf(
      ['null', 'data'],
      ['null', 'g'],
      ['null', 'b'],
      ['null', 'm'],
      ['null', 'v'],
      ['BatchNorm', 'bn', [0, 1, 2, 3, 4], attributes],
    );

  it('take eps 1e-3 and fix_gamma True as the defaults of a batch norm', () => {
    const close = (attributes: Attributes, expected: number[]): void => {
      const values = firstPixels(importMxnet(norm(attributes), four));
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i] as number, 6);
      });
    };
    close({}, [1, 1.5, 2]);
    close({ fix_gamma: 'False' }, [1, 2, 3]);
    close({ fix_gamma: '0', eps: '12.001' }, [1, 1.5, 2]);
  });

  it('remember what a batch norm saw, whatever gamma and eps are', () => {
    for (const attributes of [{}, { fix_gamma: 'False' }, { eps: '12.001' }]) {
      const [bn] = importMxnet(norm(attributes), four).graph.nodes;
      const expected = { mean: [1, 1, 1], variance: Float32Array.of(3.999, 3.999, 3.999) };
      const remembered = bn?.op === 'affine' ? bn.remembered : undefined;
      expect([...(remembered?.mean ?? [])]).toEqual(expected.mean);
      expect([...(remembered?.variance ?? [])]).toEqual([...expected.variance]);
    }
    const scaled = symbolOf(['null', 'data'], ['_mul_scalar', 'y', [0], { scalar: '2' }]);
    expect(importMxnet(scaled, nothing).graph.nodes[0]).not.toHaveProperty('remembered');
  });

  it.each<[string, Attributes, number[]]>([
    ['_minus_scalar', { scalar: '2' }, [-1, 0, 1]],
    ['_PlusScalar', { scalar: '1e1' }, [11, 12, 13]],
    ['_mul_scalar', { scalar: '-.5' }, [-0.5, -1, -1.5]],
    ['_div_scalar', { scalar: '4' }, [0.25, 0.5, 0.75]],
    ['_rminus_scalar', { scalar: '10' }, [9, 8, 7]],
    ['_maximum_scalar', { scalar: '2' }, [2, 2, 3]],
    ['_MinimumScalar', { scalar: '2' }, [1, 2, 2]],
    ['_PowerScalar', { scalar: '2' }, [1, 4, 9]],
    ['square', {}, [1, 4, 9]],
    ['negative', {}, [-1, -2, -3]],
    ['mean', { axis: '(2, 3)', keepdims: 'False' }, [1, 2, 3]],
    ['Pooling', { pool_type: 'max', kernel: '(1, 1)', stride: '(2, 2)' }, [1, 2, 3]],
    ['Pad', { mode: 'constant', pad_width: '(0,0,0,0,1,0,0,0)', constant_value: '7' }, [7, 7, 7]],
    ['Activation', { act_type: 'relu' }, [1, 2, 3]],
    ['clip', { a_min: '1.5', a_max: '2.5' }, [1.5, 2, 2.5]],
    ['Pooling', { pool_type: 'avg', global_pool: 'True', kernel: '(7, 7)' }, [1, 2, 3]],
    ['Pooling', { pool_type: 'avg', kernel: '(112L, 112L)' }, [1, 2, 3]],
    ['Flatten', {}, [1, 2, 3]],
    ['Reshape', { shape: '(0,-1)' }, [1, 2, 3]],
    ['Reshape', { target_shape: '(0, 37632)' }, [1, 2, 3]],
  ])('%s with %j is computed', (op, attributes, expected) => {
    const symbols = symbolOf(['null', 'data'], ['_copy', 'id', [0]], [op, 'out', [1], attributes]);
    expect(firstPixels(importMxnet(symbols, nothing))).toEqual(expected);
  });

  it('leaky ReLU has a slope of 0.25 unless another is stated', () => {
    const leaky = (attributes: Attributes): number[] => {
      const symbols = symbolOf(
        ['null', 'data'],
        ['_minus_scalar', 'minus', [0], { scalar: '3' }],
        ['LeakyReLU', 'out', [1], attributes],
      );
      return firstPixels(importMxnet(symbols, nothing));
    };
    expect(leaky({})).toEqual([-0.5, -0.25, 0]);
    expect(leaky({ act_type: 'leaky', slope: '0.5' })).toEqual([-1, -0.5, 0]);
  });

  it.each<[string, number[]]>([
    ['broadcast_add', [11, 22, 33]],
    ['broadcast_sub', [-9, -18, -27]],
    ['broadcast_mul', [10, 40, 90]],
    ['broadcast_div', [0.1, 0.1, 0.1]],
  ])('%s takes a constant per channel', (op, expected) => {
    const constant = paramsOf({ 'arg:c': { shape: [1, 3, 1, 1], values: [10, 20, 30] } });
    const symbols = symbolOf(['null', 'data'], ['null', 'c'], [op, 'out', [0, 1]]);
    expect(firstPixels(importMxnet(symbols, constant))).toEqual(expected);
  });

  it('a squeeze-and-excitation unit is gated by its sigmoid', () => {
    const gate = paramsOf({
      'arg:w': { shape: [3, 3, 1, 1], values: [0, 0, 0, 0, 0, 0, 0, 0, 0] },
      'arg:b': vector(0, 0, 0),
    });
    const conv = { kernel: '(1, 1)', num_filter: '3' };
    const unit = (order: readonly [number, number]): Uint8Array =>
      symbolOf(
        ['null', 'data'],
        ['_copy', 'x', [0]],
        ['Pooling', 'pool', [1], { pool_type: 'avg', global_pool: '1' }],
        ['null', 'w'],
        ['null', 'b'],
        ['Convolution', 'conv', [2, 3, 4], conv],
        ['Activation', 'gate', [5], { act_type: 'sigmoid' }],
        ['broadcast_mul', 'out', order],
      );
    expect(firstPixels(importMxnet(unit([1, 6]), gate))).toEqual([0.5, 1, 1.5]);
    expect(firstPixels(importMxnet(unit([6, 1]), gate))).toEqual([0.5, 1, 1.5]);
  });

  it.each<[string, number[], (readonly [string, string, number[]?, Attributes?])[]]>([
    ['a constant minus an activation', [9, 18, 27], [['broadcast_sub', 'out', [1, 2]]]],
    [
      'the difference of two',
      [-1, -4, -9],
      [
        ['square', 'q', [2]],
        ['_mul_scalar', 'double', [3], { scalar: '2' }],
        ['elemwise_sub', 'out', [3, 4]],
      ],
    ],
    [
      'the product of two',
      [2, 8, 18],
      [
        ['_mul_scalar', 'double', [2], { scalar: '2' }],
        ['elemwise_mul', 'out', [2, 3]],
      ],
    ],
    [
      'swish',
      [1, 2, 3].map((v) => v / (1 + Math.exp(-v))),
      [
        ['sigmoid', 's', [2]],
        ['_Mul', 'out', [3, 2]],
      ],
    ],
  ])('%s is computed', (_, expected, nodes) => {
    const constant = paramsOf({ 'arg:c': { shape: [1, 3, 1, 1], values: [10, 20, 30] } });
    const symbols = symbolOf(['null', 'data'], ['null', 'c'], ['_copy', 'x', [0]], ...nodes);
    const values = firstPixels(importMxnet(symbols, constant));
    values.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 12);
    });
  });

  const pooled = [
    ['null', 'data'],
    ['Pooling', 'pool', [0], { pool_type: 'avg', global_pool: 'True' }],
    ['Flatten', 'v', [1]],
  ] as const;
  type Node = readonly [string, string, number[]?, Attributes?];
  const sumOfSquares: Node[] = [
    ['square', 'q', [2]],
    ['sum', 's', [3], { axis: '1', keepdims: 'True' }],
  ];
  it.each<[string, Node[]]>([
    ['L2Normalization', [['L2Normalization', 'out', [2]]]],
    [
      'square, sum, sqrt, broadcast_div',
      [...sumOfSquares, ['sqrt', 'n', [4]], ['broadcast_div', 'out', [2, 5]]],
    ],
    [
      'a product with itself, a small number under the root',
      [
        ['elemwise_mul', 'q', [2, 2]],
        ['sum', 's', [3], { axis: '(1,)', keepdims: '1' }],
        ['_plus_scalar', 'p', [4], { scalar: '1e-12' }],
        ['_power_scalar', 'n', [5], { scalar: '0.5' }],
        ['broadcast_div', 'out', [2, 6]],
      ],
    ],
    [
      'rsqrt and broadcast_mul',
      [...sumOfSquares, ['rsqrt', 'i', [4]], ['broadcast_mul', 'out', [2, 5]]],
    ],
    [
      'norm, expand_dims, a lower bound, broadcast_to',
      [
        ['norm', 'n', [2], { axis: '1' }],
        ['expand_dims', 'e', [3], { axis: '1' }],
        ['_maximum_scalar', 'k', [4], { scalar: '1e-12' }],
        ['broadcast_to', 'b', [5], { shape: '(0, 3)' }],
        ['elemwise_div', 'out', [2, 6]],
      ],
    ],
    [
      'reciprocal',
      [
        ['norm', 'n', [2], { axis: '-1', keepdims: 'True' }],
        ['reciprocal', 'i', [3]],
        ['broadcast_mul', 'out', [4, 2]],
      ],
    ],
  ])('a vector over its norm: %s', (_, nodes) => {
    const imported = importMxnet(symbolOf(...pooled, ...nodes), nothing);
    firstPixels(imported).forEach((value, i) => {
      expect(value).toBeCloseTo((i + 1) / Math.sqrt(14), 10);
    });
    expect(imported.graph.nodes.at(-1)?.op).toBe('l2_normalize');
  });

  it('a tail that is not read is refused with the value before it', () => {
    const tail = [
      ['norm', 'n', [2], { axis: '1', keepdims: '1' }],
      ['erf', 'out', [3]],
    ] as const;
    const read = (): unknown =>
      importMxnet(symbolOf(...pooled, ...(tail as unknown as Node[])), nothing);
    expect(codeOf(read)).toBe('unsupported_operator');
    expect(messageOf(read)).toContain('give --value "v"');
  });

  it('Reshape copies the axes that follow with -2 and joins two with -3', () => {
    const symbols = symbolOf(
      ['null', 'data'],
      ['negative', 'x', [0]],
      ['Reshape', 'same', [1], { shape: '(0, 0, -2)' }],
      ['Pooling', 'pool', [2], { pool_type: 'avg', global_pool: 'True' }],
      ['Reshape', 'joined', [3], { shape: '(0, -3, -2)' }],
      ['Reshape', 'out', [4], { shape: '(0, -1)' }],
    );
    expect(firstPixels(importMxnet(symbols, nothing))).toEqual([-1, -2, -3]);
  });

  it('attributes that no reader asks for are named, not dropped without a word', () => {
    const odd = { act_type: 'relu', ceiling: '6', __lr_mult__: '2', ctx_group: 'dev1' };
    const symbols = symbolOf(['null', 'data'], ['Activation', 'out', [0], odd]);
    const { notes } = importMxnet(symbols, nothing);
    expect(notes).toEqual(['Left out of Activation nodes: unknown attributes ceiling.']);
  });

  it('what MXNet would broadcast to an outer sum is refused', () => {
    const symbols = symbolOf(...pooled, ['broadcast_add', 'out', [1, 2]]);
    const read = (): unknown => importMxnet(symbols, nothing);
    expect(messageOf(read)).toContain('a sum of equal shapes, got (1,3,1,1) and (1,3)');
  });

  it('L2Normalization gives a vector of length 1', () => {
    const symbols = symbolOf(
      ['null', 'data'],
      ['Pooling', 'pool', [0], { pool_type: 'avg', global_pool: 'True' }],
      ['Flatten', 'flat', [1]],
      ['L2Normalization', 'out', [2]],
    );
    const [a = 0, b = 0, c = 0] = firstPixels(importMxnet(symbols, nothing));
    expect(Math.hypot(a, b, c)).toBeCloseTo(1, 12);
  });

  it.each<[string, Attributes, string]>([
    ['Deconvolution', {}, 'MXNet operator Deconvolution: expected one like Convolution'],
    ['_rdiv_scalar', { scalar: '1' }, 'power -1 of an activation'],
    ['_rdiv_scalar', { scalar: '2' }, 'scalar 1, got 2'],
    ['SliceChannel', { num_outputs: '3' }, 'MXNet operator SliceChannel'],
    ['Pooling', { pool_type: 'max', global_pool: 'True' }, 'max pooling over 1x1'],
    ['Pooling', { pool_type: 'max', kernel: '(3, 3)', stride: '(2, 2)' }, 'got 3x3'],
    ['Pooling', { pool_type: 'max', kernel: '(1, 1)', pad: '(1, 1)' }, 'got 1x1 with padding'],
    [
      'Pooling',
      { pool_type: 'max', kernel: '(1, 1)', stride: '(2, 2)', pooling_convention: 'full' },
      'pooling_convention valid, got full',
    ],
    ['Pooling', { pool_type: 'sum', global_pool: 'True' }, 'pool_type avg or max, got sum'],
    ['Pooling', { pool_type: 'avg', kernel: '(112, 112)', layout: 'NHWC' }, 'layout NCHW'],
    ['Dropout', { p: '0.5', mode: 'always' }, 'expected mode training, got always'],
    ['Cast', { dtype: 'int32' }, 'got int32'],
    ['Cast', { dtype: 'uint8' }, 'got uint8'],
    ['Reshape', { shape: '(0, -1)', reverse: 'True' }, 'reverse False'],
    ['Reshape', { shape: '(-4, 1, -1, 0)' }, 'a shape of the 37632 values'],
    ['mean', { axis: '1' }, 'a mean over the axes 2 and 3'],
    ['sum', { axis: '1' }, 'a sum of squares, got an activation'],
    ['norm', { ord: '1' }, 'ord 2, got 1'],
    ['sqrt', {}, 'power 0.5 of an activation'],
    ['_power_scalar', { scalar: '3' }, 'power 3 of an activation'],
    ['tile', { reps: '(1, 2, 1, 1)' }, 'a norm to repeat'],
    ['Pad', { mode: 'edge', pad_width: '(0,0,0,0,1,1,1,1)' }, 'mode constant, got edge'],
    ['Pad', { mode: 'constant', pad_width: '(0,0,1,0,1,1,1,1)' }, 'pad_width of height and width'],
    ['L2Normalization', { mode: 'channel' }, 'mode instance, got channel of (1,3,112,112)'],
    ['L2Normalization', { mode: 'spatial' }, 'mode instance, got spatial'],
    ['L2Normalization', { eps: '0.1' }, 'an eps of 0 to 0.000001, got 0.1'],
    ['Pooling', { pool_type: 'avg', kernel: '(3, 3)' }, 'all of 112x112, got 3x3'],
    ['LeakyReLU', { act_type: 'elu' }, 'got elu'],
    ['Activation', { act_type: 'tanh' }, 'got tanh'],
    ['Reshape', { shape: '(0, 12, -1)' }, 'got (1,12,3136)'],
    ['Convolution', { kernel: '(3, 3)', dilate: '(2, 2)', num_filter: '3' }, 'dilate (1, 1)'],
  ])('%s with %j is refused by name', (op, attributes, words) => {
    const symbols = symbolOf(['null', 'data'], ['_copy', 'id', [0]], [op, 'odd', [1], attributes]);
    const read = (): unknown => importMxnet(symbols, nothing);
    expect(codeOf(read)).toBe('unsupported_operator');
    expect(messageOf(read)).toContain(words);
    expect(messageOf(read).slice(0, 100)).toContain(op);
    expect(messageOf(read)).toContain('"odd"');
  });
});
