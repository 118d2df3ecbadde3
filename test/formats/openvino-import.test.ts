import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Imported } from '../../src/formats/imported.ts';
import { importOpenvino } from '../../src/formats/openvino/import.ts';
import {
  type OpenvinoWriteOptions,
  writeOpenvinoBin,
  writeOpenvinoXml,
} from '../../src/formats/openvino/write.ts';
import type { Graph } from '../../src/graph/graph.ts';
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

const model = tinyModel();

function filesOf(options: OpenvinoWriteOptions): [Uint8Array, Uint8Array] {
  return [writeOpenvinoXml(model, options), concatenate(writeOpenvinoBin(model, options))];
}

function embeddingOf(graph: Graph, input: Float32Array): Float64Array {
  return evaluateGraph(graph, input).get(graph.output) as Float64Array;
}

function swapChannels(rgb: Float32Array): Float32Array {
  const area = rgb.length / 3;
  return Float32Array.from(
    rgb,
    (_, i) => rgb[(2 - Math.floor(i / area)) * area + (i % area)] as number,
  );
}

describe.each([11, 10, 7] as const)('an IR of version %i', (version) => {
  let truth: Float64Array;
  beforeAll(() => {
    truth = embeddingOf(graphOfSynth(model), pixels());
  });

  it('gives the embedding of the network it was written from', () => {
    const { graph, ...rest } = importOpenvino(...filesOf({ version }));
    expect(graph.output).toBe('pre_fc1');
    expect(rest).toMatchObject({
      format: 'openvino',
      formatDetail: `OpenVINO IR v${version}`,
      inputOrder: 'rgb',
      ownNormalization: true,
    });
    expect(relativeDifference(embeddingOf(graph, pixels()), truth)).toBeLessThan(2e-6);
  });

  it('gives it from half constants within their rounding', () => {
    const { graph } = importOpenvino(...filesOf({ version, type: 'f16' }));
    const difference = relativeDifference(embeddingOf(graph, pixels()), truth);
    expect(difference).toBeGreaterThan(1e-6);
    expect(difference).toBeLessThan(1e-2);
  });

  it('is recognised as BGR when its channels were reversed', () => {
    const { graph, inputOrder, notes } = importOpenvino(
      ...filesOf({ version, reverseChannels: true }),
    );
    expect(inputOrder).toBe('bgr');
    expect(notes.join()).toContain('reverse_input_channels True');
    expect(relativeDifference(embeddingOf(graph, swapChannels(pixels())), truth)).toBeLessThan(
      2e-6,
    );
  });

  it('is refused when the .bin file is cut', () => {
    const [xml, bin] = filesOf({ version });
    const cut = (): unknown => importOpenvino(xml, bin.subarray(0, bin.length - 1));
    expect(codeOf(cut)).toBe('bad_model');
    expect(messageOf(cut)).toContain(`within the ${bin.length - 1} bytes of the .bin file`);
    expect(codeOf(() => importOpenvino(xml, new Uint8Array()))).toBe('bad_model');
  });

  it('is refused when the .xml file is cut anywhere, or imported if only what follows the network is', () => {
    const [xml, bin] = filesOf({ version });
    const end = xml.length - '\n'.length;
    for (let length = 0; length < end; length += 1 + Math.floor(length / 40)) {
      expect(codeOf(() => importOpenvino(xml.subarray(0, length), bin))).toBe('bad_model');
    }
  });

  it('is refused or imported when characters of the .xml file differ', () => {
    const [xml, bin] = filesOf({ version });
    const change = fc.tuple(fc.nat(xml.length - 1), fc.integer({ min: 32, max: 126 }));
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const changed = xml.slice();
      for (const [at, value] of changes) changed[at] = value;
      const code = codeOf(() => importOpenvino(changed, bin));
      expect(['read', 'bad_model', 'unsupported_operator', 'bad_argument']).toContain(code);
    });
    fc.assert(property, { numRuns: 700, seed: 4 });
  });
});

