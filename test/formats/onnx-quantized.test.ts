/**
 * Quantised files against onnxruntime-web: weights exactly as the file rounds them, saturation kept, the
 * rounding of activations, half a step each, left out.
 */

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { bytes, floats, type IntegerType, int32s, ints, node } from '../support/onnx-files.ts';
import { type ModelNode, type ModelTensor, modelBytes } from '../support/onnx-model.ts';
import { agree, importedOutput, runtimeOutputs } from '../support/onnx-oracle.ts';
import { messageOf } from '../support/outcome.ts';

const scalar = (name: string, value: number): ModelTensor => floats(name, [], [value]);
const zero = (name: string, value: number, type: IntegerType): ModelTensor =>
  bytes(name, [], [value], type);
const integers = (count: number, span = 255, from = -128) =>
  Array.from({ length: count }, (_, i) => ((i * 37) % span) + from);
const opsOf = (nodes: ModelNode[], tensors: ModelTensor[], opset?: number) =>
  importOnnx(modelBytes({ nodes, tensors, ...(opset && { opset }) })).graph.nodes.map(
    ({ op }) => op,
  );

/** Largest difference to onnxruntime-web on the same file. */
async function distance(nodes: ModelNode[], tensors: ModelTensor[], opset = 18): Promise<number> {
  const file = modelBytes({ nodes, tensors, opset });
  const [expected] = (await runtimeOutputs(file)).values();
  const got = importedOutput(file);
  expect(got.length).toBe(expected?.length);
  return got.reduce((max, v, i) => Math.max(max, Math.abs(v - (expected?.[i] as number))), 0);
}

const qdq = (from: string, to: string, type = ''): ModelNode[] => [
  node('QuantizeLinear', [from, `s${type}`, `z${type}`], `${to}/q`),
  node('DequantizeLinear', [`${to}/q`, `s${type}`, `z${type}`], to),
];

