/** Element-wise layers of IR files against their formulas, worked out in the test. */

import { describe, expect, it } from 'vitest';
import {
  constant,
  f16,
  f32,
  type IrSpec,
  importIr,
  irFiles,
  layer,
  nibbles,
  outputOf,
  u8,
} from '../support/openvino-ir.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

/** Three channels of two pixels. */
const X = [1, -2, 3, -4, 5, -6];
const perChannel = constant('c', f32([1, 3, 1, 1], [2, 4, 8]));
const two = constant('c', f32([], [2]));

const run = (...layers: IrSpec[]): number[] => outputOf(irFiles('1,3,1,2', layers), X);
const legacy = (...layers: IrSpec[]): number[] =>
  outputOf(irFiles('1,3,1,2', layers, { version: 7 }), X);
const refusal = (layers: readonly IrSpec[], version = 11): string => {
  const files = irFiles('1,3,1,2', layers, { version });
  expect(codeOf(() => importIr(files))).toBe('unsupported_operator');
  return messageOf(() => importIr(files));
};

describe('arithmetic with constants', () => {
  it.each<[string, IrSpec, readonly string[], number[]]>([
    ['Subtract', perChannel, ['x', 'c'], [-1, -4, -1, -8, -3, -14]],
    ['Subtract', perChannel, ['c', 'x'], [1, 4, 1, 8, 3, 14]],
    ['Divide', perChannel, ['x', 'c'], [0.5, -1, 0.75, -1, 0.625, -0.75]],
    ['Multiply', two, ['c', 'x'], [2, -4, 6, -8, 10, -12]],
    ['Maximum', two, ['x', 'c'], [2, 2, 3, 2, 5, 2]],
    ['Minimum', two, ['c', 'x'], [1, -2, 2, -4, 2, -6]],
    ['Power', two, ['x', 'c'], [1, 4, 9, 16, 25, 36]],
    ['Swish', two, ['x', 'c'], X.map((v) => v / (1 + Math.exp(-2 * v)))],
  ])('%s is computed, whichever input is the constant', (type, c, inputs, expected) => {
    run(c, layer('y', type, inputs)).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 12);
    });
  });

  it.each<[string, number[]]>([
    ['Negative', [-1, 2, -3, 4, -5, 6]],
    ['Swish', X.map((v) => v / (1 + Math.exp(-v)))],
  ])('%s is computed', (type, expected) => {
    run(layer('y', type, ['x'])).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 12);
    });
  });

  it('an opset Power has its exponent as an input, and is an identity for 1 only', () => {
    const one = [constant('c', f32([1], [1])), layer('p', 'Power', ['x', 'c'])];
    expect(run(...one, layer('y', 'Negative', ['p']))).toEqual(X.map((v) => -v));
    const cube = [constant('c', f32([], [3])), layer('y', 'Power', ['x', 'c'])];
    expect(refusal(cube)).toContain('power 3 of an activation');
  });

  it('refuses a constant dividend, pdpd broadcasting, and constants that vary along pixels', () => {
    expect(refusal([two, layer('y', 'Divide', ['c', 'x'])])).toContain('a constant divisor');
    const pdpd = layer('y', 'Add', ['x', 'c'], { auto_broadcast: 'pdpd' });
    expect(refusal([perChannel, pdpd])).toContain('auto_broadcast numpy, got pdpd');
    const rows = constant('c', f32([1, 2], [1, 2]));
    const files = irFiles('1,3,1,2', [rows, layer('y', 'Add', ['x', 'c'])]);
    expect(messageOf(() => importIr(files))).toContain('a constant per channel of [1,3,1,2]');
  });
});

