/** Pooling, padding and batch norms of IR files against their formulas. */

import { describe, expect, it } from 'vitest';
import {
  constant,
  f32,
  type IrSpec,
  i64,
  importIr,
  irFiles,
  layer,
  outputOf,
} from '../support/openvino-ir.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

/** [3, 3, 5], value = its place. */
const PICTURE = Array.from({ length: 45 }, (_, i) => i);
const run = (layers: readonly IrSpec[], version = 11): number[] =>
  outputOf(irFiles('1,3,3,5', layers, { version }), PICTURE);
const refusal = (layers: readonly IrSpec[], version = 11): string => {
  const read = (): unknown => importIr(irFiles('1,3,3,5', layers, { version }));
  expect(codeOf(read)).toBe('unsupported_operator');
  return messageOf(read);
};

describe('max pooling over one pixel', () => {
  const data = { kernel: '1,1', strides: '2,3', pads_begin: '0,0', pads_end: '0,0' };
  const kept = [0, 1, 2].flatMap((c) => [0, 3, 10, 13].map((place) => 15 * c + place));

  it.each([
    ['MaxPool', 11, { ...data, rounding_type: 'floor' }],
    [
      'MaxPool',
      11,
      { ...data, auto_pad: 'valid', dilations: '1,1', index_element_type: 'i64', axis: 0 },
    ],
    ['Pooling', 7, { ...data, 'pool-method': 'max', 'exclude-pad': 'true' }],
  ] as const)('%s of version %i keeps every n-th pixel', (type, version, attributes) => {
    expect(run([layer('y', type, ['x'], attributes)], version)).toEqual(kept);
  });

  it('rounds up only where that changes nothing', () => {
    const pool = (strides: string): IrSpec[] => [
      layer('y', 'MaxPool', ['x'], { ...data, strides, rounding_type: 'ceil' }),
    ];
    const even = [0, 1, 2].flatMap((c) => [0, 2, 4, 10, 12, 14].map((place) => 15 * c + place));
    expect(run(pool('2,2'))).toEqual(even);
    expect(refusal(pool('2,3'))).toContain('rounding_type floor, got ceil');
  });

  it.each([
    ['a larger window', { ...data, kernel: '3,3' }, 'got 3x3'],
    ['padding', { ...data, pads_begin: '1,1', pads_end: '1,1' }, 'got 1x1 with padding'],
  ])('%s is refused', (_, attributes, words) => {
    const message = refusal([layer('y', 'MaxPool', ['x'], attributes)]);
    expect(message).toContain('max pooling over 1x1');
    expect(message).toContain(words);
  });
});

it('average pooling over the whole picture is the mean of each channel', () => {
  const pool = layer('y', 'AvgPool', ['x'], {
    kernel: '3,5',
    strides: '1,1',
    'exclude-pad': 'true',
  });
  expect(run([pool])).toEqual([7, 22, 37]);
  const other = layer('y', 'Pooling', ['x'], { kernel: '3,5', 'pool-method': 'sum' });
  expect(refusal([other], 7)).toContain('pool-method avg or max, got sum');
});

describe('Pad', () => {
  const padded = (value: number): number[] => {
    const rows = [0, 1, 2].flatMap((c) => [
      ...[0, 1, 2].flatMap((y) => [value, ...PICTURE.slice(15 * c + 5 * y, 15 * c + 5 * y + 5)]),
      ...new Array<number>(12).fill(value),
    ]);
    return rows;
  };

  it('puts a border of zeros or of another value around a picture', () => {
    const pads = [constant('b', i64(0, 0, 0, 1)), constant('e', i64(0, 0, 2, 0))];
    const data = { pad_mode: 'constant' };
    expect(run([...pads, layer('y', 'Pad', ['x', 'b', 'e'], data)])).toEqual(padded(0));
    const value = constant('v', f32([], [-7]));
    expect(run([...pads, value, layer('y', 'Pad', ['x', 'b', 'e', 'v'], data)])).toEqual(
      padded(-7),
    );
    const legacy = {
      pads_begin: '0,0,0,1',
      pads_end: '0,0,2,0',
      pad_mode: 'constant',
      pad_value: 9,
    };
    expect(run([layer('y', 'Pad', ['x'], legacy)], 7)).toEqual(padded(9));
  });

  it('of other axes or in other modes is refused', () => {
    const edge = { pads_begin: '0,0,0,1', pads_end: '0,0,2,0', pad_mode: 'edge' };
    expect(refusal([layer('y', 'Pad', ['x'], edge)], 7)).toContain('pad_mode constant, got edge');
    const channels = { pads_begin: '0,1,0,1', pads_end: '0,0,2,0', pad_mode: 'constant' };
    expect(refusal([layer('y', 'Pad', ['x'], channels)], 7)).toContain('pads of height and width');
  });
});

