import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLfwBin } from '../../src/dataset/lfw-bin.ts';
import type { Imported } from '../../src/formats/imported.ts';
import { importMxnet } from '../../src/formats/mxnet/import.ts';
import { writeMxnetParams, writeMxnetSymbol } from '../../src/formats/mxnet/write.ts';
import { decodePicture } from '../../src/image/decode.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { codeOf, messageOf } from '../support/outcome.ts';
import {
  concatenate,
  graphOfSynth,
  pixels,
  relativeDifference,
  tinyModel,
} from '../support/synth-graph.ts';

const Y1 = '../shared/fixtures/y1';
const FACES = '../shared/data/small_lfw.bin';

type Attributes = Record<string, string>;
type Input = number | readonly [number, number];

/** symbol.json of `nodes` ([op, name, input ids, attributes]); the last one is the head. */
function symbolOf(
  ...nodes: readonly (readonly [string, string, (readonly Input[])?, Attributes?])[]
): Uint8Array {
  const list = nodes.map(([op, name, inputs = [], attrs = {}]) => {
    const entries = inputs.map((input) => (typeof input === 'number' ? [input, 0] : input));
    return { op, name, inputs: entries, attrs };
  });
  return new TextEncoder().encode(JSON.stringify({ nodes: list, heads: [[list.length - 1, 0]] }));
}

/** V1 .params of named f32 arrays. */
function paramsOf(arrays: Record<string, { shape: number[]; values: number[] }>): Uint8Array {
  const entries = Object.entries(arrays);
  const parts: Uint8Array[] = [];
  const words = (...values: number[]): void => {
    parts.push(new Uint8Array(Uint32Array.from(values).buffer));
  };
  words(0x112, 0, 0, 0, entries.length, 0);
  for (const [, { shape, values }] of entries) {
    words(0xf993fac8, shape.length, ...shape.flatMap((n) => [n, 0]), 1, 0, 0);
    parts.push(new Uint8Array(Float32Array.from(values).buffer));
  }
  words(entries.length, 0);
  for (const [name] of entries) {
    words(name.length, 0);
    parts.push(new TextEncoder().encode(name));
  }
  return concatenate(parts);
}

const vector = (...values: number[]): { shape: number[]; values: number[] } => {
  return { shape: [values.length], values };
};
const nothing = paramsOf({});
/** Value of the output at the first pixel of each channel, for an input of 1, 2, 3 by channel. */
function firstPixels(imported: Imported): number[] {
  const input = Float32Array.from({ length: 3 * 112 * 112 }, (_, i) => 1 + Math.floor(i / 12544));
  const output = evaluateGraph(imported.graph, input).get(imported.graph.output) as Float64Array;
  const pixelsPerChannel = output.length / 3;
  return [0, 1, 2].map((c) => output[c * pixelsPerChannel] as number);
}