describe('the MobileFaceNet of InsightFace as IR', () => {
  it.each([11, 7] as const)('version %i keeps its depthwise convolutions', (version) => {
    const mobile = synthesize('mobilefacenet', 3);
    const bin = concatenate(writeOpenvinoBin(mobile, { version }));
    const { graph } = importOpenvino(writeOpenvinoXml(mobile, { version }), bin);
    const convs = graph.nodes.filter((node) => node.op === 'conv');
    expect(convs.length).toBe(49);
    expect(convs.filter(({ group }) => group > 1).length).toBe(17);
    // Version 11 also holds the shape of a Reshape and the two input scalars.
    expect(bin.length - (version === 11 ? 16 + 8 : 0)).toBe(4 * 993_344);
  });
});

describe('written R100 files', () => {
  it.each([
    [7, 'f32', 4],
    [11, 'f16', 2],
  ] as const)('version %i %s holds the 65,130,944 fused values', (version, type, bytes) => {
    const xml = new TextDecoder().decode(
      writeOpenvinoXml(synthesize('r100', 1), { version, type }),
    );
    let total = 0;
    for (const [, size] of xml.matchAll(/ size="(\d+)"/g)) total += Number(size);
    // Versions 10 and 11 also hold the two input scalars and the shape of a Reshape.
    const extra = version === 11 ? 2 * bytes + 16 : 0;
    expect(total - extra).toBe(65_130_944 * bytes);
  });
});

/** An IR 11 with the layers in between a parameter (id p) and a result fed by the layer `out`. */
function irOf(layers: string, edges: string, shape = '1,3,112,112'): Uint8Array {
  return new TextEncoder().encode(`<net name="n" version="11"><layers>
    <layer id="p" name="data" type="Parameter"><data shape="${shape}" element_type="f32"/>
    <output><port id="0"/></output></layer>${layers}
    <layer id="r" name="r" type="Result"><input><port id="0"/></input></layer></layers>
    <edges>${edges}<edge from-layer="out" from-port="9" to-layer="r" to-port="0"/></edges></net>`);
}

const PORTS = (count: number): string =>
  `<input>${Array.from({ length: count }, (_, i) => `<port id="${i}"/>`).join('')}</input>
   <output><port id="9"/></output>`;

function edge(from: string, to: string, port = 0): string {
  const out = from === 'p' ? 0 : 9;
  return `<edge from-layer="${from}" from-port="${out}" to-layer="${to}" to-port="${port}"/>`;
}

function constant(id: string, type: string, shape: string, offset: number, size: number): string {
  return `<layer id="${id}" name="${id}" type="Const"><data element_type="${type}" shape="${shape}"
    offset="${offset}" size="${size}"/><output><port id="9"/></output></layer>`;
}

/** One layer of one activation and perhaps one f32 constant [1, 3, 1, 1] or i64 vector. */
function single(
  type: string,
  data = '',
  extra = '',
  bin: Uint8Array = new Uint8Array(64),
): () => Imported {
  const layer = `<layer id="out" name="odd" type="${type}"><data ${data}/>${PORTS(extra ? 2 : 1)}</layer>`;
  const edges = edge('p', 'out') + (extra ? edge('c', 'out', 1) : '');
  return () => importOpenvino(irOf(extra + layer, edges), bin);
}

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
    expect(flat().graph.nodes.map(({ op }) => op)).toEqual(['global_average_pool', 'flatten']);
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

  it.each<[string, string, string, Uint8Array, string]>([
    ['FakeQuantize', '', '', threes, 'convert --dtype int8'],
    ['Swish', '', '', threes, 'expected a supported layer (Parameter, Input, Const'],
    ['Reshape', '', vector(2), integers(3, -1), 'expected a reshape of [1,3,112,112]'],
    ['Reshape', '', vector(2), integers(-1, -1), 'expected a reshape of [1,3,112,112]'],
    ['Transpose', '', vector(4), integers(0, 2, 3, 1), 'an order that keeps NCHW'],
    ['ReduceMean', '', vector(1), integers(1), 'a mean over the axes 2, 3'],
    ['AvgPool', 'kernel="3,3"', '', threes, 'pooling over all of 112x112'],
    ['Power', 'power="2"', '', threes, 'expected power 1, got 2'],
    ['NormalizeL2', 'eps="1e-10"', vector(1), integers(1), 'a vector normalised'],
    ['Eltwise', 'operation="max"', perChannel, threes, 'operation sum, mul or sub'],
    ['Add', '', constant('c', 'bf16', '3', 0, 6), threes, 'got bf16'],
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
    ['MatMul', '', constant('c', 'f32', '3', 0, 12), 'weights [O, K]'],
    [
      'Convolution',
      'strides="1"',
      constant('c', 'f32', '1,3,1,1', 0, 12),
      'two integers as strides',
    ],
    ['Convolution', 'pads_begin="-1,0"', constant('c', 'f32', '1,3,1,1', 0, 12), 'four pads'],
    ['Convolution', '', constant('c', 'f32', '3', 0, 12), 'weights [O, I / group, kh, kw]'],
    ['GroupConvolution', '', constant('c', 'f32', '3', 0, 12), 'weights [G, O / G'],
    ['FullyConnected', 'out-size="1"', '', 'a blob of weights'],
  ])('%s %s with a fault is refused with its place', (type, data, extra, words) => {
    expect(codeOf(single(type, data, extra))).toBe('bad_model');
    expect(messageOf(single(type, data, extra))).toContain(words);
  });
});

