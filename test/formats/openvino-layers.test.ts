import { describe, expect, it } from 'vitest';
import type { Imported } from '../../src/formats/imported.ts';
import { importOpenvino } from '../../src/formats/openvino/import.ts';
import { constant, edge, embeddingOf, irOf, PORTS, single } from '../support/openvino-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

describe('OpenVINO layers', () => {
  const threes = new Uint8Array(Float32Array.of(2, 4, 8).buffer);
  const perChannel = constant('c', 'f32', '1,3,1,1', 0, 12);
  const firsts = (imported: Imported): number[] => {
    const input = Float32Array.from({ length: 3 * 12544 }, (_, i) => 1 + Math.floor(i / 12544));
    const value = embeddingOf(imported.graph, input);
    return [0, 1, 2].map((c) => value[(c * value.length) / 3] as number);
  };

  it.each<[string, string, string, number[]]>([
    ['Add', '', perChannel, [3, 6, 11]],
    ['Subtract', '', perChannel, [-1, -2, -5]],
    ['Multiply', '', perChannel, [2, 8, 24]],
    ['Divide', '', perChannel, [0.5, 0.5, 3 / 8]],
    ['PRelu', '', constant('c', 'f32', '3', 0, 12), [1, 2, 3]],
    ['prelu', '', constant('c', 'f32', '1', 0, 4), [1, 2, 3]],
    ['ReLU', 'negative_slope="0.5"', '', [1, 2, 3]],
    ['Clamp', 'min="1.5" max="2.5"', '', [1.5, 2, 2.5]],
    ['Power', 'power="1" scale="2" shift="1"', '', [3, 5, 7]],
    ['AvgPool', 'kernel="112,112"', '', [1, 2, 3]],
  ])('%s %s is computed', (type, data, extra, expected) => {
    expect(firsts(single(type, data, extra, threes)())).toEqual(expected);
  });

  const integers = (...values: number[]): Uint8Array =>
    new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  const vector = (count: number): string => constant('c', 'i64', String(count), 0, 8 * count);

  it('shapes in constants flatten and pool', () => {
    const mean = single('ReduceMean', 'keep_dims="true"', vector(2), integers(2, -1));
    expect(mean().graph.nodes.map(({ op }) => op)).toEqual(['global_average_pool']);
    const flat = single('ReduceMean', 'keep_dims="false"', vector(2), integers(-2, 3));
    expect(flat().graph.nodes.map(({ op }) => op)).toEqual(['global_average_pool']);
    for (const target of [
      [0, -1],
      [1, -1],
      [-1, 37632],
      [1, 37632],
    ]) {
      const reshape = single('Reshape', '', vector(2), integers(...target));
      expect(reshape().graph.nodes.map(({ op }) => op)).toEqual(['flatten']);
    }
  });

  it('weights of a MatMul may stand either way', () => {
    const flat = `<layer id="f" name="f" type="Flatten">${PORTS(1)}</layer>`;
    const pool = `<layer id="m" name="m" type="AvgPool"><data kernel="112,112"/>${PORTS(1)}</layer>`;
    const product = (data: string, shape: string): number[] => {
      const weights = constant('c', 'f32', shape, 0, 24);
      const layer = `<layer id="out" name="o" type="MatMul"><data ${data}/>${PORTS(2)}</layer>`;
      const edges = edge('p', 'm') + edge('m', 'f') + edge('f', 'out') + edge('c', 'out', 1);
      const bin = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
      const { graph } = importOpenvino(irOf(pool + flat + weights + layer, edges), bin);
      const input = Float32Array.from({ length: 3 * 12544 }, (_, i) => 1 + Math.floor(i / 12544));
      return [...embeddingOf(graph, input)];
    };
    expect(product('transpose_b="true"', '2,3')).toEqual([14, 32]);
    expect(product('', '3,2')).toEqual([22, 28]);
  });

  it('a squeeze-and-excitation unit is gated by its sigmoid', () => {
    const layers = `<layer id="m" name="m" type="AvgPool"><data kernel="112,112"/>${PORTS(1)}</layer>
      <layer id="s" name="s" type="Sigmoid">${PORTS(1)}</layer>
      <layer id="out" name="o" type="Multiply">${PORTS(2)}</layer>`;
    for (const [x, gate] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const edges = edge('p', 'm') + edge('m', 's') + edge('p', 'out', x) + edge('s', 'out', gate);
      const [value = 0] = firsts(importOpenvino(irOf(layers, edges), new Uint8Array()));
      expect(value).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
    }
  });

  it('automatic padding keeps the size, the odd one at the end or the start', () => {
    const padsFor = (mode: string): unknown => {
      const data = `strides="2,2" pads_begin="9,9" pads_end="9,9" auto_pad="${mode}"`;
      const weights = constant('c', 'f32', '1,3,3,3', 0, 108);
      const [node] = single('Convolution', data, weights, new Uint8Array(108))().graph.nodes;
      return node?.op === 'conv' && node.pads;
    };
    expect(padsFor('same_upper')).toEqual([0, 0, 1, 1]);
    expect(padsFor('same_lower')).toEqual([1, 1, 0, 0]);
    expect(padsFor('valid')).toEqual([0, 0, 0, 0]);
    expect(padsFor('explicit')).toEqual([9, 9, 9, 9]);
  });

  it('versions 5 to 7 may share one scale, multiply by Eltwise and reshape by attribute', () => {
    const legacy = (layers: string, edges: string): Imported => {
      const xml = `<net name="n" version="6"><layers><layer id="p" name="data" type="Input" precision="FP32">
        <output><port id="0"><dim>1</dim><dim>3</dim><dim>112</dim><dim>112</dim></port></output></layer>
        ${layers}</layers><edges>${edges}</edges></net>`;
      return importOpenvino(new TextEncoder().encode(xml), threes);
    };
    const scale = `<layer id="a" name="a" type="ScaleShift" precision="FP32">${PORTS(1)}
      <blobs><weights offset="0" size="4"/><biases offset="0" size="12"/></blobs></layer>`;
    expect(firsts(legacy(scale, edge('p', 'a')))).toEqual([4, 8, 14]);
    const gate = `<layer id="m" name="m" type="Pooling"><data kernel="112,112" pool-method="avg"/>${PORTS(1)}</layer>
      <layer id="a" name="a" type="Eltwise"><data operation="mul"/>${PORTS(2)}</layer>`;
    const both = edge('p', 'm') + edge('p', 'a') + edge('m', 'a', 1);
    expect(firsts(legacy(gate, both))).toEqual([1, 4, 9]);
    const flat = `<layer id="a" name="a" type="Reshape"><data dim="0,-1"/>${PORTS(1)}</layer>`;
    expect(legacy(flat, edge('p', 'a')).graph.nodes.map(({ op }) => op)).toEqual(['flatten']);
  });

  it.each<[string, string, string, Uint8Array, string]>([
    ['Mish', '', '', threes, 'OpenVINO operator Mish: expected one like PReLU'],
    ['Reshape', '', vector(2), integers(3, -1), 'expected a reshape of [1,3,112,112]'],
    ['ReduceMean', '', vector(1), integers(1), 'a mean over height and width of a picture'],
    ['ReduceMean', '', vector(1), integers(2), 'a mean over height and width of a picture'],
    ['ReduceMean', '', vector(2), integers(0, 2), 'a mean over height and width of a picture'],
    ['AvgPool', 'kernel="3,3"', '', threes, 'pooling over all of 112x112'],
    ['Power', 'power="3"', '', threes, 'power 3 of an activation'],
    ['NormalizeL2', 'eps="1e-10"', vector(1), integers(1), 'a norm of all values'],
    ['Eltwise', 'operation="max"', perChannel, threes, 'one number as input 1'],
    [
      'Eltwise',
      'operation="less"',
      perChannel,
      threes,
      'operation sum,add,sub,mul,prod,div,max, min',
    ],
    ['Add', '', constant('c', 'nf4', '3', 0, 6), threes, 'got nf4'],
    ['MatMul', '', constant('c', 'f32', '3', 0, 12), threes, 'expected an input [1, K]'],
    [
      'Convolution',
      'dilations="2,2"',
      constant('c', 'f32', '1,3,1,1', 0, 12),
      threes,
      'dilations 1,1',
    ],
    [
      'Convolution',
      'auto_pad="same"',
      constant('c', 'f32', '1,3,1,1', 0, 12),
      threes,
      'auto_pad explicit',
    ],
    [
      'Convolution',
      'pads_begin="1,1"',
      constant('c', 'f32', '1,3,1,1', 0, 12),
      threes,
      'both pads_begin',
    ],
    ['AvgPool', 'kernel="112,112" pads_begin="1,1" pads_end="1,1"', '', threes, 'pooling over all'],
    ['AvgPool', 'kernel="112,112" auto_pad="same_upper"', '', threes, 'pooling over all'],
  ])('%s %s is refused by name', (type, data, extra, bin, words) => {
    expect(codeOf(single(type, data, extra, bin))).toBe('unsupported_operator');
    expect(messageOf(single(type, data, extra, bin))).toContain(words);
  });

  it.each<[string, string, string, string]>([
    ['Add', '', constant('c', 'f32', '1,3,1,1', 56, 12), 'within the 64 bytes'],
    ['Add', '', constant('c', 'f32', '1,3,1,1', 999_999_999_999_999, 12), 'within the 64 bytes'],
    [
      'Add',
      '',
      constant('c', 'f32', '1,3,1,1', 0, 8),
      'expected 12 bytes for [1,3,1,1] f32, got 8',
    ],
    ['Add', '', constant('c', 'f32', '1,3,1,1', -4, 12), 'a count of bytes'],
    ['Add', '', constant('c', 'f32', '1,x', 0, 12), 'positive dimensions'],
    ['Add', '', constant('c', 'f32', '99999,99999,99999', 0, 12), 'positive dimensions'],
    ['Add', '', constant('c', 'f32', '3', 0, 12), 'a constant per channel'],
    ['Add', '', constant('c', 'f32', '2,3,1,1', 0, 24), 'a constant per channel'],
    ['Clamp', 'min="zero" max="1"', '', 'a number as min'],
    ['Reshape', '', constant('c', 'i64', '2', 0, 16), 'a shape of the 37632 values'],
    ['Transpose', '', constant('c', 'i64', '4', 0, 32), 'an order of the 4 axes of [1,3,112,112]'],
    [
      'MatMul',
      'transpose_a="maybe"',
      constant('c', 'f32', '3', 0, 12),
      'true or false as transpose_a',
    ],
    [
      'Convolution',
      'strides="1"',
      constant('c', 'f32', '1,3,1,1', 0, 12),
      'two integers as strides',
    ],
    [
      'Convolution',
      'pads_begin="-1,0" pads_end="0,0"',
      constant('c', 'f32', '1,3,1,1', 0, 12),
      'four pads',
    ],
    ['Convolution', '', constant('c', 'f32', '3', 0, 12), 'weights [O, I / group, kh, kw]'],
    ['GroupConvolution', '', constant('c', 'f32', '3', 0, 12), 'weights [G, O / G'],
    ['FullyConnected', 'out-size="1"', '', 'a blob of weights'],
  ])('%s %s with a fault is refused with its place', (type, data, extra, words) => {
    expect(codeOf(single(type, data, extra))).toBe('bad_model');
    expect(messageOf(single(type, data, extra))).toContain(words);
  });
});
