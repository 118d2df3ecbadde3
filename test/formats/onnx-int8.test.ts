/** Int8 files in QOperator and QDQ form: weights as dequantised, scales kept, absorbed ReLUs kept. */

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import type { OnnxFileNode, OnnxFileTensor } from '../../src/formats/onnx/write.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { mulberry32, uniform } from '../support/graphs.ts';
import {
  bytes,
  floats,
  type IntegerType,
  int32s,
  ints,
  node,
  onnxFile,
} from '../support/onnx-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

const x = Float32Array.from(uniform(mulberry32(13), 3 * 64));

const scale = (name: string, ...values: number[]): OnnxFileTensor =>
  floats(name, values.length === 1 ? [] : [values.length], values);
const zero = (name: string, value: number, type: IntegerType = 'int8'): OnnxFileTensor =>
  bytes(name, [], [value], type);

function evaluate(nodes: OnnxFileNode[], tensors: OnnxFileTensor[]): Float64Array {
  const { graph } = importOnnx(onnxFile(nodes, tensors));
  return evaluateGraph(graph, x).get(graph.output) as Float64Array;
}

function near(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) expect(got[i]).toBeCloseTo(expected[i] as number, 5);
}

/** What a QuantizeLinear can say of the output: scale 0.1 and zero point 5 of int8. */
const withinOutput = (value: number): number => Math.min(Math.max(value, -13.3), 12.2);

/** Two 1x1 filters over three channels, one scale per filter. */
const q = [10, -20, 30, 127, 0, -128];
const weightScales = [0.01, 0.02];
/** Rounds to `q`, what is out of range to its end. */
const unrounded = [10.4, -20.3, 29.6, 400, 0.4, -129].map(
  (value, i) => value * (weightScales[Math.floor(i / 3)] as number),
);
const filters = q.map((value, i) => value * (weightScales[Math.floor(i / 3)] as number));
const convolved = Float64Array.from({ length: 128 }, (_, i) => {
  const o = Math.floor(i / 64);
  return [0, 1, 2].reduce(
    (sum, c) => sum + (filters[o * 3 + c] as number) * (x[c * 64 + (i % 64)] as number),
    0,
  );
});