describe('importMxnet', () => {
  const model = tinyModel();
  const symbol = writeMxnetSymbol(model);
  const params = concatenate(writeMxnetParams(model));
  const expected = evaluateGraph(graphOfSynth(model), pixels());

  it('gives the graph that the network defines, with every value of every layer', () => {
    const { graph, ...rest } = importMxnet(symbol, params);
    expect(rest).toEqual({
      format: 'mxnet',
      formatDetail: 'MXNet 1.2.1',
      inputOrder: 'rgb',
      ownNormalization: true,
      notes: [],
    });
    expect(graph.output).toBe('fc1');
    const values = evaluateGraph(graph, pixels());
    for (const node of model.nodes) {
      const value = values.get(node.name);
      if (!value) continue;
      const truth = expected.get(node.name) as Float64Array;
      expect(relativeDifference(value, truth), node.name).toBeLessThan(1e-12);
    }
    expect(values.get('fc1')).toBeDefined();
  });

  it.each(['0.8', '0.11'] as const)('reads the symbols of MXNet %s to the same graph', (era) => {
    const old = importMxnet(writeMxnetSymbol(model, { era }), params).graph;
    const now = importMxnet(symbol, params).graph;
    const form = (graph: typeof old): unknown =>
      graph.nodes.map(({ op, name, inputs }) => [op, name, inputs]);
    expect(form(old)).toEqual(form(now));
    const value = evaluateGraph(old, pixels()).get('fc1') as Float64Array;
    expect(relativeDifference(value, expected.get('fc1') as Float64Array)).toBeLessThan(1e-12);
  });

  it('gives either side of the last batch norm, with or without _output', () => {
    for (const output of ['pre_fc1', 'pre_fc1_output']) {
      expect(importMxnet(symbol, params, { output }).graph.output).toBe('pre_fc1');
    }
    expect(importMxnet(symbol, params, { output: 'fc1_output' }).graph.output).toBe('fc1');
    const wrong = (): unknown => importMxnet(symbol, params, { output: 'fc7' });
    expect(codeOf(wrong)).toBe('bad_argument');
    expect(messageOf(wrong)).toContain('"pre_fc1", "fc1"');
  });

  it('reads f16 parameters within their rounding', () => {
    const halves = concatenate(writeMxnetParams(model, { type: 'f16' }));
    const value = evaluateGraph(importMxnet(symbol, halves).graph, pixels()).get('fc1');
    const truth = expected.get('fc1') as Float64Array;
    expect(relativeDifference(value as Float64Array, truth)).toBeLessThan(1e-2);
  });

  it('takes parameters without prefix and ignores a training head', () => {
    const symbols = symbolOf(
      ['null', 'face'],
      ['null', 'slopes'],
      ['LeakyReLU', 'fc1', [0, 1], { act_type: 'prelu' }],
      ['null', 'label'],
      ['SoftmaxOutput', 'softmax', [2, 3]],
    );
    const { graph } = importMxnet(symbols, paramsOf({ slopes: vector(0.1, 0.2, 0.3) }));
    expect(graph.input.name).toBe('face');
    expect(graph.output).toBe('fc1');
    expect(graph.nodes.map(({ op }) => op)).toEqual(['prelu']);
  });
});

