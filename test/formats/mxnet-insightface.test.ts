/**
 * Networks as InsightFace's own scripts build them, with seeded parameters: every value of the imported
 * graph against an evaluator of MXNet's definitions, and one of them through the whole engine.
 */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { convertModel } from '../../src/convert/convert.ts';
import { importMxnet } from '../../src/formats/mxnet/import.ts';
import { MXNET_OPERATORS } from '../../src/formats/mxnet/operators.ts';
import { validateGraph } from '../../src/graph/validate.ts';
import { loadModel } from '../../src/index.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { AWKWARD_NUMBERS, expectCodedErrors, expectCodedTexts } from '../support/fuzz.ts';
import { mulberry32 } from '../support/graphs.ts';
import { type JsonSymbol, type MxnetArray, runSymbol } from '../support/mxnet/evaluate.ts';
import {
  fmnasnet,
  fmobilefacenet,
  fresnet,
  HEADS,
  OLD_HEADS,
  SymbolNet,
  spherenet,
  vargfacenet,
} from '../support/mxnet/insightface.ts';
import { nothing, paramsOf } from '../support/mxnet-files.ts';
import { codeOf, messageOf } from '../support/outcome.ts';
import { concatenate, relativeDifference } from '../support/synth-graph.ts';

const SIZE = 16;
const GNAP = '../shared/cases/20-mxnet-gnap/gnap-symbol.json';

function face(size: number): MxnetArray {
  const random = mulberry32(size);
  const values = Float64Array.from({ length: 3 * size * size }, () => Math.floor(256 * random()));
  return { shape: [1, 3, size, size], values };
}

function bytesOf(symbol: JsonSymbol): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(symbol));
}

/** Every value that the graph has under a name of the symbol's. Returns the operators of the graph. */
function expectSame(symbol: JsonSymbol, size: number, output?: string): string[] {
  const input = face(size);
  const { values, params } = runSymbol(symbol, input, 7);
  const { graph, notes } = importMxnet(bytesOf(symbol), paramsOf(params), { output });
  expect(notes).toEqual([]);
  const computed = evaluateGraph(graph, input.values);
  for (const { name } of graph.nodes) {
    const truth = values.get(name);
    if (truth) {
      const got = computed.get(name) as Float64Array;
      expect(relativeDifference(got, truth.values), name).toBeLessThan(1e-11);
    }
  }
  expect(values.has(graph.output)).toBe(true);
  return graph.nodes.map(({ op }) => op);
}

describe('heads', () => {
  it.each(HEADS)('%s gives what its symbol defines', (head) => {
    expectSame(fresnet(SIZE, { head }), SIZE);
  });

  it.each(OLD_HEADS)('%s of the first scripts gives what its symbol defines', (head) => {
    expectSame(fresnet(SIZE, { head }), SIZE);
  });

  it.each([8, 16, 24])('GNAP of %i numbers from 16 channels equalises the norms', (embedding) => {
    const ops = expectSame(fresnet(SIZE, { head: 'GNAP', embedding }), SIZE);
    expect(ops.filter((op) => op === 'equalize_norms').length).toBe(1);
  });
});

describe('bodies', () => {
  it.each([0, 1, 2] as const)('version_input %i', (input) => {
    expectSame(fresnet(SIZE, { input }), SIZE);
  });

  it.each([1, 2, 3] as const)('version_unit %i, with and without bottleneck', (unit) => {
    expectSame(fresnet(SIZE, { unit }), SIZE);
    expectSame(fresnet(SIZE, { unit, bottleneck: true }), SIZE);
  });

  it.each(['prelu', 'relu', 'swish'] as const)('version_act %s, with version_se 1', (act) => {
    expectSame(fresnet(SIZE, { act, se: true }), SIZE);
  });

  it.each(['GDC', 'GNAP', 'E'] as const)('fmobilefacenet with the head %s', (head) => {
    expectSame(fmobilefacenet(SIZE, head), SIZE);
  });

  it.each([
    ['fmnasnet', fmnasnet],
    ['vargfacenet', vargfacenet],
    ['spherenet', spherenet],
  ] as const)('%s', (_, make) => {
    expectSame(make(SIZE), SIZE);
  });

  it('a network with bn_data normalises by itself', () => {
    const symbol = fresnet(SIZE, { input: 2 });
    const { params } = runSymbol(symbol, face(SIZE), 7);
    const { claims } = importMxnet(bytesOf(symbol), paramsOf(params));
    expect(claims.some(({ own }) => own)).toBe(true);
  });

  it('joins of dense and inception networks, and their pooling, are refused by name', () => {
    const net = new SymbolNet(SIZE);
    net.op('Concat', 'joined', [net.normalized(), 0], { dim: 1 });
    const read = (): unknown => importMxnet(bytesOf(net.build()), nothing);
    expect(codeOf(read)).toBe('unsupported_operator');
    expect(messageOf(read).slice(0, 100)).toContain('MXNet operator Concat');
    const pool = new SymbolNet(SIZE);
    const window = { kernel: [3, 3], stride: [2, 2], pad: [1, 1], pool_type: 'max' };
    pool.op('Pooling', 'pooling0', [pool.normalized()], window);
    const pooled = (): unknown => importMxnet(bytesOf(pool.build()), nothing);
    expect(codeOf(pooled)).toBe('unsupported_operator');
    expect(messageOf(pooled)).toContain('max pooling over 1x1, which is subsampling, got 3x3');
  });
});

