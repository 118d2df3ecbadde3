/**
 * OpenVINO files as converters write them with mean and scale values, of every version and with what they say
 * of it: the converted weights compute from a raw face what the network computes from the normalised one.
 */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadModel, type Model } from '../../dist/index.js';
import { convertModel } from '../../src/convert/convert.ts';
import { reverseInputChannels } from '../../src/convert/input.ts';
import { choosePreprocessing, type PreprocessingOptions } from '../../src/convert/preprocessing.ts';
import { readLfwBin } from '../../src/dataset/lfw-bin.ts';
import { importMxnet } from '../../src/formats/mxnet/import.ts';
import { importOpenvino } from '../../src/formats/openvino/import.ts';
import type { Graph } from '../../src/graph/graph.ts';
import {
  type Basis,
  type ChannelOrder,
  NOTHING,
  type Normalization,
  reversed,
  uniform,
} from '../../src/graph/preprocessing.ts';
import { decodePicture } from '../../src/image/decode.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { cosineSimilarity } from '../../src/similarity.ts';
import { graphOf, mulberry32, uniform as random, randomTensor } from '../support/graphs.ts';
import { inOrder, normalised, relativeError } from '../support/normalised.ts';
import { joined } from '../support/onnx-files.ts';
import { fusedOfGraph } from '../support/openvino/of-graph.ts';
import {
  type OpenvinoWriteOptions,
  writeOpenvinoBin,
  writeOpenvinoXml,
} from '../support/openvino/write.ts';
import { constant, edge, PORTS, irOf as smallIr } from '../support/openvino-files.ts';
import { messageOf } from '../support/outcome.ts';
import { pixels } from '../support/synth-graph.ts';

const FACE = pixels(4);
const BOUND = 1e-5;
const IMAGENET: Normalization = { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] };
const HALVES: Normalization = { mean: uniform(127.5), std: uniform(127.5) };
const UNIT: Normalization = { mean: uniform(0), std: uniform(255) };

/** Takes normalised values, and tells channels and borders apart. */
const CORE = core();

function core(): Graph {
  const next = mulberry32(17);
  return graphOf(
    [3, 112, 112],
    [
      {
        op: 'conv',
        name: 'conv0',
        inputs: ['data'],
        weight: randomTensor(next, 8, 3, 3, 3),
        bias: random(next, 8),
        stride: [14, 14],
        pads: [1, 1, 1, 1],
        group: 1,
      },
      { op: 'prelu', name: 'relu0', inputs: ['conv0'], slope: random(next, 8) },
      { op: 'flatten', name: 'flat', inputs: ['relu0'] },
      { op: 'fc', name: 'pre_fc1', inputs: ['flat'], weight: randomTensor(next, 16, 8 * 64) },
    ],
  );
}

/** Of the network for values that it was trained on, in its own channel order. */
function truth(values: Float32Array): Float64Array {
  return evaluateGraph(CORE, values).get('pre_fc1') as Float64Array;
}

type Parts = readonly [xml: Uint8Array, bin: Uint8Array];

interface Ir {
  readonly graph?: Graph;
  /** In the file; nothing by default. */
  readonly embedded?: Normalization;
  /** Whether the mean is a layer. */
  readonly subtract?: boolean;
  readonly version?: OpenvinoWriteOptions['version'];
  readonly statements?: string;
}

function irOf({
  graph = CORE,
  embedded = NOTHING,
  subtract,
  version = 11,
  statements = '',
}: Ir): Parts {
  const network = fusedOfGraph(graph, embedded, subtract ?? embedded !== NOTHING);
  const xml = writeOpenvinoXml(network, { version, statements });
  return [xml, joined(writeOpenvinoBin(network, { version }))];
}

interface Outcome {
  readonly embedding: Float32Array;
  readonly basis: Basis;
  readonly inputOrder: ChannelOrder;
  readonly notes: string;
}

async function load([xml, bin]: Parts, options: PreprocessingOptions = {}) {
  const source = { name: 'test.bin', sha256: '0'.repeat(64) };
  const { header, chunks, report } = convertModel(importOpenvino(xml, bin), { source, ...options });
  const model = await loadModel(joined([header, ...chunks()]) as Uint8Array<ArrayBuffer>);
  return { model, report };
}

