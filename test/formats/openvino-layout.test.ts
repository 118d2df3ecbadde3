/**
 * Files with channels last, as converters of TensorFlow and Keras write them, and shapes that a file
 * computes: each network against the same arithmetic written out on the picture as the file sees it.
 */

import { describe, expect, it } from 'vitest';
import { mulberry32, uniform } from '../support/graphs.ts';
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

const [H, W] = [2, 3];
/** [C, H, W] as the graph takes it: channel c of pixel p is 100 c + p. */
const PICTURE = Array.from({ length: 3 * H * W }, (_, i) => 100 * Math.floor(i / 6) + (i % 6));
/** The same as the file sees it: [H, W, C]. */
const PIXELS = Array.from({ length: H * W }, (_, p) =>
  [0, 1, 2].map((c) => PICTURE[6 * c + p] as number),
);
const toNchw = constant('order', i64(0, 3, 1, 2));
const toNhwc = constant('back', i64(0, 2, 3, 1));

const run = (...layers: IrSpec[]): number[] => outputOf(irFiles(`1,${H},${W},3`, layers), PICTURE);
const refusal = (...layers: IrSpec[]): string => {
  const read = (): unknown => importIr(irFiles(`1,${H},${W},3`, layers));
  expect(codeOf(read)).toBe('unsupported_operator');
  return messageOf(read);
};

const random = mulberry32(31);
const weights = (count: number): number[] => [...uniform(random, count)].map(Math.fround);
const close = (got: readonly number[], expected: readonly number[]): void => {
  expect(got.length).toBe(expected.length);
  got.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] as number, 9);
  });
};