describe('MXNet operators', () => {
  const four = paramsOf({
    'arg:g': vector(2, 2, 2),
    'arg:b': vector(1, 1, 1),
    'aux:m': vector(1, 1, 1),
    'aux:v': vector(3.999, 3.999, 3.999),
  });
  const norm = (attributes: Attributes): Uint8Array =>
    symbolOf(
      ['null', 'data'],
      ['null', 'g'],
      ['null', 'b'],
      ['null', 'm'],
      ['null', 'v'],
      ['BatchNorm', 'bn', [0, 1, 2, 3, 4], attributes],
    );

  it('take eps 1e-3 and fix_gamma True as the defaults of a batch norm', () => {
    const close = (attributes: Attributes, expected: number[]): void => {
      const values = firstPixels(importMxnet(norm(attributes), four));
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i] as number, 6);
      });
    };
    close({}, [1, 1.5, 2]);
    close({ fix_gamma: 'False' }, [1, 2, 3]);
    close({ fix_gamma: '0', eps: '12.001' }, [1, 1.5, 2]);
  });

  it.each<[string, Attributes, number[]]>([
    ['_minus_scalar', { scalar: '2' }, [-1, 0, 1]],
    ['_PlusScalar', { scalar: '1e1' }, [11, 12, 13]],
    ['_mul_scalar', { scalar: '-.5' }, [-0.5, -1, -1.5]],
    ['_div_scalar', { scalar: '4' }, [0.25, 0.5, 0.75]],
    ['Activation', { act_type: 'relu' }, [1, 2, 3]],
    ['clip', { a_min: '1.5', a_max: '2.5' }, [1.5, 2, 2.5]],
    ['Pooling', { pool_type: 'avg', global_pool: 'True', kernel: '(7, 7)' }, [1, 2, 3]],
    ['Pooling', { pool_type: 'avg', kernel: '(112L, 112L)' }, [1, 2, 3]],
    ['Flatten', {}, [1, 2, 3]],
    ['Reshape', { shape: '(0,-1)' }, [1, 2, 3]],
    ['Reshape', { target_shape: '(0, 37632)' }, [1, 2, 3]],
  ])('%s with %j is computed', (op, attributes, expected) => {
    const symbols = symbolOf(['null', 'data'], ['_copy', 'id', [0]], [op, 'out', [1], attributes]);
    expect(firstPixels(importMxnet(symbols, nothing))).toEqual(expected);
  });

  it('leaky ReLU has a slope of 0.25 unless another is stated', () => {
    const leaky = (attributes: Attributes): number[] => {
      const symbols = symbolOf(
        ['null', 'data'],
        ['_minus_scalar', 'minus', [0], { scalar: '3' }],
        ['LeakyReLU', 'out', [1], attributes],
      );
      return firstPixels(importMxnet(symbols, nothing));
    };
    expect(leaky({})).toEqual([-0.5, -0.25, 0]);
    expect(leaky({ act_type: 'leaky', slope: '0.5' })).toEqual([-1, -0.5, 0]);
  });

  it.each<[string, number[]]>([
    ['broadcast_add', [11, 22, 33]],
    ['broadcast_sub', [-9, -18, -27]],
    ['broadcast_mul', [10, 40, 90]],
    ['broadcast_div', [0.1, 0.1, 0.1]],
  ])('%s takes a constant per channel', (op, expected) => {
    const constant = paramsOf({ 'arg:c': { shape: [1, 3, 1, 1], values: [10, 20, 30] } });
    const symbols = symbolOf(['null', 'data'], ['null', 'c'], [op, 'out', [0, 1]]);
    expect(firstPixels(importMxnet(symbols, constant))).toEqual(expected);
  });

  it('a squeeze-and-excitation unit is gated by its sigmoid', () => {
    const gate = paramsOf({
      'arg:w': { shape: [3, 3, 1, 1], values: [0, 0, 0, 0, 0, 0, 0, 0, 0] },
      'arg:b': vector(0, 0, 0),
    });
    const conv = { kernel: '(1, 1)', num_filter: '3' };
    const unit = (order: readonly [number, number]): Uint8Array =>
      symbolOf(
        ['null', 'data'],
        ['_copy', 'x', [0]],
        ['Pooling', 'pool', [1], { pool_type: 'avg', global_pool: '1' }],
        ['null', 'w'],
        ['null', 'b'],
        ['Convolution', 'conv', [2, 3, 4], conv],
        ['Activation', 'gate', [5], { act_type: 'sigmoid' }],
        ['broadcast_mul', 'out', order],
      );
    expect(firstPixels(importMxnet(unit([1, 6]), gate))).toEqual([0.5, 1, 1.5]);
    expect(firstPixels(importMxnet(unit([6, 1]), gate))).toEqual([0.5, 1, 1.5]);
  });

  it('L2Normalization gives a vector of length 1', () => {
    const symbols = symbolOf(
      ['null', 'data'],
      ['Pooling', 'pool', [0], { pool_type: 'avg', global_pool: 'True' }],
      ['Flatten', 'flat', [1]],
      ['L2Normalization', 'out', [2]],
    );
    const [a = 0, b = 0, c = 0] = firstPixels(importMxnet(symbols, nothing));
    expect(Math.hypot(a, b, c)).toBeCloseTo(1, 12);
  });

  it.each<[string, Attributes, string]>([
    ['Deconvolution', {}, 'expected a supported operator (_copy'],
    ['_rminus_scalar', { scalar: '1' }, '"odd"'],
    ['Pooling', { pool_type: 'max', global_pool: 'True' }, 'expected pool_type avg, got max'],
    ['Pooling', { pool_type: 'avg', kernel: '(3, 3)' }, 'all of 112x112, got 3x3'],
    ['LeakyReLU', { act_type: 'elu' }, 'got elu'],
    ['Activation', { act_type: 'tanh' }, 'got tanh'],
    ['Reshape', { shape: '(0, 12, -1)' }, 'got (0,12,-1)'],
    ['L2Normalization', {}, 'expected a vector'],
    ['Convolution', { kernel: '(3, 3)', dilate: '(2, 2)', num_filter: '3' }, 'dilate (1, 1)'],
  ])('%s with %j is refused by name', (op, attributes, words) => {
    const symbols = symbolOf(['null', 'data'], ['_copy', 'id', [0]], [op, 'odd', [1], attributes]);
    const read = (): unknown => importMxnet(symbols, nothing);
    expect(codeOf(read)).toBe('unsupported_operator');
    expect(messageOf(read)).toContain(words);
    expect(messageOf(read)).toContain(`MXNet ${op} "odd"`);
  });
});

