/** Damage, hostile counts and random mutations: always a coded error or a valid graph. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { MessageWriter } from '../../src/formats/protobuf-writer.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { inferShapes } from '../../src/graph/shapes.ts';
import { floats, ints, joined, node, onnxFile, smallNetwork } from '../support/onnx-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';

const CODES = ['read', 'bad_model', 'unsupported_operator'];

/** Imports, infers all shapes and decodes all weights. */
function importAndRead(bytes: Uint8Array): Graph {
  const { graph } = importOnnx(bytes);
  inferShapes(graph);
  for (const each of graph.nodes) {
    if (each.op === 'conv' || each.op === 'fc') {
      const { weight } = each;
      const count = weight.shape.reduce((product, n) => product * n, 1);
      expect(weight.read().length).toBe(count);
    }
  }
  return graph;
}

describe('damaged ONNX files', () => {
  const file = smallNetwork();

  it('are read when whole', () => {
    expect(importAndRead(file).nodes).toHaveLength(14);
  });

  it('are refused when cut off at any byte', () => {
    for (let end = 0; end < file.length; end++) {
      const code = codeOf(() => importAndRead(file.slice(0, end)));
      expect(code, `cut at ${end} of ${file.length}`).toBe('bad_model');
    }
  });

  it('are refused in words when they are something else', () => {
    const text = new TextEncoder().encode('<!DOCTYPE html><html></html>');
    expect(codeOf(() => importOnnx(text))).toBe('bad_model');
    expect(messageOf(() => importOnnx(new Uint8Array()))).toMatch(/ONNX file: expected a graph/);
    expect(codeOf(() => importOnnx(new Uint8Array(1000)))).toBe('bad_model');
  });

  it('end in a coded error or a valid graph after flipping any byte', () => {
    for (let at = 0; at < file.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const bytes = file.slice();
        bytes[at] = (bytes[at] as number) ^ mask;
        expect(CODES, `byte ${at} ^ ${mask}`).toContain(codeOf(() => importAndRead(bytes)));
      }
    }
  });

  it('end in a coded error or a valid graph after 10,000 random mutations', () => {
    const seed = 7041776;
    const place = fc.nat(file.length - 1);
    const edit = fc.oneof(
      fc.record({
        at: place,
        remove: fc.constant(1),
        insert: fc.uint8Array({ minLength: 1, maxLength: 1 }),
      }),
      fc.record({ at: place, remove: fc.nat(8), insert: fc.uint8Array({ maxLength: 8 }) }),
      fc.record({ at: place, remove: fc.nat(200), insert: fc.constant(new Uint8Array()) }),
      fc.record({
        at: place,
        remove: fc.constant(0),
        insert: fc.constant(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x7f)),
      }),
    );
    const mutations = fc.array(edit, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(mutations, (edits) => {
        const bytes = [...file];
        for (const { at, remove, insert } of edits) bytes.splice(at, remove, ...insert);
        const code = codeOf(() => importAndRead(Uint8Array.from(bytes)));
        expect(CODES).toContain(code);
      }),
      { seed, numRuns: 10_000 },
    );
  });
});