describe('a symbol of many operators, damaged', () => {
  const symbol = fresnet(SIZE, { head: 'GNAP', embedding: 8, act: 'swish', se: true, unit: 2 });
  const params = paramsOf(runSymbol(symbol, face(SIZE), 7).params);
  const text = JSON.stringify(symbol);
  const codes = ['bad_model', 'unsupported_operator', 'bad_argument'];
  const read = (damaged: Uint8Array): void => {
    validateGraph(importMxnet(damaged, params).graph);
  };

  it('is refused or read when bytes differ', () => {
    expectCodedErrors(bytesOf(symbol), codes, read, 1 / 8);
  });

  it('is refused or read when operators, inputs and attributes are others', () => {
    const exchanges = [
      { pattern: /(?<="op":")\w+/g, values: [...MXNET_OPERATORS.keys(), 'erf'] },
      { pattern: /(?<=\[)\d+(?=,0,0\])/g, values: AWKWARD_NUMBERS },
      { pattern: /(?<=":"\(?|, )-?[\d.e-]+(?=[,)"])/g, values: AWKWARD_NUMBERS },
      { pattern: /True|False|prelu|relu|sigmoid|avg/g, values: ['True', 'False', 'max', 'leaky'] },
    ];
    expectCodedTexts(text, codes, read, exchanges, 1 / 8);
  });
});

describe('through folding, packing and the engine', () => {
  it.each(['GNAP', 'GDC'] as const)('%s with swish and gates gives its embedding', async (head) => {
    const symbol = fresnet(112, { head, embedding: 8, act: 'swish', se: true });
    const input = face(112);
    const { values, params } = runSymbol(symbol, input, 3);
    const imported = importMxnet(bytesOf(symbol), paramsOf(params));
    const source = { name: 'model-0000.params', sha256: '0'.repeat(64) };
    const converted = convertModel(imported, { source });
    const model = await loadModel(concatenate([converted.header, ...converted.chunks()]));
    const data = Float32Array.from(input.values);
    const embedding = await model.embed({ data, layout: 'nchw', channels: 'rgb' });
    model.dispose();
    const truth = values.get('fc1') as MxnetArray;
    expect(relativeDifference(embedding, truth.values)).toBeLessThan(1e-4);
  });
});

describe.skipIf(!existsSync(GNAP))("InsightFace's own GNAP symbol", () => {
  it('gives what it defines, on a smaller face with a sixteenth of its channels', () => {
    const symbol = JSON.parse(readFileSync(GNAP, 'utf8')) as JsonSymbol;
    const fewer = (text: string): string => text.replace(/\d\d+/, (n) => String(Number(n) / 16));
    const nodes = symbol.nodes.map((node) => {
      if (node.name === 'data') return { ...node, attrs: { __shape__: '(1, 3, 32, 32)' } };
      const { num_filter, reps, ...attrs } = node.attrs ?? {};
      if (num_filter) return { ...node, attrs: { ...attrs, num_filter: fewer(num_filter) } };
      return reps ? { ...node, attrs: { ...attrs, reps: fewer(reps) } } : node;
    });
    const ops = expectSame({ ...symbol, nodes }, 32);
    expect(ops.filter((op) => op === 'conv').length).toBe(37);
    expect(ops.filter((op) => op === 'equalize_norms').length).toBe(1);
  });
});
if (!existsSync(GNAP)) console.warn(`${GNAP} is absent: the test that needs it is skipped`);
