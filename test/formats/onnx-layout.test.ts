/** Heads, reshapes, pooling and normalisation against the definition in ONNX's operator list, evaluated in float64. */

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import type { OnnxFileNode, OnnxFileTensor } from '../../src/formats/onnx/write.ts';
import { floats, ints, node, onnxFile } from '../support/onnx-files.ts';
import { each, near, refusal, run, x } from '../support/onnx-run.ts';

function opsOf(nodes: OnnxFileNode[], tensors: OnnxFileTensor[] = []): string[] {
  return importOnnx(onnxFile(nodes, tensors)).graph.nodes.map(({ op }) => op);
}

describe('the head', () => {
  const flat = node('Flatten', ['x'], 'f', { axis: { int: 1 } });
  const w = floats('w', [192, 2]);
  const { data } = w;
  const values = new Float32Array(('read' in data ? data.read() : data).slice().buffer);
  const product = (o: number): number =>
    x.reduce((sum, v, k) => sum + v * (values[k * 2 + o] as number), 0);

  it('Gemm takes transB, alpha, beta and a bias', () => {
    const bias = floats('b', [2], [10, 20]);
    const scaled = node('Gemm', ['f', 'w', 'b'], 'y', {
      alpha: { float: 2 },
      beta: { float: 0.5 },
    });
    near(run([flat, scaled], [w, bias]), [2 * product(0) + 5, 2 * product(1) + 10]);
    const transposed = node('Transpose', ['w'], 'wt', { perm: { ints: [1, 0] } });
    const gemm = node('Gemm', ['f', 'wt'], 'y', { transB: { int: 1 } });
    near(run([flat, transposed, gemm], [w]), [product(0), product(1)]);
  });

  it('MatMul and Add are a layer with bias', () => {
    const nodes = [flat, node('MatMul', ['f', 'w'], 'm'), node('Add', ['m', 'b'], 'y')];
    near(run(nodes, [w, floats('b', [2], [1, 2])]), [product(0) + 1, product(1) + 2]);
  });

  it('refuses a matrix for another number of features, and an input that was not flattened', () => {
    const gemm = node('Gemm', ['f', 'w'], 'y');
    expect(refusal([flat, gemm], [floats('w', [100, 2])])).toMatch(/192 input features/);
    expect(refusal([node('Gemm', ['x', 'w'], 'y')], [w])).toMatch(/\[1, K\], flattened/);
    const transA = node('Gemm', ['f', 'w'], 'y', { transA: { int: 1 } });
    expect(refusal([flat, transA], [w])).toMatch(/transA 0/);
    const biased = node('Gemm', ['f', 'w', 'b'], 'y');
    expect(refusal([flat, biased], [w, floats('b', [2, 1])])).toMatch(/a bias of one row/);
  });

  it.each([
    ['Reshape to [1, -1]', [node('Reshape', ['x', 't'], 'y')], [ints('t', [1, -1])]],
    ['Reshape to [0, 192]', [node('Reshape', ['x', 't'], 'y')], [ints('t', [0, 192])]],
    ['Reshape by attribute', [node('Reshape', ['x'], 'y', { shape: { ints: [-1, 192] } })], []],
    [
      'the chain that torch exports for view(size(0), -1)',
      [
        node('Shape', ['x'], 's'),
        node('Gather', ['s', 'zero'], 'n', { axis: { int: 0 } }),
        node('Unsqueeze', ['n', 'axes'], 'n1'),
        node('Concat', ['n1', 'minus'], 't', { axis: { int: 0 } }),
        node('Reshape', ['x', 't'], 'y'),
      ],
      [ints('axes', [0]), ints('minus', [-1]), { ...ints('zero', [0]), dims: [] }],
    ],
    [
      'the same by Slice',
      [
        node('Shape', ['x'], 's'),
        node('Slice', ['s', 'from', 'to'], 'n'),
        node('Concat', ['n', 'minus'], 't', { axis: { int: 0 } }),
        node('Cast', ['t'], 't64', { to: { int: 7 } }),
        node('Reshape', ['x', 't64'], 'y'),
      ],
      [ints('from', [0]), ints('to', [1]), ints('minus', [-1])],
    ],
  ])('%s is a flatten', (_, nodes, tensors) => {
    expect(opsOf(nodes, tensors)).toEqual(['flatten']);
    near(run(nodes, tensors), x);
  });

  it('refuses reshapes and transposes that move data', () => {
    const target = (...dims: number[]) => [ints('t', dims)];
    const reshape = node('Reshape', ['x', 't'], 'y');
    expect(refusal([reshape], target(1, 8, 8, 3))).toMatch(/same axes/);
    expect(refusal([reshape], target(1, 100))).toMatch(/192 values/);
    expect(refusal([reshape], target(-1, -1))).toMatch(/one -1/);
    const transpose = node('Transpose', ['x'], 'y', { perm: { ints: [0, 2, 3, 1] } });
    expect(refusal([transpose])).toMatch(/in the order \[C, H, W\], got \[1,8,8,3\]/);
  });

  it('Squeeze, Unsqueeze and Transpose over axes of size 1 move nothing', () => {
    const nodes = [
      node('GlobalAveragePool', ['x'], 'p'),
      node('Transpose', ['p'], 't', { perm: { ints: [0, 2, 3, 1] } }),
      node('Transpose', ['t'], 'u', { perm: { ints: [0, 3, 1, 2] } }),
      node('Squeeze', ['u', 'axes'], 'y'),
    ];
    expect(opsOf(nodes, [ints('axes', [2, 3])])).toEqual(['global_average_pool', 'flatten']);
  });
});