describe('activations between QuantizeLinear and DequantizeLinear', () => {
  it.each([
    ['uint8 at its lower end: an absorbed ReLU', 0.02, 0, 'uint8'],
    ['uint8 at its lower end: an absorbed ReLU6 of 0.3', 0.3 / 255, 0, 'uint8'],
    ['int8, saturating at both ends', 0.004, 10, 'int8'],
    ['uint8, saturating below', 0.01, 20, 'uint8'],
    ['int16', 0.00001, 500, 'int16'],
  ] as [string, number, number, IntegerType][])(
    'are clipped to what the integers can say: %s',
    async (_, scale, z, type) => {
      const tensors = [floats('w', [4, 3, 1, 1]), scalar('s', scale), zero('z', z, type)];
      const nodes = [node('Conv', ['x', 'w'], 'c'), ...qdq('c', 'd'), node('Neg', ['d'], 'y')];
      // Half a step of rounding.
      expect(await distance(nodes, tensors, 21)).toBeLessThanOrEqual(scale * 0.501 + 1e-6);
      expect(opsOf(nodes, tensors, 21)).toEqual(['conv', 'clip', 'affine']);
    },
  );

  it('are left alone where nothing can be cut off: a second time, behind ReLU and Sigmoid, in a sum', async () => {
    const tensors = [
      floats('w', [4, 3, 1, 1]),
      ...[scalar('s', 0.05), zero('z', 0, 'int8')],
      ...[scalar('su', 0.05), zero('zu', 0, 'uint8')],
      ...[scalar('sg', 1 / 255), zero('zg', 0, 'uint8')],
    ];
    const conv = node('Conv', ['x', 'w'], 'c');
    expect(opsOf([conv, ...qdq('c', 'd'), ...qdq('d', 'y')], tensors)).toEqual(['conv', 'clip']);
    const sigmoid = [conv, node('Sigmoid', ['c'], 'g'), ...qdq('g', 'y', 'g')];
    expect(opsOf(sigmoid, tensors)).toEqual(['conv', 'sigmoid']);
    expect(await distance(sigmoid, tensors)).toBeLessThan(0.51 / 255);
    const clipped = [conv, node('Relu', ['c'], 'r'), ...qdq('r', 'y', 'u')];
    expect(opsOf(clipped, tensors)).toEqual(['conv', 'prelu', 'clip']);
  });

  it('of the input are clipped only where pixels do not fit, however they are normalised', () => {
    const ops = (scale: number, z: number, type: IntegerType) =>
      opsOf(
        [...qdq('x', 'd'), node('Sigmoid', ['d'], 'y')],
        [scalar('s', scale), zero('z', z, type)],
      );
    expect(ops(1, 0, 'uint8')).toEqual(['sigmoid']);
    expect(ops(1 / 127.5, 128, 'uint8')).toEqual(['sigmoid']);
    expect(ops(1 / 127.5, 0, 'int8')).toEqual(['sigmoid']);
    expect(ops(0.8 / 127, 0, 'int8')).toEqual(['clip', 'sigmoid']);
  });

  it('keep their numbers when they are dequantised with other units', async () => {
    const tensors = [
      scalar('s', 0.02),
      zero('z', 3, 'int8'),
      scalar('t', 0.05),
      zero('y0', -4, 'int8'),
    ];
    const nodes = [
      node('QuantizeLinear', ['x', 's', 'z'], 'q'),
      node('DequantizeLinear', ['q', 't', 'y0'], 'y'),
    ];
    expect(await distance(nodes, tensors)).toBeLessThanOrEqual(0.05 * 0.501);
  });

  it('go through reshapes and subsampling as integers', async () => {
    const tensors = [
      scalar('s', 0.02),
      zero('z', 3, 'int8'),
      ints('to', [1, -1]),
      floats('w', [5, 48]),
    ];
    const nodes = [
      node('QuantizeLinear', ['x', 's', 'z'], 'q'),
      node('MaxPool', ['q'], 'p', { kernel_shape: { ints: [1, 1] }, strides: { ints: [2, 2] } }),
      node('Reshape', ['p', 'to'], 'f'),
      node('DequantizeLinear', ['f', 's', 'z'], 'd'),
      node('Gemm', ['d', 'w'], 'y', { transB: { int: 1 } }),
    ];
    expect(opsOf(nodes, tensors)).toEqual(['subsample', 'flatten', 'fc']);
    expect(await distance(nodes, tensors)).toBeLessThan(0.02 * 0.5 * 48);
  });

  it('are refused as integers where real numbers are computed with', () => {
    const tensors = [scalar('s', 0.02), zero('z', 3, 'int8')];
    const quantize = node('QuantizeLinear', ['x', 's', 'z'], 'q');
    const refusal = (next: ModelNode) =>
      messageOf(() => importOnnx(modelBytes({ nodes: [quantize, next], tensors })));
    expect(refusal(node('Relu', ['q'], 'y'))).toMatch(
      /real numbers, got integers of a quantised value/,
    );
    expect(refusal(node('Add', ['q', 'q'], 'y'))).toMatch(/real numbers, got integers/);
    expect(refusal(node('Cast', ['q'], 'y', { to: { int: 1 } }))).toMatch(/to be dequantised/);
  });
});