describe('hostile ONNX files', () => {
  const conv = node('Conv', ['x', 'w'], 'y');

  it('are refused when a tensor claims more values than it holds', () => {
    const claims = { ...floats('w', [4, 3, 1, 1]), dims: [2 ** 20, 2 ** 20, 1, 1] };
    expect(messageOf(() => importOnnx(onnxFile([conv], [claims])))).toMatch(/tensor "w": expected/);
    const more = { ...floats('w', [4, 3, 1, 1]), dims: [5, 3, 1, 1] };
    expect(messageOf(() => importOnnx(onnxFile([conv], [more])))).toMatch(
      /expected 15 values.*got 12/,
    );
    const negative = { ...floats('w', [4, 3, 1, 1]), dims: [-4, -3, 1, 1] };
    expect(codeOf(() => importOnnx(onnxFile([conv], [negative])))).toBe('bad_model');
  });

  it('are refused when a tensor has two kinds of data', () => {
    const twice = tensorField((tensor) =>
      tensor.bytes(4, new Uint8Array(48)).bytes(9, new Uint8Array(48)),
    );
    expect(messageOf(() => importOnnx(twice))).toMatch(
      /one kind of data, float_data.*raw_data as well/,
    );
  });

  it('are refused when a tensor has values here and in another file', () => {
    const entry = new MessageWriter().text(1, 'location').text(2, 'weights.bin');
    const both = tensorField((tensor) =>
      tensor.message(13, entry).int(14, 1).bytes(9, new Uint8Array(48)),
    );
    expect(messageOf(() => importOnnx(both))).toMatch(
      /one kind of data, raw_data.*external data as well/,
    );
  });

  it('are refused when 60,000 empty nodes stand in the file', () => {
    const graph = new MessageWriter();
    for (let i = 0; i < 60_000; i++) graph.bytes(1, new Uint8Array());
    const bytes = joined(new MessageWriter().message(7, graph).stream());
    expect(messageOf(() => importOnnx(bytes))).toMatch(/at most 50000 nodes/);
  });

  it('are refused when constants double themselves', () => {
    const nodes = Array.from({ length: 40 }, (_, i) =>
      node('Concat', [`c${i}`, `c${i}`], `c${i + 1}`, { axis: { int: 0 } }),
    );
    nodes.push(node('Reshape', ['x', 'c40'], 'y'));
    expect(messageOf(() => importOnnx(onnxFile(nodes, [ints('c0', [1, 192])])))).toMatch(
      /65536 values/,
    );
  });

  it('are refused when thousands of nodes compute large constants', () => {
    const chain = (operator: string, count: number, second: string) =>
      Array.from({ length: count }, (_, i) =>
        node(operator, [i === 0 ? 'c' : `s${i - 1}`, second], `s${i}`),
      );
    const end = (nodes: readonly { outputs: readonly string[] }[]) =>
      node('Reshape', ['x', nodes.at(-1)?.outputs[0] ?? ''], 'y');
    const kept = chain('Add', 3000, 'c');
    expect(
      messageOf(() => importOnnx(onnxFile([...kept, end(kept)], [floats('c', [4096])]))),
    ).toMatch(/4194304 computed constants, got more/);
    const views = chain('Add', 30, 'c');
    expect(
      messageOf(() => importOnnx(onnxFile([...views, end(views)], [floats('c', [40_000])]))),
    ).toMatch(/a constant at most 12 operators from its values/);
    // Each of these looks at much and keeps little.
    const sums = Array.from({ length: 600 }, (_, i) =>
      node('ReduceSum', ['c'], `s${i}`, { keepdims: { int: 1 } }),
    );
    const all = node(
      'Concat',
      sums.slice(0, 250).map(({ outputs }) => outputs[0] ?? ''),
      't',
      { axis: { int: 0 } },
    );
    const more = node(
      'Concat',
      ['t', ...sums.slice(250, 500).map(({ outputs }) => outputs[0] ?? '')],
      'u',
      { axis: { int: 0 } },
    );
    const last = node(
      'Concat',
      ['u', ...sums.slice(500).map(({ outputs }) => outputs[0] ?? '')],
      'v',
      { axis: { int: 0 } },
    );
    const reduced = [...sums, all, more, last, node('Reshape', ['x', 'v'], 'y')];
    expect(messageOf(() => importOnnx(onnxFile(reduced, [floats('c', [65_000])])))).toMatch(
      /33554432 constants to compute with, got more/,
    );
  });

  it('are refused when thousands of nodes share one large weight', () => {
    const nodes = Array.from({ length: 2000 }, (_, i) =>
      node('Conv', [i === 0 ? 'x' : `y${i - 1}`, 'w'], `y${i}`),
    );
    const small = nodes.map((each) => ({
      ...each,
      attributes: { pads: { ints: [45, 45, 44, 44] } },
    }));
    expect(messageOf(() => importOnnx(onnxFile(small, [floats('w', [3, 3, 90, 90])])))).toMatch(
      /weights of its own/,
    );
  });

  it('are refused when nodes depend on each other or come before their inputs', () => {
    const cycle = [node('Add', ['x', 'b'], 'a'), node('Add', ['a', 'x'], 'b')];
    expect(messageOf(() => importOnnx(onnxFile(cycle)))).toMatch(
      /inputs that come before it, got "b"/,
    );
  });

  it('are refused when a value is defined twice', () => {
    const twice = [
      node('Relu', ['x'], 'a'),
      node('Relu', ['x'], 'a'),
      node('Add', ['a', 'x'], 'y'),
    ];
    expect(messageOf(() => importOnnx(onnxFile(twice)))).toMatch(/one definition, got 2/);
  });

  it('end at once on a thousand nested subgraphs', () => {
    let graph: Uint8Array = new Uint8Array();
    for (let i = 0; i < 1000; i++) {
      const attribute = new MessageWriter().text(1, 'then_branch').bytes(6, graph);
      graph = joined(
        new MessageWriter()
          .message(1, new MessageWriter().text(4, 'If').message(5, attribute))
          .stream(),
      );
    }
    const bytes = joined(
      new MessageWriter().message(8, new MessageWriter().int(2, 13)).bytes(7, graph).stream(),
    );
    expect(codeOf(() => importOnnx(bytes))).toBe('bad_model');
  });
});

/** A file whose only tensor `w` [4, 3, 1, 1] of floats is completed by `fill`. */
function tensorField(fill: (tensor: MessageWriter) => MessageWriter): Uint8Array {
  const tensor = new MessageWriter().int(1, 4).int(1, 3).int(1, 1).int(1, 1).int(2, 1).text(8, 'w');
  const graph = new MessageWriter().message(5, fill(tensor));
  const opset = new MessageWriter().int(2, 13);
  return joined(new MessageWriter().message(8, opset).message(7, graph).stream());
}
