/** One operator at a time against the definition in ONNX's operator list, evaluated in float64. */

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import type { OnnxFile, OnnxFileNode, OnnxFileTensor } from '../../src/formats/onnx/write.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { mulberry32, uniform } from '../support/graphs.ts';
import { floats, ints, node, onnxFile } from '../support/onnx-files.ts';
import { messageOf } from '../support/outcome.ts';

const x = Float32Array.from(uniform(mulberry32(11), 3 * 64));

function run(
  nodes: OnnxFileNode[],
  tensors: OnnxFileTensor[] = [],
  options: Partial<OnnxFile> = {},
): Float64Array {
  const { graph } = importOnnx(onnxFile(nodes, tensors, options));
  return evaluateGraph(graph, x).get(graph.output) as Float64Array;
}

function opsOf(nodes: OnnxFileNode[], tensors: OnnxFileTensor[] = []): string[] {
  return importOnnx(onnxFile(nodes, tensors)).graph.nodes.map((each) => each.op);
}

function refusal(
  nodes: OnnxFileNode[],
  tensors: OnnxFileTensor[] = [],
  options: Partial<OnnxFile> = {},
): string {
  return messageOf(() => importOnnx(onnxFile(nodes, tensors, options)));
}

function near(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) expect(got[i]).toBeCloseTo(expected[i] as number, 5);
}

const each = (f: (value: number, channel: number) => number): Float64Array =>
  Float64Array.from(x, (value, i) => f(value, Math.floor(i / 64)));

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

  it('refuses constants that vary along a picture axis, and divided constants', () => {
    expect(refusal([node('Mul', ['x', 'c'], 'y')], [floats('c', [8])])).toMatch(/3 per channel/);
    expect(refusal([node('Div', ['c', 'x'], 'y')], [scalar])).toMatch(/constant divisor/);
    expect(refusal([node('Div', ['x', 'c'], 'y')], [floats('c', [], [0])])).toMatch(/finite/);
  });
});

describe('activations', () => {
  it('PRelu takes slopes of one value, [C, 1, 1] and [1, C, 1, 1]', () => {
    const slopes = [0.25, -0.5, 1.5];
    const expected = each((v, k) => (v >= 0 ? v : v * (slopes[k] as number)));
    for (const dims of [[3], [3, 1, 1], [1, 3, 1, 1]]) {
      near(run([node('PRelu', ['x', 's'], 'y')], [floats('s', dims, slopes)]), expected);
    }
    const one = run([node('PRelu', ['x', 's'], 'y')], [floats('s', [1], [0.1])]);
    near(
      one,
      each((v) => (v >= 0 ? v : v * 0.1)),
    );
    expect(refusal([node('PRelu', ['x', 's'], 'y')], [floats('s', [8])])).toMatch(
      /3 slopes, got 8/,
    );
  });

  it('Relu, LeakyRelu (default 0.01) and Sigmoid are what they are', () => {
    near(
      run([node('Relu', ['x'], 'y')]),
      each((v) => Math.max(0, v)),
    );
    near(
      run([node('LeakyRelu', ['x'], 'y')]),
      each((v) => (v >= 0 ? v : 0.01 * v)),
    );
    near(
      run([node('Sigmoid', ['x'], 'y')]),
      each((v) => 1 / (1 + Math.exp(-v))),
    );
  });

  it('Clip takes bounds as attributes, as inputs, or only one of them', () => {
    const bounds = { min: { float: -0.5 }, max: { float: 0.25 } };
    const clipped = each((v) => Math.min(0.25, Math.max(-0.5, v)));
    near(run([node('Clip', ['x'], 'y', bounds)], [], { opset: 6 }), clipped);
    const tensors = [floats('lo', [], [-0.5]), floats('hi', [], [0.25])];
    near(run([node('Clip', ['x', 'lo', 'hi'], 'y')], tensors), clipped);
    near(
      run([node('Clip', ['x', '', 'hi'], 'y')], tensors),
      each((v) => Math.min(0.25, v)),
    );
    expect(refusal([node('Clip', ['x', 'hi', 'lo'], 'y')], tensors)).toMatch(/maximum of at least/);
  });
});

