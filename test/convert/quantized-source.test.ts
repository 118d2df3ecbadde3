/** A file of 8-bit weights converted to q8: its own numbers and scales, no second rounding. */

import { describe, expect, it } from 'vitest';
import { convertModel } from '../../src/convert/convert.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { expandWeights } from '../support/expand.ts';
import { mulberry32, uniform } from '../support/graphs.ts';
import { bytes, floats, node, onnxFile } from '../support/onnx-files.ts';

const random = mulberry32(20261128);
const integers = (count: number): number[] =>
  [...uniform(random, count, -100, 100)].map((value) => Math.round(value));
const values = (count: number, low: number, high: number): number[] => [
  ...uniform(random, count, low, high),
];

/** 3 -> 8 -> batch norm -> 16 -> batch norm -> 16 features of an average; weights int8 with a scale per output. */
const stem = integers(8 * 3);
const second = integers(16 * 8);
const scales = values(16, 0.001, 0.02);
const gamma = values(8, 0.5, 2);
const behind = values(16, 0.5, 2);
const tensors = [
  bytes('w0', [8, 3, 1, 1], stem),
  floats('s0', [8], values(8, 0.01, 0.02)),
  bytes('z0', [8], new Array(8).fill(0)),
  bytes('w1', [16, 8, 1, 1], second),
  floats('s1', [16], scales),
  bytes('z1', [16], new Array(16).fill(0)),
  ...norm('a', 8, gamma),
  ...norm('b', 16, behind),
];

function norm(name: string, count: number, scale: number[]) {
  return [
    floats(`${name}g`, [count], scale),
    floats(`${name}b`, [count], values(count, -1, 1)),
    floats(`${name}m`, [count], values(count, -1, 1)),
    floats(`${name}v`, [count], new Array(count).fill(1)),
  ];
}

const batchNorm = (x: string, name: string, y: string) =>
  node('BatchNormalization', [x, `${name}g`, `${name}b`, `${name}m`, `${name}v`], y);
const dequantize = (i: number) =>
  node('DequantizeLinear', [`w${i}`, `s${i}`, `z${i}`], `d${i}`, { axis: { int: 0 } });

const file = onnxFile(
  [
    dequantize(0),
    node('Conv', ['x', 'd0'], 'c0'),
    batchNorm('c0', 'a', 'n0'),
    node('Relu', ['n0'], 'r0'),
    batchNorm('r0', 'a', 'n1'),
    dequantize(1),
    node('Conv', ['n1', 'd1'], 'c1'),
    batchNorm('c1', 'b', 'n2'),
    node('GlobalAveragePool', ['n2'], 'p'),
    node('Flatten', ['p'], 'y'),
  ],
  tensors,
  { inputs: [{ name: 'x', dims: [1, 3, 112, 112] }] },
);

describe('q8 of a file of 8-bit weights', () => {
  const source = { name: 'int8.onnx', sha256: '0'.repeat(64) };
  const converted = convertModel(importOnnx(file), { source, dtype: 'q8' });

  it('keeps the batch norm in front of them, which would change them', () => {
    expect(converted.report.folded.kept).toEqual([
      { name: 'n1', reason: '"c1" keeps its 8-bit weights and their scales' },
    ]);
  });

  it('stores the numbers of the file, times a scale per output', () => {
    const stored = new Map<string, Uint8Array>();
    const specs = JSON.parse(new TextDecoder().decode(converted.header.subarray(8)));
    const data = [...converted.chunks()];
    const names = Object.keys(specs).filter((name) => name !== '__metadata__');
    for (const [i, name] of names.entries()) stored.set(name, data[i] as Uint8Array);
    const name = names.find((one) => specs[one].dtype === 'I8') as string;
    const bytesOf = (key: string): ArrayBuffer =>
      Uint8Array.from(stored.get(key) as Uint8Array).buffer;
    const shape = specs[name].shape as number[];
    const back = expandWeights(
      new Int8Array(bytesOf(name)),
      new Float32Array(bytesOf(`${name}_scale`)),
      shape,
    );
    for (let o = 0; o < 16; o++) {
      // As the file says it: f32 scale, and gamma over the root of the variance 1 plus eps.
      const step = Math.fround(scales[o] as number);
      const factor = Math.fround(behind[o] as number) / Math.sqrt(1 + Math.fround(1e-5));
      for (let i = 0; i < 8; i++) {
        const expected = (second[o * 8 + i] as number) * step * factor;
        const got = back[(Math.floor(o / 8) * 8 + i) * 8 + (o % 8)] as number;
        expect(Math.abs(got - expected)).toBeLessThanOrEqual(Math.abs(expected) * 2 ** -22);
      }
    }
  });

  it('in f32 has the batch norm folded, as of any file', () => {
    const plain = convertModel(importOnnx(file), { source });
    expect(plain.report.folded.kept).toEqual([]);
  });
});