describe('joined vectors', () => {
  it('are a pooled value and a layer, one behind the other', () => {
    const nodes = [
      node('GlobalAveragePool', ['x'], 'p'),
      node('Flatten', ['p'], 'f'),
      node('Gemm', ['f', 'w'], 'g'),
      node('Concat', ['f', 'g'], 'y', { axis: { int: 1 } }),
    ];
    const identity = floats('w', [3, 3], [2, 0, 0, 0, 2, 0, 0, 0, 2]);
    const means = [0, 1, 2].map((c) => x.slice(c * 64, c * 64 + 64).reduce((a, b) => a + b) / 64);
    near(run(nodes, [identity]), [...means, ...means.map((v) => 2 * v)]);
  });
});

describe('pooling, SE units and L2 normalisation', () => {
  const mean = (c: number): number => x.slice(c * 64, c * 64 + 64).reduce((a, b) => a + b) / 64;
  const means = [mean(0), mean(1), mean(2)];

  it.each([
    ['GlobalAveragePool', node('GlobalAveragePool', ['x'], 'y')],
    ['ReduceMean over 2 and 3', node('ReduceMean', ['x'], 'y', { axes: { ints: [-1, 2] } })],
    [
      'ReduceMean without dimensions',
      node('ReduceMean', ['x'], 'y', { axes: { ints: [2, 3] }, keepdims: { int: 0 } }),
    ],
    [
      'AveragePool of everything',
      node('AveragePool', ['x'], 'y', { kernel_shape: { ints: [8, 8] } }),
    ],
  ])('%s is the mean per channel', (_, pool) => {
    near(run([pool]), means);
  });

  it('refuses means over channels', () => {
    expect(refusal([node('ReduceMean', ['x'], 'y', { axes: { ints: [1] } })])).toMatch(
      /a reduction over height and width, got axes 1 of \[1,3,8,8\]/,
    );
  });

  it('an SE unit is a gate, in either order', () => {
    const gate = [node('GlobalAveragePool', ['x'], 'p'), node('Sigmoid', ['p'], 'g')];
    const expected = each((v, k) => v / (1 + Math.exp(-(means[k] as number))));
    near(run([...gate, node('Mul', ['x', 'g'], 'y')]), expected);
    near(run([...gate, node('Mul', ['g', 'x'], 'y')]), expected);
  });

  it('an SE unit through linear layers is a gate as well', () => {
    const nodes = [
      node('GlobalAveragePool', ['x'], 'p'),
      node('Flatten', ['p'], 'f'),
      node('Gemm', ['f', 'w'], 'h', { transB: { int: 1 } }),
      node('Sigmoid', ['h'], 's'),
      node('Reshape', ['s', 't'], 'g'),
      node('Mul', ['x', 'g'], 'y'),
    ];
    const identity = floats('w', [3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    const expected = each((v, k) => v / (1 + Math.exp(-(means[k] as number))));
    near(run(nodes, [identity, ints('t', [1, 3, 1, 1])]), expected);
  });

  it('refuses products and sums that are neither', () => {
    const pool = node('GlobalAveragePool', ['x'], 'p');
    for (const operator of ['Add', 'Sub', 'Div']) {
      expect(refusal([pool, node(operator, ['x', 'p'], 'y')])).toMatch(
        /a sum or product of equal shapes, or a product with one gate per channel/,
      );
    }
  });

  const norm = Math.hypot(...x);
  const flat = node('Flatten', ['x'], 'f');
  it.each([
    ['LpNormalization', [node('LpNormalization', ['f'], 'y', { p: { int: 2 } })]],
    [
      'ReduceL2 and Div',
      [
        node('ReduceL2', ['f'], 'n', { axes: { ints: [-1] }, keepdims: { int: 1 } }),
        node('Div', ['f', 'n'], 'y'),
      ],
    ],
    [
      "torch's normalize",
      [
        node('ReduceL2', ['f'], 'n', { axes: { ints: [1] } }),
        node('Clip', ['n', 'eps'], 'c'),
        node('Shape', ['f'], 's'),
        node('Expand', ['c', 's'], 'e'),
        node('Div', ['f', 'e'], 'y'),
      ],
    ],
    [
      'a norm plus epsilon',
      [
        node('ReduceL2', ['f'], 'n', { axes: { ints: [1] } }),
        node('Add', ['n', 'eps'], 'c'),
        node('Div', ['f', 'c'], 'y'),
      ],
    ],
  ])('%s is L2 normalisation', (_, nodes) => {
    const got = run([flat, ...nodes], [floats('eps', [], [1e-12])]);
    near(
      got,
      Float64Array.from(x, (v) => v / norm),
    );
  });

  it('refuses a norm that is not a divisor', () => {
    const l2 = node('ReduceL2', ['f'], 'n', { axes: { ints: [1] } });
    expect(refusal([flat, l2])).toMatch(/output that depends/);
    expect(refusal([flat, l2, node('Mul', ['f', 'n'], 'y')])).toMatch(/norm as a divisor/);
    expect(refusal([flat, l2, node('Relu', ['n'], 'y')])).toMatch(/depend on the picture/);
  });
});
