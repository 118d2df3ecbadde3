/** Compressed weights and FakeQuantize in IR files: exactly what their formulas give, in float64. */

import { describe, expect, it } from 'vitest';
import {
  constant,
  f16,
  f32,
  type IrConstant,
  type IrSpec,
  i8,
  i64,
  importIr,
  irFiles,
  layer,
  nibbles,
  outputOf,
  u8,
} from '../support/openvino-ir.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

const toFloat = (id: string, from: string): IrSpec =>
  layer(id, 'Convert', [from], { destination_type: 'f32' });

/** The weights that a 1x1 convolution of [1, 3, 1, 1] has, read off with unit vectors. */
function weightsOf(layers: readonly IrSpec[], weight: string, filters: number): number[] {
  const conv = layer('y', 'Convolution', ['x', weight], { strides: '1,1' });
  const files = irFiles('1,3,1,1', [...layers, conv]);
  const columns = [0, 1, 2].map((c) =>
    outputOf(
      files,
      [0, 1, 2].map((k) => (k === c ? 1 : 0)),
    ),
  );
  return Array.from(
    { length: 3 * filters },
    (_, i) => columns[i % 3]?.[Math.floor(i / 3)] as number,
  );
}

describe('compressed weights', () => {
  const q = [100, -128, 127, 0, 1, -1];
  const scales = [0.1, 0.003].map(Math.fround);
  const scale = constant('s', f32([2, 1, 1, 1], scales));
  const expected = q.map((value, i) => value * (scales[Math.floor(i / 3)] as number));

  it('i8 times a scale per filter', () => {
    const layers = [
      constant('q', i8([2, 3, 1, 1], q)),
      toFloat('w', 'q'),
      scale,
      layer('d', 'Multiply', ['w', 's']),
    ];
    expect(weightsOf(layers, 'd', 2)).toEqual(expected);
  });

  it('u8 minus a zero point of its own type, in f16, the scale rounded to f16 first', () => {
    const half = f16([2, 1, 1, 1], [0.1, 0.003]);
    const halves = [0.0999755859375, 0.0030002593994140625];
    const zero = [120, 3];
    const layers = [
      constant('q', u8([2, 3, 1, 1], [100, 0, 255, 3, 4, 2])),
      layer('h', 'Convert', ['q'], { destination_type: 'f16' }),
      constant('z', u8([2, 1, 1, 1], zero)),
      layer('zh', 'Convert', ['z'], { destination_type: 'f16' }),
      layer('c', 'Subtract', ['h', 'zh']),
      constant('s', half),
      layer('m', 'Multiply', ['c', 's']),
      toFloat('w', 'm'),
    ];
    const values = [100, 0, 255, 3, 4, 2].map((value, i) => {
      const o = Math.floor(i / 3);
      return (value - (zero[o] as number)) * (halves[o] as number);
    });
    expect(weightsOf(layers, 'w', 2)).toEqual(values);
  });

  it.each<[string, IrConstant, number[]]>([
    ['i4', nibbles('i4', [2, 3, 1, 1], [7, -8, 1, 0, -1, 5]), [7, -8, 1, 0, -1, 5]],
    ['u4', nibbles('u4', [2, 3, 1, 1], [7, 15, 1, 0, 9, 5]), [7, 15, 1, 0, 9, 5]],
  ])('%s, two to a byte', (_, packed, values) => {
    const layers = [
      constant('q', packed),
      toFloat('w', 'q'),
      scale,
      layer('d', 'Multiply', ['w', 's']),
    ];
    const scaled = values.map((value, i) => value * (scales[Math.floor(i / 3)] as number));
    expect(weightsOf(layers, 'd', 2)).toEqual(scaled);
  });

  it('in groups of their own scale, then reshaped', () => {
    const codes = Array.from({ length: 12 }, (_, i) => i);
    const groups = [0.5, 0.25, 2, 4, 8, 16];
    const layers = [
      constant('q', nibbles('u4', [2, 3, 2], codes)),
      layer('h', 'Convert', ['q'], { destination_type: 'f16' }),
      constant('z', f16([2, 3, 1], [8, 8, 8, 8, 8, 8])),
      layer('c', 'Subtract', ['h', 'z']),
      constant('s', f16([2, 3, 1], groups)),
      layer('m', 'Multiply', ['c', 's']),
      constant('to', i64(2, 6)),
      layer('r', 'Reshape', ['m', 'to'], { special_zero: 'false' }),
      toFloat('w', 'r'),
      constant('flat', i64(1, 6)),
      layer('f', 'Reshape', ['x', 'flat'], { special_zero: 'false' }),
      layer('y', 'MatMul', ['f', 'w'], { transpose_b: 'true' }),
    ];
    const files = irFiles('1,3,1,2', layers);
    const picture = [1, 10, 100, 1000, 10_000, 100_000];
    const sums = [0, 1].map((o) =>
      picture.reduce((sum, v, k) => {
        const code = (codes[6 * o + k] as number) - 8;
        return sum + v * code * (groups[3 * o + Math.floor(k / 2)] as number);
      }, 0),
    );
    expect(outputOf(files, picture)).toEqual(sums);
  });

  it('larger than what is held in memory are computed when read, with the same result', () => {
    const filters = 30_000;
    const codes = Array.from({ length: filters * 3 }, (_, i) => (i % 251) - 125);
    const factors = Array.from({ length: filters }, (_, o) => 2 ** -(o % 7));
    const layers = [
      constant('q', i8([filters, 3, 1, 1], codes)),
      toFloat('w', 'q'),
      constant('s', f32([filters, 1, 1, 1], factors)),
      layer('d', 'Multiply', ['s', 'w']),
    ];
    const values = codes.map((code, i) => code * (factors[Math.floor(i / 3)] as number));
    expect(weightsOf(layers, 'd', filters)).toEqual(values);
  });

  it('one number many times is as many', () => {
    const layers = [
      constant('n', f32([], [0.5])),
      constant('to', i64(2, 3, 1, 1)),
      layer('w', 'Broadcast', ['n', 'to'], { mode: 'numpy' }),
    ];
    expect(weightsOf(layers, 'w', 2)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
    const many = [layers[0] as IrSpec, constant('to', i64(70_000)), layers[2] as IrSpec];
    const files = irFiles('1,3,1,1', [...many, layer('y', 'Multiply', ['x', 'w'])]);
    expect(messageOf(() => importIr(files))).toContain('one number, at most 65536 times');
  });

  it('are refused where broadcasting would make them grow, or towers of layers stand on them', () => {
    const outer = [
      constant('a', f32([3, 1], [1, 2, 3])),
      constant('b', f32([1, 2], [1, 2])),
      layer('d', 'Multiply', ['a', 'b']),
      layer('y', 'Multiply', ['x', 'd']),
    ];
    const read = (): unknown => importIr(irFiles('1,3,1,1', outer));
    expect(codeOf(read)).toBe('unsupported_operator');
    expect(messageOf(read)).toContain('constants one of which has the shape of the result');
    const large = constant('q', i8([30_000, 3, 1, 1], new Array<number>(90_000).fill(1)));
    const tower = Array.from({ length: 12 }, (_, i) =>
      layer(`t${i}`, 'Add', [i === 0 ? 'q' : `t${i - 1}`, 'one']),
    );
    const one = constant('one', i8([1], [1]));
    const stacked = [large, one, ...tower, layer('y', 'Convolution', ['x', 't11'], {})];
    expect(messageOf(() => importIr(irFiles('1,3,1,1', stacked)))).toContain(
      'a constant of at most 1080000 values to read',
    );
    const doubled = Array.from({ length: 4 }, (_, i) => {
      const from = i === 0 ? 'q' : `t${i - 1}`;
      return layer(`t${i}`, 'Add', [from, from]);
    });
    const twice = [large, ...doubled, layer('y', 'Convolution', ['x', 't3'], {})];
    expect(messageOf(() => importIr(irFiles('1,3,1,1', twice)))).toContain(
      '1080000 values to read',
    );
  });
});

describe('FakeQuantize', () => {
  const limits = (il: number[], ih: number[], ol: number[], oh: number[]): IrSpec[] =>
    Object.entries({ il, ih, ol, oh }).map(([id, values]) =>
      constant(id, f32(values.length === 1 ? [] : [1, values.length, 1, 1], values)),
    );
  const quantize = (input: string, levels: number): IrSpec =>
    layer('f', 'FakeQuantize', [input, 'il', 'ih', 'ol', 'oh'], { levels });

  it('rounds weights to its levels, halves to even, and saturates them', () => {
    const weights = [-3, -1, -0.25, 0.25, 0.75, 1.25];
    // Four steps of 0.5 from -1 to 1: -1, -0.5, 0, 0.5, 1.
    const layers = [
      constant('w', f32([2, 3, 1, 1], weights)),
      ...limits([-1], [1], [-1], [1]),
      quantize('w', 5),
    ];
    expect(weightsOf(layers, 'f', 2)).toEqual([-1, -1, 0, 0, 1, 1]);
  });

  it('saturates activations exactly, and says that their rounding is left out', () => {
    const same = [...limits([-1], [2], [-1], [2]), quantize('x', 256)];
    const files = irFiles('1,3,1,2', same);
    expect(outputOf(files, [-5, -1, 0.3, 1.9, 2, 7])).toEqual([-1, -1, 0.3, 1.9, 2, 2]);
    expect(importIr(files).notes.join()).toContain('the rounding of activations is left out');
  });

  it('maps one range to another, per channel too', () => {
    const layers = [...limits([0], [4], [0, -1, 10], [1, 1, 30]), quantize('x', 256)];
    const x = [1, 9, 1, -9, 1, 2];
    const expected = [0.25, 1, -0.5, -1, 15, 20];
    outputOf(irFiles('1,3,1,2', layers), x).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 12);
    });
  });

  it('with few levels for activations, or an empty range, is refused', () => {
    const few = irFiles('1,3,1,2', [...limits([0], [1], [0], [1]), quantize('x', 16)]);
    expect(codeOf(() => importIr(few))).toBe('unsupported_operator');
    expect(messageOf(() => importIr(few))).toContain(
      'at least 255 levels of an activation, got 16',
    );
    const empty = irFiles('1,3,1,2', [...limits([1], [1], [0], [1]), quantize('x', 256)]);
    expect(messageOf(() => importIr(empty))).toContain('a range above 0');
  });
});