describe('arithmetic with two activations', () => {
  const half = [constant('k', f32([], [0.5])), layer('h', 'Multiply', ['x', 'k'])];

  it.each<[string, readonly string[], number[]]>([
    ['Add', ['x', 'h'], X.map((v) => 1.5 * v)],
    ['Subtract', ['x', 'h'], X.map((v) => 0.5 * v)],
    ['Multiply', ['x', 'h'], X.map((v) => 0.5 * v * v)],
    ['Multiply', ['h', 'h'], X.map((v) => 0.25 * v * v)],
  ])('%s of %j is computed', (type, inputs, expected) => {
    expect(run(...half, layer('y', type, inputs))).toEqual(expected);
  });

  it('refuses a division of two, and what numpy would broadcast to an outer sum', () => {
    expect(refusal([...half, layer('y', 'Divide', ['x', 'h'])])).toContain('Divide of [1,3,1,2]');
    const pool = layer('p', 'AvgPool', ['x'], { kernel: '1,2' });
    const shape = constant('s', { type: 'i64', shape: [2], bytes: bigints(1, 3) });
    const row = layer('r', 'Reshape', ['p', 's'], { special_zero: 'false' });
    const outer = layer('y', 'Add', ['p', 'r']);
    expect(refusal([pool, shape, row, outer])).toContain('Add of [1,3,1,1] and [1,3]');
    const gate = layer('y', 'Multiply', ['x', 'r']);
    expect(refusal([pool, shape, row, gate])).toContain('Multiply of [1,3,1,2] and [1,3]');
  });
});

describe('Eltwise of versions 5 to 7', () => {
  const half = layer('h', 'Power', ['x'], { power: 1, scale: 0.5, shift: 0 });

  it('multiplies the summands by their coefficients', () => {
    const sum = (coeff: string): number[] =>
      legacy(half, layer('y', 'Eltwise', ['x', 'h'], { operation: 'sum', coeff }));
    expect(sum('')).toEqual(X.map((v) => 1.5 * v));
    expect(sum('1.0,1')).toEqual(X.map((v) => 1.5 * v));
    expect(sum('1,-1')).toEqual(X.map((v) => 0.5 * v));
    expect(sum('10, 0')).toEqual(X.map((v) => 10 * v));
    expect(sum('1.1,0.01')).toEqual(X.map((v) => 1.1 * v + 0.01 * (0.5 * v)));
  });

  it.each<[string, number[]]>([
    ['sub', X.map((v) => v - 0.5 * v)],
    ['mul', X.map((v) => v * (0.5 * v))],
    ['prod', X.map((v) => v * (0.5 * v))],
  ])('%s is computed', (operation, expected) => {
    expect(legacy(half, layer('y', 'Eltwise', ['x', 'h'], { operation }))).toEqual(expected);
  });

  it('takes the larger or smaller of a value and a number', () => {
    const c = { ...constant('c', f32([1], [2])), dims: [1] };
    const bound = (operation: string): number[] =>
      legacy(c, layer('y', 'Eltwise', ['x', 'c'], { operation }));
    expect(bound('max')).toEqual([2, 2, 3, 2, 5, 2]);
    expect(bound('min')).toEqual([1, -2, 2, -4, 2, -6]);
  });

  it.each([
    ['sub', '2,1', 'two coeff, of a sum'],
    ['sum', '2', 'two coeff, of a sum'],
    ['squared_diff', '', 'got squared_diff'],
    ['floor_mod', '', 'got floor_mod'],
  ])('refuses %s with coeff "%s"', (operation, coeff, words) => {
    const y = layer('y', 'Eltwise', ['x', 'h'], { operation, coeff });
    expect(refusal([half, y], 7)).toContain(words);
  });
});

