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
    ['Deconvolution', {}, 'expected a supported operator (_copy'],
    ['_rminus_scalar', { scalar: '1' }, '"odd"'],
    ['Pooling', { pool_type: 'max', global_pool: 'True' }, 'expected pool_type avg, got max'],
    ['Pooling', { pool_type: 'avg', kernel: '(3, 3)' }, 'all of 112x112, got 3x3'],
    ['LeakyReLU', { act_type: 'elu' }, 'got elu'],
    ['Activation', { act_type: 'tanh' }, 'got tanh'],
    ['Reshape', { shape: '(0, 12, -1)' }, 'got (0,12,-1)'],
    ['L2Normalization', {}, 'expected a vector'],
    ['Convolution', { kernel: '(3, 3)', dilate: '(2, 2)', num_filter: '3' }, 'dilate (1, 1)'],
  ])('%s with %j is refused by name', (op, attributes, words) => {
    const symbols = symbolOf(['null', 'data'], ['_copy', 'id', [0]], [op, 'odd', [1], attributes]);
    const read = (): unknown => importMxnet(symbols, nothing);
    expect(codeOf(read)).toBe('unsupported_operator');
    expect(messageOf(read)).toContain(words);
    expect(messageOf(read)).toContain(`MXNet ${op} "odd"`);
  });
});