describe('MXNet files that do not fit', () => {
  const conv = (attributes: Attributes): Uint8Array =>
    symbolOf(['null', 'data'], ['null', 'w'], ['Convolution', 'c', [0, 1], attributes]);
  const fitting = { kernel: '(1,1)', num_filter: '2', no_bias: 'True' };
  const weights = paramsOf({ 'arg:w': { shape: [2, 3, 1, 1], values: [1, 1, 1, 1, 1, 1] } });

  it('are refused with what was expected and what was got', () => {
    const cases: [Uint8Array, Uint8Array, string][] = [
      [conv({ ...fitting, kernel: '(3, 3)' }), weights, 'shape [2,3,3,3], got [2,3,1,1]'],
      [conv({ ...fitting, kernel: '3' }), weights, 'expected a tuple of integers, got "3"'],
      [conv({ ...fitting, num_filter: 'two' }), weights, 'expected a number, got "two"'],
      [conv({ ...fitting, no_bias: 'maybe' }), weights, 'expected True or False'],
      [conv({ ...fitting, no_bias: 'False' }), weights, 'expected a bias as input 2, got 2 inputs'],
      [conv({ ...fitting, pad: '(-1, 0)' }), weights, 'four pads'],
      [conv({ ...fitting, stride: '(0, 1)' }), weights, 'kernel and stride'],
      [conv({ ...fitting, num_group: '0' }), weights, 'expected weights of shape'],
      [symbolOf(['null', 'data']), nothing, 'expected a computed value'],
      [symbolOf(['null', 'data'], ['_copy', 'id', [0]]), nothing, 'a computed value, got "data"'],
      [
        symbolOf(
          ['null', 'data'],
          ['null', 'g'],
          ['LeakyReLU', 'r', [0, 1], { act_type: 'prelu' }],
        ),
        nothing,
        'do both files belong together?',
      ],
      [
        symbolOf(['null', 'data'], ['_mul_scalar', 'm', [0], { scalar: '1e999' }]),
        nothing,
        'expected finite constants',
      ],
      [symbolOf(['null', 'data'], ['_copy', 'id', [[0, 1]]]), nothing, 'expected an activation'],
    ];
    for (const [symbols, params, words] of cases) {
      const read = (): unknown => importMxnet(symbols, params);
      expect(codeOf(read), words).toBe('bad_model');
      expect(messageOf(read)).toContain(words);
    }
  });

  it('are refused when the symbol is no symbol', () => {
    const text = (value: string): Uint8Array => new TextEncoder().encode(value);
    for (const bad of [
      '',
      'null',
      '[]',
      '{}',
      '{"nodes":[],"heads":[[0,0]]}',
      '{"nodes":{},"heads":[[0,0]]}',
      '{"nodes":[{"op":"null","name":"a","inputs":[[0,0]]}],"heads":[[0,0]]}',
      '{"nodes":[{"op":"null","name":"a","inputs":[]}],"heads":[[1,0]]}',
      '{"nodes":[{"op":"null","name":"a","inputs":[]}],"heads":[[[[[]]],0]]}',
      '{"nodes":[{"op":"null","name":7,"inputs":[]}],"heads":[[0,0]]}',
      '{"nodes":[{"op":"null","name":"a","inputs":[],"attrs":{"k":{}}}],"heads":[[0,0]]}',
      '{"__proto__":{"nodes":[]},"heads":[]}',
      '['.repeat(200_000),
      `{"nodes":${'['.repeat(100_000)}${']'.repeat(100_000)},"heads":[[0,0]]}`,
      `{"nodes":[{"op":"null","name":"a","inputs":[]}],"heads":[${'['.repeat(50_000)}${']'.repeat(50_000)}]}`,
    ]) {
      expect(
        codeOf(() => importMxnet(text(bad), nothing)),
        bad.slice(0, 80),
      ).toBe('bad_model');
    }
    expect(codeOf(() => importMxnet(Uint8Array.of(0xff, 0xfe), nothing))).toBe('bad_model');
  });

  it('are refused or imported when any characters of the symbol differ', () => {
    const model = tinyModel();
    const symbol = writeMxnetSymbol(model);
    const params = concatenate(writeMxnetParams(model));
    const change = fc.tuple(fc.nat(symbol.length - 1), fc.integer({ min: 9, max: 126 }));
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const changed = symbol.slice();
      for (const [at, value] of changes) changed[at] = value;
      const code = codeOf(() => importMxnet(changed, params));
      expect(['read', 'bad_model', 'unsupported_operator']).toContain(code);
    });
    fc.assert(property, { numRuns: 1000, seed: 4 });
  });

  it('cannot ask for constants out of proportion to their size', () => {
    const many = Array.from({ length: 9000 }, (_, i) => {
      const attributes = { scalar: String(i + 2) };
      return ['_mul_scalar', `m${i}`, [i + 2], attributes] as const;
    });
    const wide = { kernel: '(1,1)', stride: '(111,111)', num_filter: '2000', no_bias: 'True' };
    const symbols = symbolOf(
      ['null', 'data'],
      ['null', 'w'],
      ['Convolution', 'c', [0, 1], wide],
      ...many,
    );
    const values = new Array<number>(6000).fill(1);
    const params = paramsOf({ w: { shape: [2000, 3, 1, 1], values } });
    expect(messageOf(() => importMxnet(symbols, params))).toContain('per-channel constants');
  });
});