describe('BatchNormInference', () => {
  const vectors = { gamma: [1, 2, -1], beta: [0, 1, 2], mean: [7, 20, 40], variance: [3, 8, 15] };
  const constants = Object.entries(vectors).map(([id, v]) => constant(id, f32([3], v)));
  const expected = PICTURE.map((v, i) => {
    const c = Math.floor(i / 15);
    const [g, b] = [vectors.gamma[c] as number, vectors.beta[c] as number];
    const [m, s] = [vectors.mean[c] as number, vectors.variance[c] as number];
    return (g * (v - m)) / Math.sqrt(s + 1) + b;
  });

  it.each([
    ['opset 5, data first', ['x', 'gamma', 'beta', 'mean', 'variance'], 'epsilon'],
    ['opset 1, data third', ['gamma', 'beta', 'x', 'mean', 'variance'], 'eps'],
  ])('%s', (_, inputs, eps) => {
    const layers = [...constants, layer('y', 'BatchNormInference', inputs, { [eps]: 1 })];
    run(layers).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 12);
    });
    const [node] = importIr(irFiles('1,3,3,5', layers)).graph.nodes;
    const remembered = node?.op === 'affine' ? node.remembered : undefined;
    expect([...(remembered?.mean ?? [])]).toEqual(vectors.mean);
    expect([...(remembered?.variance ?? [])]).toEqual(vectors.variance);
  });

  it('is no input normalisation of its own', () => {
    const inputs = ['x', 'gamma', 'beta', 'mean', 'variance'];
    const layers = [...constants, layer('y', 'BatchNormInference', inputs, { epsilon: 1 })];
    expect(importIr(irFiles('1,3,3,5', layers)).claims).toEqual([]);
  });

  it('with vectors of another length is refused', () => {
    const short = [constant('gamma', f32([2], [1, 1])), ...constants.slice(1)];
    const inputs = ['x', 'gamma', 'beta', 'mean', 'variance'];
    const layers = [...short, layer('y', 'BatchNormInference', inputs, { epsilon: 1 })];
    const message = messageOf(() => importIr(irFiles('1,3,3,5', layers)));
    expect(message).toContain('3 values as input 1, got [2]');
  });
});

describe('slopes of a PReLU that are an input', () => {
  const minus = layer('m', 'Negative', ['x']);
  const expected = PICTURE.map((v, i) => -v * ([0.5, 0.25, 2][Math.floor(i / 15)] as number));
  it.each([['3'], ['1, 3, 1, 1'], ['3, 1, 1']])('of shape [%s] are one per channel', (shape) => {
    const slopes = constant('s', f32(shape.split(',').map(Number), [0.5, 0.25, 2]));
    run([minus, slopes, layer('y', 'PReLU', ['m', 's'])]).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 12);
    });
  });

  it('that vary along another axis are refused', () => {
    const slopes = constant('s', f32([5], [1, 2, 3, 4, 5]));
    const read = (): unknown =>
      importIr(irFiles('1,3,3,5', [minus, slopes, layer('y', 'PReLU', ['m', 's'])]));
    expect(messageOf(read)).toContain('a constant per channel of [1,3,3,5], got [5]');
  });
});