/** Of the raw RGB face. */
async function converted(ir: Ir, options: PreprocessingOptions = {}): Promise<Outcome> {
  const { model, report } = await load(irOf(ir), options);
  const embedding = await model.embed({ data: FACE, layout: 'nchw', channels: 'rgb' });
  model.dispose();
  const { basis, inputOrder, notes } = report;
  return { embedding, basis, inputOrder, notes: notes.join('\n') };
}

/** Parameters as a version's converter notes them down. */
function parameters(version: 11 | 10 | 7, values: Readonly<Record<string, string>>): string {
  const [outer, inner] =
    version === 11 ? ['rt_info', 'conversion_parameters'] : ['meta_data', 'cli_parameters'];
  const lines = Object.entries(values).map(([key, value]) => `<${key} value="${value}"/>`);
  return `<${outer}><MO_version value="1"/><${inner}>${lines.join('')}</${inner}></${outer}>`;
}

const triple = (values: readonly number[]): string => `data[${values.join(',')}]`;

describe.each([11, 10, 7] as const)('an IR of version %i', (version) => {
  const check = async (ir: Ir, front: Normalization): Promise<Outcome> => {
    const outcome = await converted({ ...ir, version });
    const expected = truth(normalised(FACE, front));
    expect(relativeError(outcome.embedding, expected)).toBeLessThan(BOUND);
    return outcome;
  };

  it.each<[string, Normalization, Record<string, string>]>([
    ['one number', HALVES, { mean_values: triple(HALVES.mean), scale_values: 'data[127.5]' }],
    ['three', IMAGENET, { mean_values: triple(IMAGENET.mean), scale_values: triple(IMAGENET.std) }],
    [
      'no name',
      IMAGENET,
      { mean_values: '[123.675, 116.28, 103.53]', scale_values: '(58.395,57.12,57.375)' },
    ],
    [
      'another input too',
      HALVES,
      { mean_values: 'info[1,1,1],data[127.5,127.5,127.5]', scale_values: 'info[1],data[127.5]' },
    ],
    ['--scale', HALVES, { mean_values: triple(HALVES.mean), scale: '127.5', scale_values: '()' }],
    ['nothing of either', HALVES, {}],
    ['that there was nothing', HALVES, { mean_values: '()', scale_values: '()' }],
  ])('with Subtract and a folded scale, stating %s', async (_, embedded, values) => {
    const statements = parameters(version, { ...values, reverse_input_channels: 'False' });
    const { basis } = await check({ embedded, statements }, embedded);
    const isStated = /\d/.test(values.mean_values ?? '');
    expect(basis.values.source).toBe(isStated ? 'openvino' : 'constants');
  });

  it('with a scale alone, which nothing but the statement tells', async () => {
    const statements = parameters(version, { mean_values: '()', scale_values: 'data[255]' });
    const { basis } = await check({ embedded: UNIT, subtract: false, statements }, UNIT);
    expect(basis.values).toEqual({
      source: 'openvino',
      because:
        'The file says that its converter put x / 255 into the graph, made for 0..255: nothing was added.',
    });
  });

  it('that embeds the values of 0..1 gets values of 0..1', async () => {
    const embedded = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
    const statements = parameters(version, {
      mean_values: triple(embedded.mean),
      scale_values: triple(embedded.std),
    });
    const { embedding } = await converted({ embedded, statements, version });
    const expected = truth(normalised(normalised(FACE, UNIT), embedded));
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
  });

  it('that embeds nothing and says so gets the default', async () => {
    const statements = parameters(version, { mean_values: '()', scale_values: '()' });
    const { basis } = await check({ statements }, HALVES);
    expect(basis.values.source).toBe('default');
  });

  it('whose <pre-process> holds a mean per channel is given it', async () => {
    const section = preProcess(IMAGENET.mean.map((m) => `<mean value="${m}"/>`));
    const ir = { embedded: IMAGENET, subtract: false, statements: section };
    const { notes } = await check(ir, IMAGENET);
    expect(notes).toContain('The mean in <pre-process> is subtracted, as OpenVINO does.');
    expect(notes).toContain('starts with x - [123.675, 116.28, 103.53], made for 0..255');
  });

  it('whose <pre-process> holds pictures of one value is given that', async () => {
    const [xml, bin] = irOf({
      embedded: IMAGENET,
      subtract: false,
      version,
      statements: 'HERE',
    });
    const size = 112 * 112 * 4;
    const section = preProcess(
      [0, 1, 2].map((c) => `<mean offset="${bin.length + c * size}" size="${size}"/>`),
    );
    const text = new TextDecoder().decode(xml).replace('HERE', section);
    const pictures = IMAGENET.mean.map((m) => new Float32Array(112 * 112).fill(m));
    const bytes = joined([bin, ...pictures.map((picture) => new Uint8Array(picture.buffer))]);
    const { model } = await load([new TextEncoder().encode(text), bytes]);
    const embedding = await model.embed({ data: FACE, layout: 'nchw', channels: 'rgb' });
    model.dispose();
    const expected = truth(normalised(FACE, IMAGENET));
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
    (pictures[1] as Float32Array)[77] = 3;
    const varied = joined([bin, ...pictures.map((picture) => new Uint8Array(picture.buffer))]);
    expect(messageOf(() => importOpenvino(new TextEncoder().encode(text), varied))).toBe(
      'OpenVINO <pre-process>: expected one mean for all pixels of channel 1, got a mean picture; ' +
        'export the model with mean values instead of a mean file',
    );
  });

  describe('with reversed channels', () => {
    const flag = (value: string): Record<string, string> => ({ reverse_input_channels: value });
    const backwards = reverseInputChannels(CORE);
    const turned = { mean: reversed(IMAGENET.mean), std: reversed(IMAGENET.std) };

    it('takes BGR of a network that was trained on RGB', async () => {
      const stated = {
        ...flag('True'),
        mean_values: triple(IMAGENET.mean),
        scale_values: triple(IMAGENET.std),
      };
      const statements = parameters(version, stated);
      const ir = { graph: backwards, embedded: turned, statements };
      const { inputOrder } = await check(ir, IMAGENET);
      expect(inputOrder).toBe('bgr');
    });

    it.each(['rgb', 'bgr'] as const)(
      'gives three means of an option to weights for %s',
      async (input) => {
        const statements = parameters(version, flag('True'));
        const ir = { graph: backwards, statements, version };
        const { embedding } = await converted(ir, { ...IMAGENET, input });
        const expected = truth(normalised(FACE, IMAGENET));
        expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
      },
    );

    it('takes RGB of a network that was trained on BGR', async () => {
      const ir = { graph: backwards, statements: parameters(version, flag('True')), version };
      const { embedding, inputOrder, notes } = await converted(ir, {
        ...IMAGENET,
        trainedOn: 'bgr',
      });
      expect(inputOrder).toBe('rgb');
      const expected = truth(normalised(inOrder(FACE, 'bgr'), IMAGENET));
      expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
      expect(notes).toMatch(/--trained-on bgr: it is BGR, and its input RGB, for the channels/);
    });

    it.each<[string, PreprocessingOptions, ChannelOrder]>([
      ['--trained-on bgr', { trainedOn: 'bgr' }, 'bgr'],
      ['--input bgr, which counts for both', { input: 'bgr' }, 'bgr'],
      ['--trained-on rgb --input bgr', { trainedOn: 'rgb', input: 'bgr' }, 'rgb'],
      ['nothing', {}, 'rgb'],
    ])('or without, of a silent file, goes by %s', async (_, options, order) => {
      const { embedding } = await converted({ version }, { ...IMAGENET, ...options });
      const expected = truth(normalised(inOrder(FACE, order), IMAGENET));
      expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
    });
  });
});