describe('convolution', () => {
  const weight = floats('w', [2, 3, 3, 3]);
  const shapeOf = (attributes: OnnxFileNode['attributes'], w = weight) => {
    const { graph } = importOnnx(onnxFile([node('Conv', ['x', 'w'], 'y', attributes ?? {})], [w]));
    return graph.nodes[0];
  };

  it('keeps stride, group and pads in the order top, left, bottom, right', () => {
    const attributes = { pads: { ints: [1, 2, 3, 4] }, strides: { ints: [2, 1] } };
    expect(shapeOf(attributes)).toMatchObject({ pads: [1, 2, 3, 4], stride: [2, 1], group: 1 });
    const depthwise = floats('w', [3, 1, 3, 3]);
    expect(shapeOf({ group: { int: 3 } }, depthwise)).toMatchObject({ group: 3 });
  });

  it('resolves auto_pad', () => {
    const same = (mode: string) => shapeOf({ auto_pad: { text: mode }, strides: { ints: [2, 2] } });
    expect(same('SAME_UPPER')).toMatchObject({ pads: [0, 0, 1, 1] });
    expect(same('SAME_LOWER')).toMatchObject({ pads: [1, 1, 0, 0] });
    expect(same('VALID')).toMatchObject({ pads: [0, 0, 0, 0] });
  });

  it('refuses dilation, a wrong kernel_shape, other ranks and weights from the picture', () => {
    const of = (attributes: NonNullable<OnnxFileNode['attributes']>) =>
      refusal([node('Conv', ['x', 'w'], 'y', attributes)], [weight]);
    expect(of({ dilations: { ints: [2, 2] } })).toMatch(/dilations of 1/);
    expect(of({ kernel_shape: { ints: [5, 5] } })).toMatch(/kernel_shape \[3,3\]/);
    expect(of({ pads: { ints: [-1, 0, 0, 0] } })).toMatch(/pads/);
    expect(of({ strides: { ints: [0, 1] } })).toMatch(/stride/);
    expect(of({ group: { int: 2 } })).toMatch(/group/);
    expect(of({ strides: { float: 2 } })).toMatch(/attribute "strides" of kind ints/);
    expect(refusal([node('Conv', ['x', 'w'], 'y')], [floats('w', [2, 3, 3])])).toMatch(/OIHW/);
    expect(refusal([node('Conv', ['x', 'x'], 'y')])).toMatch(/constant input 1/);
  });
});

describe('batch normalisation', () => {
  const tensors = (n = 3) => [
    floats('g', [n], [1, -2, 0.5].slice(0, n)),
    floats('b', [3], [0.1, 0.2, 0.3]),
    floats('m', [3], [0.5, 0, -0.5]),
    floats('v', [3], [1, 4, 0.25]),
  ];
  const norm = node('BatchNormalization', ['x', 'g', 'b', 'm', 'v'], 'y', {
    epsilon: { float: 0 },
  });

  it('is scale and shift of gamma, beta, mean and variance', () => {
    const scale = [1, -1, 1];
    const shift = [0.1 - 0.5, 0.2, 0.3 + 0.5];
    near(
      run([norm], tensors()),
      each((v, k) => v * (scale[k] ?? 0) + (shift[k] ?? 0)),
    );
  });

  it('refuses wrong lengths, training mode and negative variances', () => {
    expect(refusal([norm], tensors(2))).toMatch(/3 scales, got 2/);
    const training = { ...norm, attributes: { training_mode: { int: 1 } } };
    expect(refusal([training], tensors())).toMatch(/evaluation mode/);
    const negative = [...tensors().slice(0, 3), floats('v', [3], [1, -4, 1])];
    expect(refusal([norm], negative)).toMatch(/finite constants, got NaN/);
  });
});

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
    expect(refusal([transpose])).toMatch(/moves no data/);
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

  it('refuses other windows and means', () => {
    const window = node('AveragePool', ['x'], 'y', { kernel_shape: { ints: [2, 2] } });
    expect(refusal([window])).toMatch(/whole/);
    expect(refusal([node('ReduceMean', ['x'], 'y', { axes: { ints: [1] } })])).toMatch(/2 and 3/);
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
    const swish = [node('Sigmoid', ['x'], 's'), node('Mul', ['x', 's'], 'y')];
    expect(refusal(swish)).toMatch(/one gate per channel/);
    expect(refusal([pool, node('Add', ['x', 'p'], 'y')])).toMatch(/sum of equal shapes/);
    expect(refusal([pool, node('Sub', ['x', 'p'], 'y')])).toMatch(/sum of equal shapes/);
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

describe('what only renames', () => {
  it('Identity, Dropout and Cast leave the value and its node as they are', () => {
    const nodes = [
      node('Relu', ['x'], 'r'),
      node('Dropout', ['r'], 'd'),
      node('Identity', ['d'], 'i'),
      node('Cast', ['i'], 'y', { to: { int: 1 } }),
    ];
    const { graph } = importOnnx(onnxFile(nodes));
    expect(graph.nodes).toHaveLength(1);
    expect(graph.output).toBe('r');
  });

  it('a graph that computes nothing is refused', () => {
    expect(refusal([node('Identity', ['x'], 'y')])).toMatch(/computed value/);
  });
});