describe('MXNet files of the published architectures', () => {
  it('have the node and parameter counts of R100', () => {
    const text = new TextDecoder().decode(writeMxnetSymbol(synthesize('r100', 1)));
    const nodes = (JSON.parse(text) as { nodes: { op: string; name: string }[] }).nodes;
    expect(nodes.length).toBe(1133);
    const count = (op: string): number => nodes.filter((node) => node.op === op).length;
    expect(['null', 'BatchNorm', 'Convolution', 'LeakyReLU', 'elemwise_add'].map(count)).toEqual([
      772, 154, 103, 50, 49,
    ]);
  });
});

describe.skipIf(!existsSync(Y1))('the trained MobileFaceNet (y1)', () => {
  const read = (): Imported => {
    const symbol = readFileSync(`${Y1}/model-symbol.json`);
    return importMxnet(symbol, readFileSync(`${Y1}/model-0000.params`));
  };

  it('has the operators that were counted in it', () => {
    const { graph, ownNormalization, formatDetail } = read();
    const count = (op: string): number => graph.nodes.filter((node) => node.op === op).length;
    expect(ownNormalization).toBe(true);
    expect(formatDetail).toBe('MXNet 1.0.0');
    expect(['conv', 'prelu', 'add', 'fc', 'affine'].map(count)).toEqual([49, 33, 12, 1, 52]);
  });

  it.skipIf(!existsSync(FACES))(
    'gives the values that an independent evaluator found for two faces',
    async () => {
      const { graph } = read();
      const { images } = readLfwBin(readFileSync(FACES));
      const embed = async (index: number): Promise<Float64Array> => {
        const { data } = await decodePicture(images[index] as Uint8Array);
        const area = 112 * 112;
        const planes = Float32Array.from(
          { length: 3 * area },
          (_, i) => data[4 * (i % area) + Math.floor(i / area)] as number,
        );
        return evaluateGraph(graph, planes).get('fc1') as Float64Array;
      };
      const [a, b] = [await embed(0), await embed(1)];
      // To the digits that were published; those pictures were decoded by Pillow.
      const published = [-0.29987, 0.23623, -0.72208, 0.6457, 0.15353, -0.15353, 0.12876, -1.5963];
      published.forEach((value, i) => {
        expect(Math.abs((a[i] as number) - value)).toBeLessThan(1e-4);
      });
      const dot = (x: Float64Array, y: Float64Array): number =>
        x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
      expect(Math.abs(Math.sqrt(dot(a, a)) - 10.8554)).toBeLessThan(1e-4);
      const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
      expect(Math.abs(cosine - 0.69884)).toBeLessThan(1e-4);
    },
  );
});
if (!existsSync(Y1)) console.warn(`${Y1} is absent: its tests are skipped`);