describe('an input [N, H, W, 3]', () => {
  it('is turned by the first Transpose; mean and scale stand before it or behind', () => {
    const mean = constant('m', f32([1, 1, 1, 3], [1, 2, 3]));
    const scale = constant('s', f32([1, 3, 1, 1], [2, 4, 8]));
    const expected = [0, 1, 2].flatMap((c) =>
      PIXELS.map((pixel) => ((pixel[c] as number) - (c + 1)) * 2 ** (c + 1)),
    );
    const layers = [
      mean,
      layer('a', 'Subtract', ['x', 'm']),
      toNchw,
      layer('t', 'Transpose', ['a', 'order']),
      scale,
      layer('y', 'Multiply', ['t', 's']),
    ];
    close(run(...layers), expected);
    const { graph, claims } = importIr(irFiles('?,?,?,3', layers));
    expect(graph.input.shape).toEqual([3, 112, 112]);
    expect(claims.some(({ own }) => own)).toBe(true);
  });

  it('feeds convolutions after it was turned, and not before', () => {
    const w = weights(2 * 3);
    const kernel = constant('w', f32([2, 3, 1, 1], w));
    const conv = (from: string): IrSpec =>
      layer('y', 'Convolution', [from, 'w'], {
        strides: '1,1',
        pads_begin: '0,0',
        pads_end: '0,0',
      });
    const expected = [0, 1].flatMap((o) =>
      PIXELS.map((pixel) => pixel.reduce((sum, v, c) => sum + v * (w[3 * o + c] as number), 0)),
    );
    close(run(toNchw, layer('t', 'Transpose', ['x', 'order']), kernel, conv('t')), expected);
    expect(refusal(kernel, conv('x'))).toContain('expected an input [1, C, H, W], got [1,2,3,3]');
  });

  it('weights that TensorFlow stores as [h, w, I, O] are turned by a Transpose of their own', () => {
    const w = weights(3 * 2);
    const expected = [0, 1].flatMap((o) =>
      PIXELS.map((pixel) => pixel.reduce((sum, v, c) => sum + v * (w[2 * c + o] as number), 0)),
    );
    const layers = [
      toNchw,
      layer('t', 'Transpose', ['x', 'order']),
      constant('w', f32([1, 1, 3, 2], w)),
      constant('turn', i64(3, 2, 0, 1)),
      layer('v', 'Transpose', ['w', 'turn']),
      layer('y', 'Convolution', ['t', 'v'], { strides: '1,1', pads_begin: '0,0', pads_end: '0,0' }),
    ];
    close(run(...layers), expected);
  });

  it('flattened as it lies meets weights in that order', () => {
    const features = 3 * H * W;
    const w = weights(2 * features);
    const bias = weights(features);
    const flat = PIXELS.flat();
    const expected = [0, 1].map((o) =>
      flat.reduce(
        (sum, v, k) => sum + (v + (bias[k] as number)) * (w[o * features + k] as number),
        0,
      ),
    );
    const rows = [
      constant('s', i64(1, -1)),
      layer('f', 'Reshape', ['x', 's'], { special_zero: 'false' }),
      constant('b', f32([features], bias)),
      layer('g', 'Add', ['f', 'b']),
      constant('w', f32([2, features], w)),
      layer('y', 'MatMul', ['g', 'w'], { transpose_a: 'false', transpose_b: 'true' }),
    ];
    close(run(...rows), expected);
    const turned = Array.from({ length: 2 * features }, (_, i) => {
      return w[(i % 2) * features + Math.floor(i / 2)] as number;
    });
    const columns = [
      ...rows.slice(0, 4),
      constant('w', f32([features, 2], turned)),
      layer('y', 'MatMul', ['g', 'w'], { transpose_a: 'false', transpose_b: 'false' }),
    ];
    close(run(...columns), expected);
  });

  it('turned and turned back is flattened as the file sees it', () => {
    const features = 3 * H * W;
    const w = weights(features);
    const layers = [
      toNchw,
      layer('t', 'Transpose', ['x', 'order']),
      toNhwc,
      layer('u', 'Transpose', ['t', 'back']),
      constant('s', i64(-1, features)),
      layer('f', 'Reshape', ['u', 's'], { special_zero: 'false' }),
      constant('w', f32([1, features], w)),
      layer('y', 'MatMul', ['f', 'w'], { transpose_b: 'true' }),
    ];
    const sum = PIXELS.flat().reduce((total, v, k) => total + v * (w[k] as number), 0);
    close(run(...layers), [sum]);
  });

  it('has a border around its own height and width', () => {
    const pads = [constant('b', i64(0, 0, 1, 0)), constant('e', i64(0, 1, 0, 0))];
    const bordered = [0, 1, 2].flatMap((c) => {
      const rows = [0, 1].map((y) => [
        7,
        ...PIXELS.slice(3 * y, 3 * y + 3).map((p) => p[c] as number),
      ]);
      return [...rows.flat(), 7, 7, 7, 7];
    });
    const padded = layer('y', 'Pad', ['x', 'b', 'e', 'v'], { pad_mode: 'constant' });
    close(run(...pads, constant('v', f32([], [7])), padded), bordered);
    const channels = [constant('b', i64(0, 0, 0, 1)), constant('e', i64(0, 0, 0, 0))];
    const odd = layer('y', 'Pad', ['x', 'b', 'e'], { pad_mode: 'constant' });
    expect(refusal(...channels, odd)).toContain('pads of height and width of [1,2,3,3]');
  });

  it('turned before a fully connected layer of versions 5 to 7 meets weights in that order', () => {
    const features = 3 * H * W;
    const w = weights(features);
    const permute = layer('t', 'Permute', ['x'], { order: '0,2,3,1' });
    const flat = layer('f', 'Reshape', ['t'], { dim: '0,-1' });
    const product = (from: string): IrSpec => ({
      ...layer('y', 'FullyConnected', [from], { 'out-size': 1 }),
      blobs: { weights: f32([1, features], w) },
    });
    const sum = PIXELS.flat().reduce((total, v, k) => total + v * (w[k] as number), 0);
    const legacy = (...layers: IrSpec[]): number[] =>
      outputOf(irFiles(`1,3,${H},${W}`, layers, { version: 7 }), PICTURE);
    close(legacy(permute, flat, product('f')), [sum]);
    close(legacy(permute, product('t')), [sum]);
    const scale = { weights: f32([3], [1, 2, 3]) };
    const read = (): unknown =>
      legacy(permute, { ...layer('y', 'ScaleShift', ['t']), blobs: scale });
    expect(messageOf(read)).toContain('channels on axis 1, got [1,2,3,3]');
  });

  it('is pooled over its own axes, and gated by channels at its end', () => {
    const means = [0, 1, 2].map((c) => PIXELS.reduce((sum, p) => sum + (p[c] as number), 0) / 6);
    const axes = constant('a', i64(1, 2));
    const pool = layer('p', 'ReduceMean', ['x', 'a'], { keep_dims: 'true' });
    const flat = { ...pool, id: 'y', data: { keep_dims: 'false' } };
    close(run(axes, flat), means);
    const gated = run(axes, pool, layer('y', 'Multiply', ['p', 'x']));
    close(
      gated,
      PICTURE.map((v, i) => v * (means[Math.floor(i / 6)] as number)),
    );
  });

  it('has its channels exchanged by a Gather, as preprocessing steps that were built in do', () => {
    const w = weights(2 * 3);
    const m = [1, 2, 3];
    const layers = (read: string): IrSpec[] => [
      constant('i', i64(2, 1, 0)),
      constant('a', i64(3)),
      layer('g', 'Gather', ['x', 'i', 'a'], { batch_dims: 0 }),
      layer('f', 'Convert', ['g'], { destination_type: 'f32' }),
      constant('m', f32([1, 1, 1, 3], m)),
      layer('s', 'Subtract', ['f', 'm']),
      toNchw,
      layer('t', 'Transpose', ['s', 'order']),
      constant('w', f32([2, 3, 1, 1], w)),
      layer('y', read, ['t', 'w'], { strides: '1,1', pads_begin: '0,0', pads_end: '0,0' }),
    ];
    const expected = [0, 1].flatMap((o) =>
      PIXELS.map((pixel) =>
        [...pixel]
          .reverse()
          .reduce((sum, v, c) => sum + (v - (m[c] as number)) * (w[3 * o + c] as number), 0),
      ),
    );
    const files = irFiles(`1,${H},${W},3`, layers('Convolution'), { type: 'u8' });
    close(outputOf(files, PICTURE), expected);
    const [start] = importIr(files).graph.nodes;
    expect(start?.op === 'affine' && [...start.shift]).toEqual([-3, -2, -1]);
    const pooled = irFiles(`1,${H},${W},3`, layers('AvgPool'), { type: 'u8' });
    expect(messageOf(() => importIr(pooled))).toContain('a convolution to read exchanged channels');
  });

  it('has slopes along its last axis, unless as many stand along its first', () => {
    const square = irFiles('1,3,2,3', [
      layer('n', 'Negative', ['x']),
      toNhwc,
      layer('t', 'Transpose', ['n', 'back']),
      constant('s', f32([2], [1, 2])),
      layer('y', 'PReLU', ['t', 's']),
    ]);
    expect(messageOf(() => importIr(square))).toContain('channels on axis 1, got [1,2,3,3]');
  });

  it('has slopes along its last axis', () => {
    const minus = [layer('n', 'Negative', ['x'])];
    const slopes = constant('s', f32([1, 1, 3], [0.5, 0.25, 2]));
    const expected = PICTURE.map((v, i) => -v * ([0.5, 0.25, 2][Math.floor(i / 6)] as number));
    close(run(...minus, slopes, layer('y', 'PReLU', ['n', 's'])), expected);
    const vector = constant('s', f32([3], [0.5, 0.25, 2]));
    close(run(...minus, vector, layer('y', 'PReLU', ['n', 's'])), expected);
  });

  it('is refused where features with channels last would be the embedding', () => {
    const flat = [constant('s', i64(1, -1)), layer('y', 'Reshape', ['x', 's'])];
    expect(refusal(...flat)).toContain('features with channels first as the output');
  });

  it('is refused where height and width are exchanged, or rows are joined', () => {
    const turned = constant('o', i64(0, 3, 2, 1));
    const kernel = constant('w', f32([1, 3, 1, 1], [1, 1, 1]));
    const conv = layer('y', 'Convolution', ['t', 'w'], {});
    expect(refusal(turned, layer('t', 'Transpose', ['x', 'o']), kernel, conv)).toContain(
      '[1,3,3,2]',
    );
    const joined = [constant('s', i64(1, 2, 9)), layer('y', 'Reshape', ['x', 's'])];
    expect(refusal(...joined)).toContain('a reshape of [1,2,3,3]');
  });
});