function preProcess(
  channels: readonly string[],
  attributes = 'reference-layer-name="data"',
): string {
  const lines = channels.map((inner, id) => `<channel id="${id}">${inner}</channel>`);
  return `<pre-process mean-precision="FP32" ${attributes}>${lines.join('')}</pre-process>`;
}

describe('an IR that exchanges red and blue by Gather', () => {
  const MEANS = [100, 110, 120];
  const WEIGHTS = [1, 10, 100];

  const picked = (indices: readonly number[], axis: number): Parts => {
    const data = '<data strides="1,1" pads_begin="0,0" pads_end="0,0" dilations="1,1"/>';
    const layers = [
      constant('order', 'i64', '3', 0, 24),
      constant('axis', 'i64', '', 24, 8),
      constant('mean', 'f32', '1,3,1,1', 32, 12),
      constant('w', 'f32', '1,3,1,1', 44, 12),
      `<layer id="g" name="g" type="Gather"><data batch_dims="0"/>${PORTS(3)}</layer>`,
      `<layer id="s" name="s" type="Subtract">${PORTS(2)}</layer>`,
      `<layer id="out" name="out" type="Convolution">${data}${PORTS(2)}</layer>`,
    ];
    const edges = [edge('p', 'g'), edge('order', 'g', 1), edge('axis', 'g', 2), edge('g', 's')];
    edges.push(edge('mean', 's', 1), edge('s', 'out'), edge('w', 'out', 1));
    const bin = joined([
      new Uint8Array(BigInt64Array.from([...indices, axis], BigInt).buffer),
      new Uint8Array(Float32Array.from([...MEANS, ...WEIGHTS]).buffer),
    ]);
    return [smallIr(layers.join(''), edges.join('')), bin];
  };

  it.each<[readonly number[], number]>([
    [[2, 1, 0], 1],
    [[-1, -2, -3], -3],
  ])('takes BGR of a network that was trained on RGB: %o of axis %i', (indices, axis) => {
    const { graph, ...imported } = importOpenvino(...picked(indices, axis));
    const { inputOrder, preprocessing } = choosePreprocessing({ graph, ...imported }, {});
    expect(inputOrder).toBe('bgr');
    expect(preprocessing).toEqual({ ...NOTHING, own: true });
    const bgr = Float32Array.from({ length: 3 * 12544 }, (_, i) => 10 * Math.floor(i / 12544));
    const expected = 20 - 100 + 10 * (10 - 110) + 100 * (0 - 120);
    expect(evaluateGraph(graph, bgr).get(graph.output)?.[0]).toBe(expected);
    const turned = choosePreprocessing({ graph, ...imported }, { trainedOn: 'bgr' });
    expect(turned.inputOrder).toBe('rgb');
  });
});

