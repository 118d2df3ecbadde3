/** One operator at a time against the definition in ONNX's operator list, evaluated in float64. */

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import type { OnnxFileNode } from '../../src/formats/onnx/write.ts';
import { floats, node, onnxFile } from '../support/onnx-files.ts';
import { each, near, refusal, run, x } from '../support/onnx-run.ts';

describe('pooling', () => {
  const pool = (attributes: OnnxFileNode['attributes']) => [
    node('AveragePool', ['x'], 'y', { kernel_shape: { ints: [8, 8] }, ...attributes }),
  ];

  it('is the mean of the picture where the window covers it without padding', () => {
    const mean = [0, 1, 2].map((c) => x.slice(c * 64, c * 64 + 64).reduce((a, b) => a + b) / 64);
    near(run(pool({})), mean);
    near(run(pool({ auto_pad: { text: 'VALID' } })), mean);
  });

  it('refuses padding by auto_pad, and dilation', () => {
    for (const mode of ['SAME_UPPER', 'SAME_LOWER']) {
      expect(refusal(pool({ auto_pad: { text: mode } }))).toMatch(
        /no padding, or count_include_pad/,
      );
    }
    expect(refusal(pool({ dilations: { ints: [2, 2] } }))).toMatch(/dilations of 1/);
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
    for (const dims of [
      [1, 3],
      [1, 1, 3],
      [3, 1],
    ]) {
      const message = refusal([node('PRelu', ['x', 's'], 'y')], [floats('s', dims, slopes)]);
      expect(message).toMatch(/3 slopes, per channel/);
    }
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

  it('is remembered as the file has it, whatever gamma and epsilon are', () => {
    const memory = (nodes: Parameters<typeof onnxFile>[0], constants = tensors()) => {
      const { graph } = importOnnx(onnxFile(nodes, constants));
      return graph.nodes.map((one) => (one.op === 'affine' ? one.remembered : undefined));
    };
    const expected = { mean: Float64Array.of(0.5, 0, -0.5), variance: Float64Array.of(1, 4, 0.25) };
    expect(memory([norm])).toEqual([expected]);
    const eps = { ...norm, attributes: { epsilon: { float: 1 } } };
    expect(memory([eps])).toEqual([expected]);
    // Half precision overflows at 65,504: such a channel is switched off, and its memory is none.
    const overflowed = [
      ...tensors().slice(0, 3),
      floats('v', [3], [1, Number.POSITIVE_INFINITY, 1]),
    ];
    expect(memory([norm], overflowed)).toEqual([undefined]);
    expect(memory([node('Mul', ['x', 'g'], 'y')], [floats('g', [3, 1, 1], [1, 2, 3])])).toEqual([
      undefined,
    ]);
  });

  it('refuses wrong lengths, training mode and negative variances', () => {
    expect(refusal([norm], tensors(2))).toMatch(/3 scales, got 2/);
    const training = { ...norm, attributes: { training_mode: { int: 1 } } };
    expect(refusal([training], tensors())).toMatch(/evaluation mode/);
    const negative = [...tensors().slice(0, 3), floats('v', [3], [1, -4, 1])];
    expect(refusal([norm], negative)).toMatch(/finite constants, got NaN/);
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
