/** Constants against activations and against each other, as ONNX broadcasts and divides them. */

import { describe, expect, it } from 'vitest';
import type { OnnxFileTensor } from '../../src/formats/onnx/write.ts';
import { floats, int32s, ints, node } from '../support/onnx-files.ts';
import { each, near, refusal, run, x } from '../support/onnx-run.ts';

describe('arithmetic with constants', () => {
  const perChannel = floats('c', [3, 1, 1], [2, -4, 0.5]);
  const scalar = floats('c', [], [4]);
  const c = [2, -4, 0.5];

  it.each([
    ['Add', ['x', 'c'], (v: number, k: number) => v + k],
    ['Sub', ['x', 'c'], (v: number, k: number) => v - k],
    ['Sub', ['c', 'x'], (v: number, k: number) => k - v],
    ['Mul', ['c', 'x'], (v: number, k: number) => v * k],
    ['Div', ['x', 'c'], (v: number, k: number) => v / k],
  ] as const)('%s of %o works by scalar and by channel', (operator, inputs, f) => {
    near(
      run([node(operator, inputs, 'y')], [scalar]),
      each((v) => f(v, 4)),
    );
    near(
      run([node(operator, inputs, 'y')], [perChannel]),
      each((v, k) => f(v, c[k] as number)),
    );
  });

  it('takes attribute axis of files before opset 7', () => {
    const legacy = node('Add', ['x', 'c'], 'y', { broadcast: { int: 1 }, axis: { int: 1 } });
    const got = run([legacy], [floats('c', [3], c)], { opset: 6 });
    near(
      got,
      each((v, k) => v + (c[k] as number)),
    );
  });

  it('reads a constant of one value per channel at any rank that ONNX aligns with channels', () => {
    const flat = node('Reshape', ['x', 't'], 'f');
    const t = ints('t', [1, 192]);
    const values = Array.from({ length: 192 }, (_, i) => i - 90);
    const sum = Float64Array.from(values, (value, i) => value + (x[i] as number));
    for (const dims of [[192], [1, 192]]) {
      const vector = floats('v', dims, values);
      near(run([flat, node('Add', ['f', 'v'], 'y')], [t, vector]), sum);
    }
    const picture = floats('c', [1, 3, 1, 1], c);
    near(
      run([node('Add', ['x', 'c'], 'y')], [picture]),
      each((v, k) => v + (c[k] as number)),
    );
  });

  it('refuses constants that add axes to their input', () => {
    const flat = node('Reshape', ['x', 't'], 'f');
    const t = ints('t', [1, 192]);
    for (const dims of [
      [1, 192, 1, 1],
      [1, 1, 192],
    ]) {
      const message = refusal([flat, node('Add', ['f', 'c'], 'y')], [t, floats('c', dims)]);
      expect(message).toMatch(/per channel of \[1,192\]/);
    }
    const one = floats('c', [1, 1, 1, 1, 1], [2]);
    expect(refusal([node('Mul', ['x', 'c'], 'y')], [one])).toMatch(/per channel/);
  });

  it('refuses constants that vary along a picture axis, and divided constants', () => {
    expect(refusal([node('Mul', ['x', 'c'], 'y')], [floats('c', [8])])).toMatch(/3 per channel/);
    expect(refusal([node('Div', ['c', 'x'], 'y')], [scalar])).toMatch(/constant divisor/);
    expect(refusal([node('Div', ['x', 'c'], 'y')], [floats('c', [], [0])])).toMatch(/finite/);
  });
});

describe('constants of constants', () => {
  const shift = (operator: string, a: OnnxFileTensor, b: OnnxFileTensor) =>
    [
      [node(operator, [a.name, b.name], 'k'), node('Add', ['x', 'k'], 'y')],
      [a, b],
    ] as const;

  it('are computed value by value where the shapes agree, aligned at the end', () => {
    const a = floats('a', [1, 3, 1, 1], [1, 2, 3]);
    const b = floats('b', [3, 1, 1], [10, 20, 30]);
    near(
      run(...shift('Mul', a, b)),
      each((v, k) => v + (k + 1) * (k + 1) * 10),
    );
    near(
      run(...shift('Mul', a, floats('b', [1, 1, 1, 1], [5]))),
      each((v, k) => v + (k + 1) * 5),
    );
  });

  it('are repeated along axes where one of them has 1', () => {
    const a = floats('a', [3, 1, 1], [1, 2, 3]);
    near(
      run(...shift('Mul', a, floats('b', [1, 1], [10]))),
      each((v, k) => v + (k + 1) * 10),
    );
    const outer = refusal(...shift('Mul', floats('a', [3, 1]), floats('b', [1, 8])));
    expect(outer).toMatch(/one value or 3 per channel of \[1,3,8,8\], got \[3,8\]/);
    expect(refusal(...shift('Mul', floats('a', [3]), floats('b', [2])))).toMatch(
      /dimensions that broadcast, got "\[3\] and \[2\]"/,
    );
  });

  it('divide int32 as integers, towards zero', () => {
    const quotient = [
      node('Div', ['a', 'b'], 'k'),
      node('Cast', ['k'], 'kf', { to: { int: 1 } }),
      node('Reshape', ['kf', 'shape'], 'kc'),
      node('Add', ['x', 'kc'], 'y'),
    ];
    const tensors = [int32s('a', [7, -7, 9]), int32s('b', [2, 2, 3]), ints('shape', [3, 1, 1])];
    near(
      run(quotient, tensors),
      each((v, k) => v + ([3, -3, 3][k] as number)),
    );
  });

  it('are cut to whole numbers by a cast to any integer type, and refused outside of it', () => {
    const cast = (value: number) =>
      [
        [
          node('Cast', ['a'], 'i', { to: { int: 3 } }),
          node('Cast', ['i'], 'k', { to: { int: 1 } }),
          node('Add', ['x', 'k'], 'y'),
        ],
        [floats('a', [], [value])],
      ] as const;
    near(
      run(...cast(-2.75)),
      each((v) => v - 2),
    );
    expect(refusal(...cast(200))).toMatch(/values of -128..127, got 200/);
  });
});