describe('model_info of an IR', () => {
  const info = (values: Record<string, string>): string => {
    const lines = Object.entries(values).map(([key, value]) => `<${key} value="${value}"/>`);
    return `<rt_info><model_info>${lines.join('')}</model_info></rt_info>`;
  };

  it('says what stands in front of a graph that does nothing itself', async () => {
    const values = { mean_values: '123.675 116.28 103.53', scale_values: '58.395 57.12 57.375' };
    const { embedding, basis } = await converted({ statements: info(values) });
    const expected = truth(normalised(FACE, IMAGENET));
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
    expect(basis.values.source).toBe('metadata');
  });

  it('is not done twice where it is embedded, by its own word or in the graph', async () => {
    const values = { mean_values: '127.5', scale_values: '127.5' };
    const ir = { embedded: HALVES, statements: info(values) };
    const scaled = info({ scale_values: '255', embedded_processing: 'True' });
    for (const [one, front] of [
      [ir, HALVES],
      [{ embedded: UNIT, subtract: false, statements: scaled }, UNIT],
    ] as const) {
      const { embedding } = await converted(one);
      const expected = truth(normalised(FACE, front));
      expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
    }
  });

  it('says nothing of channels that a converter reversed', () => {
    const statements = info({ reverse_input_channels: 'True' });
    expect(importOpenvino(...irOf({ statements })).reversedChannels).toBeUndefined();
  });
});