const common = [
  scale('xs', 0.05),
  zero('xz', -3),
  bytes('w', [2, 3, 1, 1], q),
  scale('ws', ...weightScales),
  bytes('wz', [2], [0, 0]),
  scale('ys', 0.1),
  zero('yz', 5),
];
const quantize = node('QuantizeLinear', ['x', 'xs', 'xz'], 'xq');
const qConv = node('QLinearConv', ['xq', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz'], 'yq');

describe('QOperator files', () => {
  it('QLinearConv is a convolution with dequantised weights', () => {
    near(evaluate([quantize, qConv], common), convolved);
  });

  it('an int32 bias counts in input scale times weight scale', () => {
    const biased = { ...qConv, inputs: [...qConv.inputs, 'b'] };
    const got = evaluate([quantize, biased], [...common, int32s('b', [1000, -500])]);
    const bias = [1000 * 0.05 * 0.01, -500 * 0.05 * 0.02];
    near(
      got,
      convolved.map((v, i) => v + (bias[Math.floor(i / 64)] as number)),
    );
  });

  it('scales are kept by value and weight name, and the file is named int8', () => {
    const { quantization, notes } = importOnnx(onnxFile([quantize, qConv], common));
    expect(notes).toContainEqual(expect.stringMatching(/^int8 file: weights are dequantised/));
    expect(quantization?.w).toEqual({
      scale: weightScales.map(Math.fround),
      zeroPoint: [0, 0],
    });
    expect(quantization?.x).toEqual({ scale: [Math.fround(0.05)], zeroPoint: [-3] });
    expect(quantization?.yq).toEqual({ scale: [Math.fround(0.1)], zeroPoint: [5] });
  });

  it('weights that a QuantizeLinear made of floats are its rounded, saturated integers', () => {
    const tensors = common.map((tensor) =>
      tensor.name === 'w' ? floats('wf', [2, 3, 1, 1], unrounded) : tensor,
    );
    const weights = node('QuantizeLinear', ['wf', 'ws', 'wz'], 'w', { axis: { int: 0 } });
    near(evaluate([quantize, weights, qConv], tensors), convolved);
  });

  it('a zero point at the lower end keeps the ReLU that the quantiser absorbed', () => {
    const relu = convolved.map((v) => Math.max(0, v));
    const lowest = common.map((tensor) => (tensor.name === 'yz' ? zero('yz', -128) : tensor));
    near(evaluate([quantize, qConv], lowest), relu);
    const unsigned = common.map((tensor) =>
      tensor.name === 'yz' ? zero('yz', 0, 'uint8') : tensor,
    );
    near(evaluate([quantize, qConv], unsigned), relu);
  });

  it('QLinearAdd, QLinearMul, QLinearSigmoid and pooling are their float operators', () => {
    const tail = ['ys', 'yz'];
    const nodes = [
      quantize,
      qConv,
      node('com.microsoft:QLinearAdd', ['yq', ...tail, 'yq', ...tail, ...tail], 'sum'),
      node('com.microsoft:QLinearGlobalAveragePool', ['sum', ...tail, ...tail], 'mean'),
      node('com.microsoft:QLinearSigmoid', ['mean', ...tail, ...tail], 'gate'),
      node('com.microsoft:QLinearMul', ['sum', ...tail, 'gate', ...tail, ...tail], 'y'),
    ];
    const mean = [0, 1].map(
      (c) => convolved.slice(c * 64, c * 64 + 64).reduce((a, b) => a + b) / 32,
    );
    const gated = convolved.map(
      (v, i) => (2 * v) / (1 + Math.exp(-(mean[Math.floor(i / 64)] ?? 0))),
    );
    near(evaluate(nodes, common), gated);
  });

  it.each([
    ['QGemm with rows', 'com.microsoft:QGemm', 1, [2, 192]],
    ['QGemm with columns', 'com.microsoft:QGemm', 0, [192, 2]],
    ['QLinearMatMul', 'QLinearMatMul', 0, [192, 2]],
  ])('%s is a layer with one scale per output', (_, operator, transB, dims) => {
    const values = Array.from({ length: 384 }, (__, i) => ((i * 37) % 255) - 127);
    const isGemm = operator !== 'QLinearMatMul';
    const inputs = ['xf', 'xs', 'xz', 'm', 'ms', 'mz', ...(isGemm ? ['b'] : []), 'ys', 'yz'];
    const attributes = isGemm ? { transB: { int: transB } } : {};
    const nodes = [
      quantize,
      node('Reshape', ['xq', 't'], 'xf'),
      node(operator, inputs, 'yq', attributes),
      node('DequantizeLinear', ['yq', 'ys', 'yz'], 'y'),
    ];
    const tensors = [
      ...common,
      ints('t', [1, -1]),
      bytes('m', dims, values),
      scale('ms', 0.01, 0.03),
      bytes('mz', [2], [0, 0]),
      int32s('b', [200, -300]),
    ];
    const expected = [0, 1].map((o) => {
      const s = o === 0 ? 0.01 : 0.03;
      const bias = isGemm ? (o === 0 ? 200 : -300) * 0.05 * s : 0;
      return x.reduce((sum, v, k) => {
        const w = values[transB === 1 ? o * 192 + k : k * 2 + o] as number;
        return sum + v * w * s;
      }, bias);
    });
    const got = evaluate(nodes, tensors);
    for (const o of [0, 1]) {
      expect(got[o]).toBeCloseTo(withinOutput(expected[o] as number), 4);
    }
  });
});

describe('QDQ files', () => {
  const nodes = [
    quantize,
    node('DequantizeLinear', ['xq', 'xs', 'xz'], 'xd'),
    node('DequantizeLinear', ['w', 'ws', 'wz'], 'wd', { axis: { int: 0 } }),
    node('DequantizeLinear', ['b', 'bs', 'bz'], 'bd', { axis: { int: 0 } }),
    node('Conv', ['xd', 'wd', 'bd'], 'c'),
    node('QuantizeLinear', ['c', 'ys', 'yz'], 'cq'),
    node('DequantizeLinear', ['cq', 'ys', 'yz'], 'y'),
  ];
  const tensors = [
    ...common,
    int32s('b', [1000, -500]),
    scale('bs', 0.0005, 0.001),
    int32s('bz', [0, 0]),
  ];

  it('are the float graph between their quantisers', () => {
    const bias = [0.5, -0.5];
    near(
      evaluate(nodes, tensors),
      convolved.map((v, i) => v + (bias[Math.floor(i / 64)] as number)),
    );
    const { graph, quantization } = importOnnx(onnxFile(nodes, tensors));
    expect(graph.nodes.map((each) => each.op)).toEqual(['conv', 'clip']);
    expect(Object.keys(quantization ?? {}).sort()).toEqual(['b', 'c', 'w', 'x']);
  });

  const replaced = (...others: OnnxFileTensor[]): OnnxFileTensor[] => {
    const names = new Set(others.map(({ name }) => name));
    return [...tensors.filter(({ name }) => !names.has(name)), ...others];
  };

  it.each([
    ['uint8', 100, 0],
    ['int16', -1000, -32_768],
    ['uint16', 1000, 0],
  ] as const)('dequantise %s weights, and keep the ReLU at its lower end', (type, z, lowest) => {
    const moved = q.map((value) => Math.round(value / 2) + z);
    const halves = moved.map((v, i) => (v - z) * (weightScales[Math.floor(i / 3)] as number));
    const got = evaluate(
      nodes,
      replaced(
        bytes('w', [2, 3, 1, 1], moved, type),
        bytes('wz', [2], [z, z], type),
        zero('yz', lowest, type),
      ),
    );
    const expected = Float64Array.from({ length: 128 }, (_, i) => {
      const o = Math.floor(i / 64);
      const products = [0, 1, 2].map((c) => (halves[o * 3 + c] ?? 0) * (x[c * 64 + (i % 64)] ?? 0));
      return Math.max(
        0,
        products.reduce((sum, product) => sum + product, o === 0 ? 0.5 : -0.5),
      );
    });
    near(got, expected);
  });

  it('keep negative values where output_dtype says int8 and no zero point is there', () => {
    const signed = node('QuantizeLinear', ['c', 'ys'], 'cq', { output_dtype: { int: 3 } });
    const back = node('DequantizeLinear', ['cq', 'ys'], 'y');
    const without = evaluate([...nodes.slice(0, 5), signed, back], tensors);
    near(without, evaluate(nodes, tensors));
  });

  it('refuse weights and zero points that are no integers known here', () => {
    const of = (...others: OnnxFileTensor[]) => onnxFile(nodes, replaced(...others));
    const float8 = { ...bytes('w', [2, 3, 1, 1], q), dataType: 17 };
    const booleans = { ...bytes('w', [2, 3, 1, 1], [1, 0, 1, 0, 1, 0]), dataType: 9 };
    expect(codeOf(() => importOnnx(of(float8)))).toBe('unsupported_operator');
    expect(messageOf(() => importOnnx(of(float8)))).toMatch(/quantised integer.*"float8e4m3fn"/);
    expect(messageOf(() => importOnnx(of(booleans)))).toMatch(/quantised integer.*"bool"/);
    const zeros = scale('yz', 0);
    expect(messageOf(() => importOnnx(of(zeros)))).toMatch(/quantised integer.*"float"/);
  });

  it('refuse scales that fit neither tensor nor axis, and scales of 0', () => {
    const refusal = (...others: OnnxFileTensor[]) =>
      messageOf(() => importOnnx(onnxFile(nodes, replaced(...others))));
    expect(refusal(scale('ws', 1, 1, 1), bytes('wz', [3], [0, 0, 0]))).toMatch(
      /scales \[2\] for \[2,3,1,1\], got "\[3\]"/,
    );
    expect(refusal(scale('ws', 1, 1, 1))).toMatch(/3 zero points, got 2/);
    expect(refusal(scale('ws', 0, 1))).toMatch(/positive scales, got 0/);
  });
});