describe('shapes that the file computes', () => {
  const nchw = (...layers: IrSpec[]): number[] => outputOf(irFiles('?,3,2,3', layers), PICTURE);
  const w = weights(18);
  const product = (from: string): IrSpec[] => [
    constant('w', f32([1, 18], w)),
    layer('y', 'MatMul', [from, 'w'], { transpose_b: 'true' }),
  ];
  const expected = [PICTURE.reduce((sum, v, k) => sum + v * (w[k] as number), 0)];

  it('torch: the batch of ShapeOf, joined with -1', () => {
    const layers = [
      layer('d', 'ShapeOf', ['x'], { output_type: 'i64' }),
      constant('zero', i64(0)),
      constant('axis', { type: 'i64', shape: [], bytes: new Uint8Array(8) }),
      layer('n', 'Gather', ['d', 'zero', 'axis'], { batch_dims: 0 }),
      constant('rest', i64(-1)),
      layer('s', 'Concat', ['n', 'rest'], { axis: 0 }),
      layer('f', 'Reshape', ['x', 's'], { special_zero: 'true' }),
    ];
    close(nchw(...layers, ...product('f')), expected);
  });

  it('TensorFlow: a StridedSlice of the shape, and the product of the rest', () => {
    const masks = { begin_mask: '0', end_mask: '0', new_axis_mask: '0', ellipsis_mask: '0' };
    const layers = [
      layer('d', 'ShapeOf', ['x'], { output_type: 'i32' }),
      constant('b', i64(0)),
      constant('e', i64(1)),
      constant('one', i64(1)),
      layer('n', 'StridedSlice', ['d', 'b', 'e', 'one'], { ...masks, shrink_axis_mask: '1' }),
      layer('r', 'StridedSlice', ['d', 'one', 'e', 'one'], { ...masks, end_mask: '1' }),
      constant('a', i64(0)),
      layer('size', 'ReduceProd', ['r', 'a'], { keep_dims: 'false' }),
      layer('n1', 'Unsqueeze', ['n', 'a']),
      layer('s1', 'Unsqueeze', ['size', 'a']),
      layer('s', 'Concat', ['n1', 's1'], { axis: 0 }),
      layer('f', 'Reshape', ['x', 's'], { special_zero: 'false' }),
    ];
    close(nchw(...layers, ...product('f')), expected);
  });

  it('a batch that the file fixes is read as 1', () => {
    const layers = [constant('s', i64(4, -1)), layer('f', 'Reshape', ['x', 's']), ...product('f')];
    close(outputOf(irFiles('4,3,2,3', layers), PICTURE), expected);
  });

  it('Flatten, Squeeze and Unsqueeze change what they name, and nothing else', () => {
    close(nchw(layer('f', 'Flatten', ['x'], { axis: 1, end_axis: -1 }), ...product('f')), expected);
    const axes = constant('a', i64(2, 3));
    const around = [
      layer('f', 'Flatten', ['x'], { axis: 1 }),
      axes,
      layer('u', 'Unsqueeze', ['f', 'a']),
      layer('q', 'Squeeze', ['u', 'a']),
    ];
    close(nchw(...around, ...product('q')), expected);
    const read = (): unknown =>
      importIr(irFiles('1,3,2,3', [axes, layer('y', 'Squeeze', ['x', 'a'])]));
    expect(messageOf(read)).toContain('axes of size 1 of [1,3,2,3], got 2');
  });

  it.each<[string, readonly IrSpec[], string]>([
    [
      'Concat of activations',
      [layer('y', 'Concat', ['x', 'x'], { axis: 1 })],
      'numbers of a shape',
    ],
    [
      'Gather of some channels',
      [
        constant('i', i64(2, 0, 1)),
        constant('a', i64(1)),
        layer('y', 'Gather', ['x', 'i', 'a'], { batch_dims: 0 }),
      ],
      'the channels of a picture in reverse',
    ],
    [
      'Gather of rows',
      [
        constant('i', i64(2, 1, 0)),
        constant('a', i64(3)),
        layer('y', 'Gather', ['x', 'i', 'a'], { batch_dims: 0 }),
      ],
      'got 2,1,0 of axis 3',
    ],
    ['Broadcast', [constant('s', i64(2, 3, 2, 3)), layer('y', 'Broadcast', ['x', 's'])], 'a norm'],
    ['Tile', [constant('s', i64(1, 2, 1, 1)), layer('y', 'Tile', ['x', 's'])], 'a norm'],
    ['VariadicSplit', [layer('y', 'VariadicSplit', ['x'])], 'OpenVINO operator VariadicSplit'],
    ['Split', [layer('y', 'Split', ['x'])], 'OpenVINO operator Split of opset1'],
  ])('%s is refused by name', (_, layers, words) => {
    const read = (): unknown => importIr(irFiles('1,3,2,3', layers));
    expect(codeOf(read)).toBe('unsupported_operator');
    expect(messageOf(read)).toContain(words);
    expect(messageOf(read)).toContain('"y"');
  });
});