describe('<pre-process> is refused', () => {
  const mean = '<mean value="1"/>';
  it.each<[string, string, RegExp]>([
    [
      'of another input',
      preProcess([mean, mean, mean], 'reference-layer-name="x"'),
      /"data", the input, got "x"/,
    ],
    [
      'with a channel missing',
      preProcess([mean, mean]),
      /a mean for each of 3 channels, got "none for 2"/,
    ],
    ['with a fourth channel', preProcess([mean, mean, mean, mean]), /channels 0 to 2, got "3"/],
    [
      'with a mean that is no number',
      preProcess([mean, '<mean value="much"/>', mean]),
      /a number as mean of channel 1, got "much"/,
    ],
    [
      'with a scale',
      preProcess([mean, mean, `${mean}<scale value="2"/>`]),
      /a mean per channel, got "<scale>"/,
    ],
    [
      'with a picture of another size',
      preProcess(Array(3).fill('<mean offset="0" size="8"/>')),
      /50176 bytes of mean for channel 0, got 8/,
    ],
    [
      'with a picture outside the .bin file',
      preProcess(Array(3).fill('<mean offset="9999999" size="50176"/>')),
      /bytes of the \.bin file, got "9999999\.\.10050175"/,
    ],
  ])('%s', (_, statements, message) => {
    const [xml, bin] = irOf({ statements });
    expect(messageOf(() => importOpenvino(xml, bin))).toMatch(message);
  });

  it('in none of its empty forms', () => {
    for (const statements of ['<pre-process/>', preProcess(['', '', ''], '')]) {
      const [xml, bin] = irOf({ statements });
      expect(importOpenvino(xml, bin).graph.nodes[0]?.op).toBe('conv');
    }
  });
});

const Y1 = '../shared/fixtures/y1';
const FACES = '../shared/data/small_lfw.bin';
const missing = [Y1, FACES].filter((path) => !existsSync(path));
if (missing.length > 0) console.warn(`skipped: ${missing.join(', ')} absent`);

/** Of the ten pairs of small_lfw.bin, found by an independent evaluator of the trained network. */
const COSINES = [
  0.69884, 0.87808, 0.81531, 0.69555, 0.67319, 0.65801, 0.72295, 0.58292, 0.59062, 0.87779,
];

describe.skipIf(missing.length > 0)('the trained MobileFaceNet (y1) as an IR', () => {
  const trained = (): Graph => {
    const symbol = readFileSync(`${Y1}/model-symbol.json`);
    const { graph } = importMxnet(symbol, readFileSync(`${Y1}/model-0000.params`));
    const [minus, times, ...nodes] = graph.nodes;
    expect([minus?.name, times?.name]).toEqual(['_minusscalar0', '_mulscalar0']);
    const inputs = (names: readonly string[]): string[] =>
      names.map((name) => (name === times?.name ? graph.input.name : name));
    return { ...graph, nodes: nodes.map((node) => ({ ...node, inputs: inputs(node.inputs) })) };
  };
  const own = { mean: uniform(127.5), std: uniform(128) };

  it.each<[string, Ir]>([
    [
      'of version 11 with Subtract and a folded scale, stated',
      {
        statements: parameters(11, {
          mean_values: 'data[127.5,127.5,127.5]',
          scale_values: 'data[128]',
        }),
      },
    ],
    ['of version 11 with Subtract and a folded scale, and no word of it', {}],
    [
      'of version 10 with the mean in <pre-process>',
      {
        version: 10,
        subtract: false,
        statements: preProcess(Array(3).fill('<mean value="127.5"/>')),
      },
    ],
  ])('%s has its ten published cosines', async (_, ir) => {
    const { model } = await load(irOf({ subtract: true, ...ir, graph: trained(), embedded: own }));
    const cosines = await pairCosines(model);
    model.dispose();
    for (const [i, cosine] of cosines.entries()) {
      expect(Math.abs(cosine - (COSINES[i] as number))).toBeLessThan(2e-5);
    }
  });
});

async function pairCosines(model: Model): Promise<number[]> {
  const { images } = readLfwBin(readFileSync(FACES), FACES);
  const embeddings: Float32Array[] = [];
  for (const image of images) {
    embeddings.push(await model.embed(await decodePicture(image as Uint8Array, FACES)));
  }
  return COSINES.map((_, i) =>
    cosineSimilarity(embeddings[2 * i] as Float32Array, embeddings[2 * i + 1] as Float32Array),
  );
}