describe('other layers of versions 5 to 7', () => {
  it('Power is (shift + scale * x) ** power for the power 1, and refused for others', () => {
    expect(legacy(layer('y', 'Power', ['x'], { power: 1, scale: 3, shift: -1 }))).toEqual(
      X.map((v) => 3 * v - 1),
    );
    const cubic = layer('y', 'Power', ['x'], { power: 3, scale: 1, shift: 0 });
    expect(refusal([cubic], 7)).toContain('power 3 of an activation');
    const shifted = layer('y', 'Power', ['x'], { power: 2, scale: 1, shift: 1 });
    expect(refusal([shifted], 7)).toContain('expected power 1, got (1 + 1 * x) ** 2');
  });

  it.each([
    ['f32', f32],
    ['f16', f16],
  ] as const)('PReLU has a slope per channel, or one that they share, as %s', (_, type) => {
    const slopes = type([3], [0.5, 0.25, 2]);
    const each = {
      ...layer('y', 'PReLU', ['x'], { channel_shared: 0 }),
      blobs: { weights: slopes },
    };
    expect(legacy(each)).toEqual([1, -1, 3, -1, 5, -12]);
    const one = { weights: type([1], [0.5]) };
    const shared = { ...layer('y', 'PReLU', ['x'], { channel_shared: 1 }), blobs: one };
    expect(legacy(shared)).toEqual([1, -1, 3, -2, 5, -3]);
  });

  it('one f16 slope is not two channels of them', () => {
    const files = irFiles(
      '1,3,1,2',
      [{ ...layer('y', 'PReLU', ['x']), blobs: { weights: f16([2], [0.5, 0.25]) } }],
      { version: 7 },
    );
    expect(messageOf(() => importIr(files))).toContain('expected 6 bytes for [3] f16, got 4');
  });

  it('ReLU has a negative slope, Clamp its bounds, Activation its type', () => {
    expect(legacy(layer('y', 'ReLU', ['x'], { negative_slope: 0.1 }))).toEqual(
      X.map((v) => (v >= 0 ? v : 0.1 * v)),
    );
    expect(legacy(layer('y', 'Clamp', ['x'], { min: -3, max: 4 }))).toEqual([1, -2, 3, -3, 4, -3]);
    expect(legacy(layer('y', 'Activation', ['x'], { type: 'relu6' }))).toEqual([1, 0, 3, 0, 5, 0]);
    expect(refusal([layer('y', 'Activation', ['x'], { type: 'elu' })], 7)).toContain('got elu');
  });

  it.each(['Concat', 'Split', 'Crop', 'Norm', 'SoftMax'])('%s is refused by name', (type) => {
    const message = refusal([layer('odd', type, ['x'], { axis: 1 })], 7);
    expect(message).toContain(type);
    expect(message).toContain('"odd"');
  });
});

describe('conversions', () => {
  const to = (type: string): IrSpec => layer('y', 'Convert', ['h'], { destination_type: type });
  const half = [constant('k', f32([], [0.5])), layer('h', 'Multiply', ['x', 'k'])];

  it.each(['f32', 'f16', 'bf16', 'f64'])('an activation stays what it is as %s', (type) => {
    const files = irFiles('1,3,1,2', [...half, to(type)]);
    expect(outputOf(files, X)).toEqual(X.map((v) => 0.5 * v));
    const said = importIr(files).notes.join().includes('Conversions between float types');
    expect(said).toBe(type !== 'f32');
  });

  it.each(['i8', 'u8', 'i32', 'i64', 'boolean'])('an activation is not cut off to %s', (type) => {
    const message = refusal([...half, to(type)]);
    expect(message).toContain('OpenVINO Convert "y": expected destination_type f32');
    expect(message).toContain(`got ${type}`);
  });

  it('ConvertLike follows the type of its second input', () => {
    const like = [constant('t', u8([1], [0])), layer('y', 'ConvertLike', ['h', 't'])];
    expect(refusal([...half, ...like])).toContain('got u8');
    const pixels = [
      layer('f', 'Convert', ['x'], { destination_type: 'f32' }),
      layer('y', 'ConvertLike', ['f', 'x']),
    ];
    const bytes = irFiles('1,3,1,2', pixels, { type: 'u8' });
    expect(messageOf(() => importIr(bytes))).toContain('got u8');
    const float = [layer('y', 'ConvertLike', ['h', 'k'])];
    expect(run(...half, ...float)).toEqual(X.map((v) => 0.5 * v));
  });

  it('pixels of an integer input are converted before anything is computed', () => {
    const add = layer('y', 'Add', ['f', 'k']);
    const k = constant('k', f32([], [0.5]));
    const float = layer('f', 'Convert', ['x'], { destination_type: 'f32' });
    const files = irFiles('1,3,1,2', [k, float, add], { type: 'u8' });
    expect(outputOf(files, [0, 1, 2, 3, 4, 255])).toEqual([0.5, 1.5, 2.5, 3.5, 4.5, 255.5]);
    const without = irFiles('1,3,1,2', [k, layer('y', 'Add', ['x', 'k'])], { type: 'u8' });
    expect(messageOf(() => importIr(without))).toContain('a conversion of integer pixels');
  });

  it('constants are cut off towards zero, and must fit', () => {
    const scaled = (values: number[], type: string): readonly IrSpec[] => [
      constant('k', f32([1, 3, 1, 1], values)),
      layer('i', 'Convert', ['k'], { destination_type: type }),
      layer('s', 'Convert', ['i'], { destination_type: 'f32' }),
      layer('y', 'Multiply', ['x', 's']),
    ];
    expect(run(...scaled([1.9, -1.9, 100], 'i8'))).toEqual([1, -2, -3, 4, 500, -600]);
    expect(refusal(scaled([1, 2, 300], 'u8'))).toContain('expected values of u8, got 300');
    expect(refusal(scaled([1, 2, 1], 'boolean'))).toContain('got boolean');
  });
});

