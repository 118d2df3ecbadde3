/** Weights in files beside the model: any location, offset and length; what leads out of the folder is refused. */

import { describe, expect, it } from 'vitest';
import { externalFilesOf, importOnnx } from '../../src/formats/onnx/import.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { floats, ints, node } from '../support/onnx-files.ts';
import { type ModelTensor, modelBytes } from '../support/onnx-model.ts';
import { expectAgreement } from '../support/onnx-oracle.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

const nodes = [
  node('Conv', ['x', 'w', 'b'], 'c'),
  node('Reshape', ['c', 'to'], 'f'),
  node('Gemm', ['f', 'm'], 'y', { transB: { int: 1 } }),
];
const whole = [
  floats('w', [4, 3, 3, 3]),
  floats('b', [4]),
  ints('to', [1, -1]),
  floats('m', [5, 144]),
];

function bytesOf(tensor: ModelTensor): Uint8Array {
  const { data } = tensor;
  return Uint8Array.from(data === undefined ? [] : 'read' in data ? data.read() : data);
}

/** The tensors laid into files: [name, location, offset, whether the length is stated]. */
function laidOut(places: readonly (readonly [string, string, number, boolean?])[]) {
  const files = new Map<string, Uint8Array>();
  const tensors = whole.map((tensor): ModelTensor => {
    const place = places.find(([name]) => name === tensor.name);
    if (!place) return tensor;
    const [, location, offset, stated = true] = place;
    const values = bytesOf(tensor);
    const before = files.get(location.replace(/^\.\//, '')) ?? new Uint8Array();
    const file = new Uint8Array(Math.max(before.length, offset + values.length));
    file.set(before);
    file.set(values, offset);
    files.set(location.replace(/^\.\//, ''), file);
    const length = stated ? values.length : undefined;
    return { ...tensor, data: new Uint8Array(), external: { location, offset, length } };
  });
  return { bytes: modelBytes({ nodes, tensors }), files };
}

describe('external data', () => {
  it.each([
    [
      'one file, as torch writes it',
      [
        ['w', 'model.onnx.data', 0],
        ['b', 'model.onnx.data', 4096],
        ['m', 'model.onnx.data', 8192],
      ],
    ],
    [
      'one file per tensor, without offsets or lengths',
      [
        ['w', 'conv.weight', 0, false],
        ['b', 'conv.bias', 0, false],
        ['m', 'fc', 0, false],
      ],
    ],
    [
      'a folder beside the model',
      [
        ['w', 'weights/a.bin', 64],
        ['m', './weights/b.bin', 0],
      ],
    ],
    [
      'shapes as well',
      [
        ['w', 'd', 0],
        ['to', 'd', 4096],
        ['b', 'd', 8192],
        ['m', 'd', 12_288],
      ],
    ],
  ] as [string, [string, string, number, boolean?][]][])('is read from %s', async (_, places) => {
    const { bytes, files } = laidOut(places);
    expect(externalFilesOf(bytes)).toEqual([...files.keys()].sort());
    const { graph } = importOnnx(bytes, { external: files });
    const x = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i));
    const inside = importOnnx(modelBytes({ nodes, tensors: whole }));
    expect(evaluateGraph(graph, x).get('y')).toEqual(evaluateGraph(inside.graph, x).get('y'));
    // onnxruntime wants the location spelled as the file has it, and shapes inside the model.
    if (!places.some(([name, location]) => name === 'to' || location.startsWith('./'))) {
      await expectAgreement(bytes, { external: files });
    }
  });

  it('holds no second copy of the weights', () => {
    const { bytes, files } = laidOut([['m', 'd', 0]]);
    const { graph } = importOnnx(bytes, { external: files });
    const fc = graph.nodes.find(({ op }) => op === 'fc');
    const file = files.get('d') as Uint8Array;
    new Float32Array(file.buffer)[0] = 1234;
    expect(fc?.op === 'fc' && fc.weight.read()[0]).toBe(1234);
  });

  it('is not needed by a file that has none', () => {
    expect(externalFilesOf(modelBytes({ nodes, tensors: whole }))).toEqual([]);
  });

  it('that is missing, or too short, is named', () => {
    const { bytes, files } = laidOut([['w', 'model.onnx.data', 0]]);
    expect(messageOf(() => importOnnx(bytes))).toBe(
      'ONNX tensor "w": expected its values in "model.onnx.data", got no such file; put it beside the model',
    );
    const short = new Map([
      ['model.onnx.data', (files.get('model.onnx.data') as Uint8Array).slice(4)],
    ]);
    expect(messageOf(() => importOnnx(bytes, { external: short }))).toMatch(
      /tensor "w": expected bytes 0\.\.432 of "model\.onnx\.data", got "428 bytes; is it whole\?"/,
    );
  });

  it.each([
    '../model.data',
    '/etc/passwd',
    'a/../../b',
    '..',
    '',
    '.',
    'a//b',
    'C:\\x',
    'a\\b',
    'file:x',
  ])('outside the folder is refused: %j', (location) => {
    const tensor = { ...floats('w', [4, 3, 3, 3]), external: { location, offset: 0 } };
    const bytes = modelBytes({ nodes, tensors: [tensor, ...whole.slice(1)] });
    expect(codeOf(() => externalFilesOf(bytes))).toBe('bad_model');
    expect(
      messageOf(() => importOnnx(bytes, { external: new Map([[location, new Uint8Array(999)]]) })),
    ).toMatch(/tensor "w": expected external data in a file inside the model's folder/);
  });

  it('with another length than the dimensions need, or no number, is refused', () => {
    const of = (external: object) => {
      const tensor = { ...floats('w', [4, 3, 3, 3]), external } as ModelTensor;
      const bytes = modelBytes({ nodes, tensors: [tensor, ...whole.slice(1)] });
      return messageOf(() =>
        importOnnx(bytes, { external: new Map([['d', new Uint8Array(999)]]) }),
      );
    };
    expect(of({ location: 'd', offset: 0, length: 16 })).toMatch(
      /108 values by its dimensions, got 4/,
    );
    expect(of({ location: 'd', offset: -4 })).toMatch(/offset in bytes of external data, got "-4"/);
    expect(of({ location: 'd', offset: 1e15 })).toMatch(/offset in bytes/);
    expect(of({ location: 'd', offset: 998 })).toMatch(/999 bytes; is it whole/);
  });
});