describe('an IR file that is none', () => {
  const imported = (xml: string): (() => unknown) => {
    return () => importOpenvino(new TextEncoder().encode(xml), new Uint8Array(8));
  };

  it.each([
    ['<html></html>', 'an element <net>'],
    ['<net name="n" version="8"/>', 'version 5, 6, 7, 10, 11, got "8"'],
    ['<net name="n"/>', 'version 5, 6, 7, 10, 11'],
    ['<net version="11"><layers><layer type="Parameter"/></layers></net>', 'an attribute id'],
    [
      '<net version="11"><layers><layer id="0" type="Const"><output><port id="0"/><port id="0"/></output></layer></layers></net>',
      'ids of its own',
    ],
    [
      '<net version="11"><layers/><edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/></edges></net>',
      'the port of a layer',
    ],
  ])('is refused: %s', (xml, words) => {
    expect(codeOf(imported(xml))).toBe('bad_model');
    expect(messageOf(imported(xml))).toContain(words);
  });

  it('is refused when layers feed each other', () => {
    const layers = `<layer id="a" name="a" type="Add">${PORTS(2)}</layer>
      <layer id="out" name="b" type="ReLU">${PORTS(1)}</layer>`;
    const xml = irOf(layers, edge('p', 'a') + edge('out', 'a', 1) + edge('a', 'out'));
    expect(messageOf(() => importOpenvino(xml, new Uint8Array()))).toContain('without cycles');
  });

  it('takes any depth of layers without overflowing, up to its limit', () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => (i === 19_999 ? 'out' : `l${i}`));
    const layers = ids.map((id) => `<layer id="${id}" type="ReLU">${PORTS(1)}</layer>`).join('');
    const edges = ids.map((id, i) => edge(i === 0 ? 'p' : (ids[i - 1] as string), id)).join('');
    const deep = (): unknown => importOpenvino(irOf(layers, edges), new Uint8Array());
    expect(messageOf(deep)).toContain('at most 10000 nodes');
  });

  it('needs an input of three channels and one result', () => {
    const layers = `<layer id="out" name="b" type="ReLU">${PORTS(1)}</layer>`;
    const run = (shape: string): string =>
      messageOf(() => importOpenvino(irOf(layers, edge('p', 'out'), shape), new Uint8Array()));
    expect(run('?,3,?,?')).toBe('read');
    expect(run('1,112,112,3')).toContain('expected an input [1, 3, H, W]');
    expect(run('1,3')).toContain('expected an input [1, 3, H, W]');
    expect(run('1,3,999999999,999999999')).toContain('three positive sizes');
    const [xml, bin] = filesOf({ version: 11 });
    const asked = (output: string): unknown => importOpenvino(xml, bin, { output }).graph.output;
    expect(asked('conv0')).toBe('conv0');
    expect(codeOf(() => asked('fc7'))).toBe('bad_argument');
    expect(importOpenvino(xml, bin, { input: 'bgr' }).inputOrder).toBe('bgr');
  });
});