describe('constants of every type', () => {
  const bits = (type: string, bytes: Uint8Array): IrSpec =>
    constant('k', { type, shape: [1, 3, 1, 1], bytes });
  it.each<[string, IrSpec, number[]]>([
    ['bf16', bits('bf16', Uint8Array.of(0x80, 0x3f, 0x00, 0xc0, 0x40, 0x40)), [1, -2, 3]],
    ['i4', constant('k', nibbles('i4', [1, 3, 1, 1], [7, -8, -1])), [7, -8, -1]],
    ['u4', constant('k', nibbles('u4', [1, 3, 1, 1], [7, 15, 1])), [7, 15, 1]],
    ['i16', bits('i16', new Uint8Array(Int16Array.of(-300, 2, 3).buffer)), [-300, 2, 3]],
    ['u16', bits('u16', new Uint8Array(Uint16Array.of(65535, 2, 3).buffer)), [65535, 2, 3]],
    [
      'u32',
      bits('u32', new Uint8Array(Uint32Array.of(2 ** 32 - 1, 2, 3).buffer)),
      [2 ** 32 - 1, 2, 3],
    ],
    ['u64', bits('u64', bigints(1, 2, 2 ** 40)), [1, 2, 2 ** 40]],
    ['f64', bits('f64', new Uint8Array(Float64Array.of(0.1, 1 / 3, 3).buffer)), [0.1, 1 / 3, 3]],
    ['boolean', bits('boolean', Uint8Array.of(1, 0, 2)), [1, 0, 1]],
  ])('%s is decoded, before any rounding to f32', (_, c, factors) => {
    const files = irFiles('1,3,1,1', [c, layer('y', 'Multiply', ['x', 'k'])]);
    expect(outputOf(files, [1, 1, 1])).toEqual(factors);
  });

  it.each(['nf4', 'u1', 'string', 'f8e4m3'])('%s is refused by name', (type) => {
    const c = bits(type, new Uint8Array(3));
    expect(refusal([c, layer('y', 'Multiply', ['x', 'k'])])).toContain(`got ${type}`);
  });
});

it('attributes that no reader asks for are named, not dropped without a word', () => {
  const files = irFiles('1,3,1,2', [layer('y', 'ReLU', ['x'], { negative_slope: 0, ceiling: 6 })]);
  expect(importIr(files).notes).toContain('Left out of ReLU layers: unknown attributes ceiling.');
});

function bigints(...values: number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}