describe('quantised weights', () => {
  it('that the file quantises itself are rounded half to even and saturated, as it does', async () => {
    const values = [10.5, 11.5, -0.5, 1.5, 200, -300, 2.25, 0, -7.5].map((v) => v * 0.25);
    const tensors = [floats('wf', [3, 3, 1, 1], values), scalar('s', 0.25), zero('z', 2, 'int8')];
    const nodes = [
      node('QuantizeLinear', ['wf', 's', 'z'], 'wq'),
      node('DequantizeLinear', ['wq', 's', 'z'], 'w'),
      node('Conv', ['x', 'w'], 'y'),
    ];
    await agree(nodes, tensors);
  });

  it.each([
    ['int8 along the inputs', 'int8', 1, 4, [6, 12], [6, 3]],
    ['uint8 along the inputs', 'uint8', 1, 5, [6, 12], [6, 3]],
    ['int8 along the outputs', 'int8', 0, 2, [6, 12], [3, 12]],
  ] as [string, IntegerType, number, number, number[], number[]][])(
    'by block are dequantised block by block: %s',
    async (_, type, axis, block, dims, scales) => {
      const count = scales.reduce((a, b) => a * b);
      const from = type === 'int8' ? -128 : 0;
      const tensors = [
        ints('to', [1, -1]),
        floats('p', [192, 12]),
        bytes('w', dims, integers(72, 255, from), type),
        floats(
          's',
          scales,
          Array.from({ length: count }, (__, i) => 0.01 + i / 1000),
        ),
        bytes('z', scales, integers(count, 11, from + 5), type),
      ];
      const nodes = [
        node('Reshape', ['x', 'to'], 'f'),
        node('MatMul', ['f', 'p'], 'h'),
        node('DequantizeLinear', ['w', 's', 'z'], 'd', {
          axis: { int: axis },
          block_size: { int: block },
        }),
        node('Gemm', ['h', 'd'], 'y', { transB: { int: 1 } }),
      ];
      await agree(nodes, tensors, { opset: 21 });
    },
  );

  it("in the form of OpenCV's model zoo: kernels by block and reshaped, biases by block", async () => {
    const parts = (one: boolean): ModelTensor[] => [
      bytes('wq', [6, 27], integers(162)),
      floats(
        'ws',
        [6, 3],
        Array.from({ length: 18 }, (_, i) => 0.004 + i / 5000),
      ),
      bytes('wz', [6, 3], integers(18, 9, -4)),
      ints('shape', [6, 3, 3, 3]),
      bytes('bq', [6], [100, -50, 7, 0, 127, -128]),
      floats('bs', [one ? 1 : 2], one ? [0.01] : [0.01, 0.02]),
      bytes('bz', [one ? 1 : 2], one ? [3] : [3, -2]),
    ];
    const nodes = (blocked: boolean): ModelNode[] => {
      const size = blocked ? { block_size: { int: 3 } } : {};
      return [
        node('DequantizeLinear', ['wq', 'ws', 'wz'], 'wd', {
          axis: { int: 1 },
          block_size: { int: 9 },
        }),
        node('Reshape', ['wd', 'shape'], 'w'),
        node('DequantizeLinear', ['bq', 'bs', 'bz'], 'b', { axis: { int: 0 }, ...size }),
        node('Conv', ['x', 'w', 'b'], 'y', { pads: { ints: [1, 1, 1, 1] } }),
      ];
    };
    await agree(nodes(true), parts(false), { opset: 21 });
    // A single block has one scale; onnxruntime refuses to be told its size.
    const exact = await agree(nodes(false), parts(true), { opset: 21 });
    const got = importedOutput(modelBytes({ nodes: nodes(true), tensors: parts(true), opset: 21 }));
    expect(got).toEqual(exact);
  });

  it.each([
    ['uint4', 21, 0],
    ['int4', 22, -8],
  ] as const)(
    'of %s are unpacked, the first from the lower half of a byte',
    async (_, dataType, low) => {
      const packed = Uint8Array.from({ length: 36 }, (__, i) => (i * 73 + 5) % 256);
      const four = (name: string, dims: number[], data: Uint8Array): ModelTensor => ({
        name,
        dims,
        dataType,
        data,
      });
      const tensors = [
        ints('to', [1, -1]),
        floats('p', [192, 12]),
        four('w', [6, 12], packed),
        floats('s', [6], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        four('z', [6], Uint8Array.of(0x21, 0x43, 0x65 + (low === 0 ? 0x10 : 0))),
      ];
      const nodes = [
        node('Reshape', ['x', 'to'], 'f'),
        node('MatMul', ['f', 'p'], 'h'),
        node('DequantizeLinear', ['w', 's', 'z'], 'd', { axis: { int: 0 } }),
        node('Gemm', ['h', 'd'], 'y', { transB: { int: 1 } }),
      ];
      await agree(nodes, tensors, { opset: 21 });
    },
  );

  it('of an odd number of four bits end with half a byte', () => {
    const tensors: ModelTensor[] = [
      { name: 'w', dims: [1, 3, 1, 1], dataType: 22, data: Uint8Array.of(0xf1, 0x07) },
      scalar('s', 1),
    ];
    const nodes = [node('DequantizeLinear', ['w', 's'], 'd'), node('Conv', ['x', 'd'], 'y')];
    const { graph } = importOnnx(modelBytes({ nodes, tensors, opset: 21 }));
    const conv = graph.nodes[0];
    expect(conv?.op === 'conv' && [...conv.weight.read()]).toEqual([1, -1, 7]);
    const short = [{ ...tensors[0], data: Uint8Array.of(0xf1) } as ModelTensor, scalar('s', 1)];
    expect(messageOf(() => importOnnx(modelBytes({ nodes, tensors: short, opset: 21 })))).toMatch(
      /3 values by its dimensions, got 2/,
    );
  });

  it('of two bits stand four to a byte', () => {
    const two: ModelTensor = {
      name: 'w',
      dims: [2, 3, 1, 1],
      dataType: 26,
      data: Uint8Array.of(0b11_10_01_00, 0b00_00_10_01),
    };
    const nodes = [node('DequantizeLinear', ['w', 's'], 'd'), node('Conv', ['x', 'd'], 'y')];
    const { graph } = importOnnx(
      modelBytes({ nodes, tensors: [two, scalar('s', 0.5)], opset: 25 }),
    );
    const conv = graph.nodes[0];
    expect(conv?.op === 'conv' && [...conv.weight.read()]).toEqual([0, 0.5, -1, -0.5, 0.5, -1]);
  });

  it('with scales that do not fit their blocks are refused', () => {
    const refusal = (dims: number[], block: number) =>
      messageOf(() =>
        importOnnx(
          modelBytes({
            nodes: [
              node('DequantizeLinear', ['w', 's'], 'd', {
                axis: { int: 1 },
                block_size: { int: block },
              }),
              node('Conv', ['x', 'd'], 'y'),
            ],
            tensors: [
              bytes('w', [4, 3, 2, 2], integers(48)),
              floats('s', dims, Array(dims.reduce((a, b) => a * b)).fill(1)),
            ],
            opset: 21,
          }),
        ),
      );
    expect(refusal([4, 2, 2, 2], 2)).toBe('read');
    expect(refusal([4, 3, 2, 2], 2)).toMatch(
      /scales \[4,2,2,2\] for \[4,3,2,2\], got "\[4,3,2,2\]"/,
    );
    expect(refusal([8], 2)).toMatch(/scales \[4,2,2,2\]/);
    expect(refusal([3], 0)).toBe('read');
    expect(refusal([4, 2, 2, 2], 0)).toMatch(/scales \[3\] for \[4,3,2,2\]/);
  });
});

describe('files of quantize_dynamic', () => {
  const q = integers(192 * 6);
  const scales = [0.01, 0.02, 0.005, 0.01, 0.03, 0.01];
  const zeros = [0, 5, -3, 0, 2, 1];
  const dequantised = q.map((v, i) => (v - (zeros[i % 6] as number)) * (scales[i % 6] as number));
  const tensors = [
    ints('to', [1, -1]),
    bytes('w', [192, 6], q),
    bytes('wz', [6], zeros),
    floats('ws', [6], scales),
    floats('b', [6]),
    floats('wf', [192, 6], dequantised),
  ];
  const flat = node('Reshape', ['x', 'to'], 'f');
  const dynamic = { ...node('DynamicQuantizeLinear', ['f'], 'fq'), outputs: ['fq', 'fs', 'fz'] };
  const float = [flat, node('MatMul', ['f', 'wf'], 'm'), node('Add', ['m', 'b'], 'y')];

  const FORMS: Record<string, ModelNode[]> = {
    'as it is written': [
      flat,
      dynamic,
      node('MatMulInteger', ['fq', 'w', 'fz', 'wz'], 'i'),
      node('Cast', ['i'], 'c', { to: { int: 1 } }),
      node('Mul', ['fs', 'ws'], 'scale'),
      node('Mul', ['c', 'scale'], 'm'),
      node('Add', ['m', 'b'], 'y'),
    ],
    'scaled one after the other': [
      flat,
      dynamic,
      node('MatMulInteger', ['fq', 'w', 'fz', 'wz'], 'i'),
      node('Cast', ['i'], 'c', { to: { int: 1 } }),
      node('Mul', ['ws', 'c'], 'm0'),
      node('Mul', ['fs', 'm0'], 'm'),
      node('Add', ['b', 'm'], 'y'),
    ],
    'fused into MatMulIntegerToFloat': [
      flat,
      dynamic,
      node('com.microsoft:MatMulIntegerToFloat', ['fq', 'w', 'fs', 'ws', 'fz', 'wz', 'b'], 'y'),
    ],
    'fused into DynamicQuantizeMatMul': [
      flat,
      node('com.microsoft:DynamicQuantizeMatMul', ['f', 'w', 'ws', 'wz', 'b'], 'y'),
    ],
  };

  it.each(Object.keys(FORMS))('are the float layer with dequantised weights: %s', async (name) => {
    const nodes = FORMS[name] as ModelNode[];
    const got = importedOutput(modelBytes({ nodes, tensors }));
    const exact = await agree(float, tensors);
    for (const [i, value] of exact.entries()) expect(got[i]).toBeCloseTo(value, 5);
    // The file itself rounds its input to 1/255 of its range.
    const largest = Math.max(...exact.map(Math.abs));
    expect(await distance(nodes, tensors)).toBeLessThan(0.02 * largest);
    const { notes } = importOnnx(modelBytes({ nodes, tensors }));
    expect(notes).toContainEqual(expect.stringMatching(/^dynamically quantised file: weights are/));
  });

  it('with convolutions are the float convolution', async () => {
    const w = integers(4 * 27);
    const conv = { strides: { ints: [2, 2] }, pads: { ints: [1, 1, 1, 1] } };
    const all = [
      bytes('w', [4, 3, 3, 3], w),
      zero('wz', 3, 'int8'),
      floats('ws', [1], [0.02]),
      floats('b', [1, 4, 1, 1]),
      floats(
        'wf',
        [4, 3, 3, 3],
        w.map((v) => (v - 3) * 0.02),
      ),
    ];
    const nodes = [
      { ...node('DynamicQuantizeLinear', ['x'], 'q'), outputs: ['q', 's', 'z'] },
      node('ConvInteger', ['q', 'w', 'z', 'wz'], 'i', conv),
      node('Cast', ['i'], 'c', { to: { int: 1 } }),
      node('Mul', ['s', 'ws'], 'scale'),
      node('Mul', ['c', 'scale'], 'm'),
      node('Add', ['m', 'b'], 'y'),
    ];
    const exact = await agree(
      [node('Conv', ['x', 'wf'], 'm', conv), node('Add', ['m', 'b'], 'y')],
      all,
    );
    const got = importedOutput(modelBytes({ nodes, tensors: all }));
    for (const [i, value] of exact.entries()) expect(got[i]).toBeCloseTo(value, 5);
    expect(await distance(nodes, all)).toBeLessThan(0.02 * Math.max(...exact.map(Math.abs)));
  });

  it('keep the order of integers that are flattened or transposed', async () => {
    const nodes = [
      { ...node('DynamicQuantizeLinear', ['x'], 'q'), outputs: ['q', 's', 'z'] },
      node('Transpose', ['q'], 't', { perm: { ints: [0, 3, 1, 2] } }),
      node('Reshape', ['t', 'to'], 'f'),
      node('MatMulInteger', ['f', 'w', 'z', 'wz'], 'i'),
      node('Cast', ['i'], 'c', { to: { int: 1 } }),
      node('Mul', ['s', 'ws'], 'scale'),
      node('Mul', ['c', 'scale'], 'y'),
    ];
    const exact = await agree(
      [
        node('Transpose', ['x'], 't', { perm: { ints: [0, 3, 1, 2] } }),
        node('Reshape', ['t', 'to'], 'f'),
        node('MatMul', ['f', 'wf'], 'y'),
      ],
      tensors,
    );
    const got = importedOutput(modelBytes({ nodes, tensors }));
    for (const [i, value] of exact.entries()) expect(got[i]).toBeCloseTo(value, 5);
    expect(await distance(nodes, tensors)).toBeLessThan(0.02 * Math.max(...exact.map(Math.abs)));
  });

  it('are refused where a product is not scaled, or by the scale of another value', () => {
    const start = (FORMS['as it is written'] as ModelNode[]).slice(0, 4);
    const refusal = (...nodes: ModelNode[]) =>
      messageOf(() => importOnnx(modelBytes({ nodes: [...start, ...nodes], tensors })));
    expect(refusal(node('Relu', ['c'], 'y'))).toMatch(/an integer product that was not scaled/);
    expect(refusal(node('Add', ['c', 'b'], 'y'))).toMatch(/an integer product times its scale/);
    const other = [
      node('Sigmoid', ['x'], 'g'),
      { ...node('DynamicQuantizeLinear', ['g'], 'o'), outputs: ['o', 'os', 'oz'] },
    ];
    expect(refusal(...other, node('Mul', ['c', 'os'], 'y'))).toMatch(/times its scale, got Mul of/);
    expect(refusal(...other, node('MatMulInteger', ['fq', 'w', 'oz'], 'y'))).toMatch(
      /with their zero point/,
    );
    expect(refusal(node('Relu', ['fs'], 'y'))).toMatch(/the scale of a dynamic quantisation/);
  });
});

describe('QOperator files', () => {
  const tensors = [
    scalar('xs', 0.01),
    zero('xz', 0, 'int8'),
    bytes('w', [4, 3, 1, 1], integers(12)),
    scalar('ws', 0.01),
    zero('wz', 0, 'int8'),
    scalar('ys', 0.02),
    zero('yz', -20, 'int8'),
    int32s('b', [1000, -2000, 0, 500]),
  ];
  const quantize = node('QuantizeLinear', ['x', 'xs', 'xz'], 'q');
  const conv = node('QLinearConv', ['q', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz', 'b'], 'c');
  const back = (from: string) => node('DequantizeLinear', [from, 'ys', 'yz'], 'y');

  it('saturate as onnxruntime-web does', async () => {
    expect(await distance([quantize, conv, back('c')], tensors)).toBeLessThan(0.02);
  });

  it('with a border of their zero point pad with 0', async () => {
    const pads = [ints('pads', [0, 0, 1, 1, 0, 0, 1, 1]), zero('pv', 7, 'int8')];
    const nodes = [
      quantize,
      node('Pad', ['q', 'pads', 'pv'], 'p'),
      { ...conv, inputs: ['p', ...conv.inputs.slice(1)] },
      back('c'),
    ];
    expect(await distance(nodes, [...tensors, ...pads])).toBeLessThan(0.02);
  });

  it('join their parts', async () => {
    const nodes = [
      quantize,
      conv,
      node('com.microsoft:QLinearConcat', ['ys', 'yz', 'c', 'ys', 'yz', 'q', 'xs', 'xz'], 'j', {
        axis: { int: 1 },
      }),
      back('j'),
    ];
    expect(opsOf(nodes, tensors)).toEqual(['conv', 'clip', 'concat', 'clip']);
    expect(await distance(nodes, tensors)).toBeLessThan(0.021);
  });
});
