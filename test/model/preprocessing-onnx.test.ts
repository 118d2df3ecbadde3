/**
 * ONNX files that normalise in every spelling, or not at all: what the converted weights compute from a raw
 * face is what onnxruntime computes from the same file and the values that it is made for.
 */

import * as ort from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../dist/index.js';
import { convertModel } from '../../src/convert/convert.ts';
import type { PreprocessingOptions } from '../../src/convert/preprocessing.ts';
import { FLOAT, UINT8 } from '../../src/formats/onnx/data-types.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import type { OnnxFileNode, OnnxFileTensor } from '../../src/formats/onnx/write.ts';
import { MessageWriter } from '../../src/formats/protobuf-writer.ts';
import {
  type Basis,
  type ChannelOrder,
  NOTHING,
  type Normalization,
  type PerChannel,
  uniform,
} from '../../src/graph/preprocessing.ts';
import { inOrder, normalised, relativeError } from '../support/normalised.ts';
import { floats, ints, joined, node, onnxFile } from '../support/onnx-files.ts';
import { messageOf } from '../support/outcome.ts';
import { pixels } from '../support/synth-graph.ts';

const FACE = pixels(3);
/** Of f32: sums of 27 products, then of 512. */
const BOUND = 1e-5;
const UNIT: Normalization = { mean: uniform(0), std: uniform(255) };
const SYMMETRIC: Normalization = { mean: uniform(127.5), std: uniform(127.5) };
const MEAN = [0.485, 0.456, 0.406] as const;
const NCHW = [1, 3, 112, 112];
const NHWC = [1, 112, 112, 3];
const STD = [0.229, 0.224, 0.225] as const;
const times = (values: PerChannel, factor: number): PerChannel =>
  values.map((value) => value * factor) as unknown as PerChannel;

/** One operator of a start: `['Sub', 127.5]`, a number or one per channel as the second operand. */
type Step = readonly [operator: string, operand: number | PerChannel];

/** `x` through the steps into a network that tells its channels and its borders apart. */
function network(steps: readonly Step[]): Uint8Array {
  const nodes = steps.map(([operator], i) =>
    node(operator, [i === 0 ? 'x' : `n${i - 1}`, `c${i}`], `n${i}`),
  );
  const constants = steps.map(([, operand], i) => constant(`c${i}`, operand));
  return tail(nodes, constants);
}

function constant(name: string, operand: number | PerChannel): OnnxFileTensor {
  if (typeof operand === 'number') return floats(name, [], [operand]);
  return floats(name, [1, 3, 1, 1], [...operand]);
}

/** `nodes` read `x`, and the last one of them is what the network takes. */
function tail(
  nodes: readonly OnnxFileNode[],
  tensors: readonly OnnxFileTensor[],
  { dataType = FLOAT, dims = NCHW } = {},
): Uint8Array {
  const start = nodes.at(-1)?.outputs[0] ?? 'x';
  const conv = {
    kernel_shape: { ints: [3, 3] },
    pads: { ints: [1, 1, 1, 1] },
    strides: { ints: [14, 14] },
  };
  return onnxFile(
    [
      ...nodes,
      node('Conv', [start, 'w', 'b'], 'stem', conv),
      node('PRelu', ['stem', 'slope'], 'act'),
      node('Flatten', ['act'], 'flat'),
      node('Gemm', ['flat', 'fc.w', 'fc.b'], 'embedding', { transB: { int: 1 } }),
    ],
    [
      ...tensors,
      floats('w', [8, 3, 3, 3]),
      floats('b', [8]),
      floats('slope', [8, 1, 1]),
      floats('fc.w', [16, 8 * 64]),
      floats('fc.b', [16]),
    ],
    { inputs: [{ name: 'x', dims, dataType }] },
  );
}

/** The file with `metadata_props`, which stand at its end. */
function stating(onnx: Uint8Array, metadata: Readonly<Record<string, string>>): Uint8Array {
  const entries = Object.entries(metadata).map(([key, value]) =>
    new MessageWriter().message(14, new MessageWriter().text(1, key).text(2, value)),
  );
  return joined([onnx, ...entries.flatMap((entry) => [...entry.stream()])]);
}

async function truth(
  onnx: Uint8Array,
  input: Float32Array,
  dims: readonly number[] = NCHW,
): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(onnx);
  const feeds = { x: new ort.Tensor('float32', input, dims) };
  const results = await session.run(feeds);
  const values = Float32Array.from(results.embedding?.data as Float32Array);
  await session.release();
  return values;
}

interface Outcome {
  readonly embedding: Float32Array;
  readonly basis: Basis;
  readonly notes: string;
}

/** Of the raw RGB face. */
async function converted(onnx: Uint8Array, options: PreprocessingOptions = {}): Promise<Outcome> {
  const source = { name: 'test.onnx', sha256: '0'.repeat(64) };
  const { header, chunks, report } = convertModel(importOnnx(onnx), { source, ...options });
  const model = await loadModel(joined([header, ...chunks()]) as Uint8Array<ArrayBuffer>);
  const embedding = await model.embed({ data: FACE, layout: 'nchw', channels: 'rgb' });
  model.dispose();
  return { embedding, basis: report.basis, notes: report.notes.join('\n') };
}

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
});

describe('a graph that starts with', () => {
  it.each<[string, Normalization, Step[]]>([
    ['nothing', SYMMETRIC, []],
    [
      'x - 127.5, x * 1/128',
      NOTHING,
      [
        ['Sub', 127.5],
        ['Mul', 1 / 128],
      ],
    ],
    [
      'x - 127.5, x / 127.5',
      NOTHING,
      [
        ['Sub', 127.5],
        ['Div', 127.5],
      ],
    ],
    [
      'x + -127.5, x / 128',
      NOTHING,
      [
        ['Add', -127.5],
        ['Div', 128],
      ],
    ],
    [
      'x / 127.5, x - 1',
      NOTHING,
      [
        ['Div', 127.5],
        ['Sub', 1],
      ],
    ],
    [
      'x / 255, x - 0.5, x / 0.5',
      NOTHING,
      [
        ['Div', 255],
        ['Sub', 0.5],
        ['Div', 0.5],
      ],
    ],
    ['x / 255', NOTHING, [['Div', 255]]],
    ['x * 1/255', NOTHING, [['Mul', 1 / 255]]],
    ['x - 127.5', NOTHING, [['Sub', 127.5]]],
    ['x * 1/128', NOTHING, [['Mul', 1 / 128]]],
    [
      'ImageNet on 0..255',
      NOTHING,
      [
        ['Sub', times(MEAN, 255)],
        ['Div', times(STD, 255)],
      ],
    ],
    [
      'ImageNet behind x / 255',
      NOTHING,
      [
        ['Div', 255],
        ['Sub', MEAN],
        ['Div', STD],
      ],
    ],
    [
      'ImageNet on 0..1',
      UNIT,
      [
        ['Sub', MEAN],
        ['Div', STD],
      ],
    ],
    [
      'ImageNet on 0..1, a scale first',
      UNIT,
      [
        ['Mul', STD.map((s) => 1 / s) as unknown as PerChannel],
        ['Add', MEAN.map((m, c) => -m / (STD[c] as number)) as unknown as PerChannel],
      ],
    ],
    [
      'x - 0.5, x / 0.5',
      UNIT,
      [
        ['Sub', 0.5],
        ['Div', 0.5],
      ],
    ],
    [
      'x * 2, x - 1',
      UNIT,
      [
        ['Mul', 2],
        ['Sub', 1],
      ],
    ],
    ['x - 0.5', UNIT, [['Sub', 0.5]]],
    [
      'x * 255, x - 127.5, x / 128',
      UNIT,
      [
        ['Mul', 255],
        ['Sub', 127.5],
        ['Div', 128],
      ],
    ],
    ['x * 255', UNIT, [['Mul', 255]]],
    [
      'x * 0.5, x + 0.5',
      SYMMETRIC,
      [
        ['Mul', 0.5],
        ['Add', 0.5],
      ],
    ],
    [
      'x + 1, x * 127.5',
      SYMMETRIC,
      [
        ['Add', 1],
        ['Mul', 127.5],
      ],
    ],
    [
      'x * 0.5 + 0.5 and ImageNet',
      SYMMETRIC,
      [
        ['Mul', 0.5],
        ['Add', 0.5],
        ['Sub', MEAN],
        ['Div', STD],
      ],
    ],
  ])('%s gets the values that it is made for', async (_, front, steps) => {
    const onnx = network(steps);
    const { embedding, basis } = await converted(onnx);
    const expected = await truth(onnx, normalised(FACE, front));
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
    expect(basis.values.source).toBe(steps.length === 0 ? 'default' : 'constants');
  });

  it('constants that fit no range keeps the default, and says what it starts with', async () => {
    const onnx = network([['Mul', 0.7]]);
    const { embedding, notes } = await converted(onnx);
    const expected = await truth(onnx, normalised(FACE, SYMMETRIC));
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
    expect(notes).toMatch(/starts with x \/ 1\.42857, which tells no range of pixel values\./);
    expect(notes).toMatch(/\(x - 127\.5\) \/ 127\.5 was folded in, as InsightFace does\./);
  });

  it.each<[string, Normalization, number, number, number]>([
    ['x / 255 in three groups', NOTHING, 3, 1 / 255, 0],
    ['(x - 127.5) / 128 in three groups', NOTHING, 3, 1 / 128, -127.5 / 128],
    ['(x - 0.5) / 0.5 in three groups', UNIT, 3, 2, -1],
    ['x / 127.5 - 1 in one group', NOTHING, 1, 1 / 127.5, -1],
    ['what tells no range', SYMMETRIC, 3, 0.7, 0.2],
  ])('a convolution of one tap that is %s', async (_, front, groups, scale, shift) => {
    const dense = [scale, 0, 0, 0, scale, 0, 0, 0, scale];
    const weight = groups === 3 ? uniform(scale) : dense;
    const conv = node('Conv', ['x', 'k', 'kb'], 'n', { group: { int: groups } });
    const tensors = [
      floats('k', [3, 3 / groups, 1, 1], [...weight]),
      floats('kb', [3], [...uniform(shift)]),
    ];
    const onnx = tail([conv], tensors);
    const expected = await truth(onnx, normalised(FACE, front));
    for (const input of ['rgb', 'bgr'] as const) {
      const { embedding } = await converted(onnx, { input });
      expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
    }
  });

  it('a normalisation on one branch only has not normalised the other', async () => {
    const nodes = [
      node('Sub', ['x', 'c'], 'less'),
      node('Sigmoid', ['x'], 'gate'),
      node('Add', ['less', 'gate'], 'both'),
    ];
    const onnx = tail(nodes, [constant('c', 0.5)]);
    const { embedding, basis } = await converted(onnx);
    const expected = await truth(onnx, normalised(FACE, SYMMETRIC));
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
    expect(basis.values.source).toBe('default');
  });

  it.each<[string, Normalization, number, number]>([
    ['0..255', UNIT, 0, 255],
    ['0..1', UNIT, 0, 1],
    ['-1..1', SYMMETRIC, -1, 1],
  ])('bounds of %s is made for them', async (_, range, low, high) => {
    const onnx = tail(
      [node('Clip', ['x', 'low', 'high'], 'clipped')],
      [constant('low', low), constant('high', high)],
    );
    const front = high === 255 ? NOTHING : range;
    const { embedding } = await converted(onnx);
    const expected = await truth(onnx, normalised(FACE, front));
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
  });
});

const FLIPS: readonly (readonly [string, OnnxFileNode, readonly OnnxFileTensor[]])[] = [
  [
    'a 1x1 convolution',
    node('Conv', ['x', 'flip'], 'other'),
    [floats('flip', [3, 3, 1, 1], [0, 0, 1, 0, 1, 0, 1, 0, 0])],
  ],
  [
    'Gather',
    node('Gather', ['x', 'flip'], 'other', { axis: { int: 1 } }),
    [ints('flip', [2, 1, 0])],
  ],
  [
    'Slice backwards',
    node('Slice', ['x', 's', 'e', 'a', 'by'], 'other'),
    [ints('s', [-1]), ints('e', [-(2 ** 31)]), ints('a', [1]), ints('by', [-1])],
  ],
];

describe.each(FLIPS)('a graph that exchanges red and blue by %s', (_, flip, matrix) => {
  const means = times(MEAN, 255);
  const deviations = times(STD, 255);
  const onnx = tail(
    [flip, node('Sub', ['other', 'm'], 'less'), node('Div', ['less', 'd'], 'n')],
    [...matrix, constant('m', means), constant('d', deviations)],
  );

  it.each<[PreprocessingOptions, ChannelOrder]>([
    [{}, 'bgr'],
    [{ input: 'rgb' }, 'bgr'],
    [{ trainedOn: 'bgr' }, 'rgb'],
  ])('takes the reverse of what its network was trained on: %o', async (options, order) => {
    const { embedding, basis, notes } = await converted(onnx, options);
    expect(relativeError(embedding, await truth(onnx, inOrder(FACE, order)))).toBeLessThan(BOUND);
    expect(basis.values.source).toBe('constants');
    expect(notes).toContain(
      'starts with (x - [103.53, 116.28, 123.675]) / [57.375, 57.12, 58.395]',
    );
  });

  it('takes the order that its file states for the input', async () => {
    const stated = stating(onnx, { 'Image.BitmapPixelFormat': 'Rgb8' });
    const { embedding } = await converted(stated);
    expect(relativeError(embedding, await truth(onnx, FACE))).toBeLessThan(BOUND);
  });

  it('gets three means of an option in the order trained on', async () => {
    const front = { mean: [10, 20, 30], std: [1, 2, 3] } as const;
    const bare = tail([flip], matrix);
    const { embedding } = await converted(bare, front);
    // The network behind the exchange sees normalised RGB.
    const expected = await truth(network([]), normalised(FACE, front));
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
  });
});

describe('a graph of Keras, with channels last', () => {
  const pixelsOf = (planes: Float32Array): Float32Array =>
    planes.map((_, i) => planes[(i % 3) * 12544 + Math.floor(i / 3)] as number);
  const turn = node('Transpose', ['n'], 'nchw', { perm: { ints: [0, 3, 1, 2] } });
  const lastly = (values: PerChannel, name: string): OnnxFileTensor =>
    floats(name, [3], [...values]);

  it('that exchanges red and blue and subtracts means, as its `caffe` mode does', async () => {
    const means = [103.939, 116.779, 123.68] as const;
    const onnx = tail(
      [node('Slice', ['x', 's', 'e', 'a', 'by'], 'bgr'), node('Sub', ['bgr', 'm'], 'n'), turn],
      [
        ints('s', [-1]),
        ints('e', [-(2 ** 31)]),
        ints('a', [3]),
        ints('by', [-1]),
        lastly(means, 'm'),
      ],
      { dims: NHWC },
    );
    // Trained on BGR, so that its input is RGB.
    const { embedding, basis, notes } = await converted(onnx, { trainedOn: 'bgr' });
    const expected = await truth(onnx, pixelsOf(FACE), NHWC);
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
    expect(basis.values.source).toBe('constants');
    expect(notes).toContain('x - [123.68, 116.779, 103.939], made for 0..255');
  });

  it('that wants 0..1 gets it', async () => {
    const onnx = tail(
      [node('Sub', ['x', 'm'], 'less'), node('Div', ['less', 'd'], 'n'), turn],
      [lastly(MEAN, 'm'), lastly(STD, 'd')],
      { dims: NHWC },
    );
    const { embedding } = await converted(onnx);
    const expected = await truth(onnx, pixelsOf(normalised(FACE, UNIT)), NHWC);
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
  });
});

describe('a graph that picks parts of the picture', () => {
  it.each<[string, OnnxFileNode, OnnxFileTensor[]]>([
    ['rows', node('Gather', ['x', 'i'], 'y', { axis: { int: 2 } }), [ints('i', [2, 1, 0])]],
    [
      'rows backwards',
      node('Slice', ['x', 's', 'e', 'a', 'by'], 'y'),
      [ints('s', [-1]), ints('e', [-(2 ** 31)]), ints('a', [2]), ints('by', [-1])],
    ],
    [
      'two of them',
      node('Slice', ['x', 's', 'e', 'a', 'by'], 'y'),
      [ints('s', [-1]), ints('e', [0]), ints('a', [1]), ints('by', [-1])],
    ],
  ])('%s is refused', (_, picking, tensors) => {
    expect(messageOf(() => importOnnx(tail([picking], tensors)))).toMatch(
      /ONNX (Gather|Slice) .*expected (the only entry|every n-th row|a choice among)/,
    );
  });
});

describe('a batch norm in front', () => {
  const NORM = ['gamma', 'beta', 'mean', 'var'];
  const normed = (name: string, mean: PerChannel, deviation: number): Uint8Array =>
    tail(
      [{ ...node('BatchNormalization', ['x', ...NORM], 'n'), name }],
      [
        floats('gamma', [3], [1, 0.8, 1.2]),
        floats('beta', [3], [0.1, -0.2, 0.3]),
        floats('mean', [3], [...mean]),
        floats('var', [3], [...uniform(deviation ** 2)]),
      ],
    );

  it.each<[string, string, Normalization, PerChannel, number]>([
    ['bn_data', 'faces in 0..255', NOTHING, [131, 108, 96], 68],
    ['bn0', 'faces in 0..255', NOTHING, [131, 108, 96], 68],
    ['bn0', 'faces in 0..1', UNIT, [0.52, 0.42, 0.37], 0.26],
    ['bn0', 'faces in -1..1', SYMMETRIC, [0.03, -0.15, -0.25], 0.53],
    ['bn_data', 'values of no known range', NOTHING, [3, 2, 1], 1],
    ['bn0', 'values of no known range', SYMMETRIC, [3, 2, 1], 1],
  ])('called %s that has seen %s', async (name, _, front, mean, deviation) => {
    const onnx = normed(name, mean, deviation);
    const { embedding } = await converted(onnx);
    const expected = await truth(onnx, normalised(FACE, front));
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
  });
});

describe('metadata of a graph without normalisation', () => {
  const front = (mean: PerChannel, std: PerChannel): Normalization => ({ mean, std });

  it.each<[Record<string, string>, Normalization]>([
    [{ 'Image.NominalPixelRange': 'NominalRange_0_255' }, NOTHING],
    [{ 'Image.NominalPixelRange': 'Normalized_0_1' }, UNIT],
    [{ 'Image.NominalPixelRange': 'Normalized_1_1' }, SYMMETRIC],
    [
      { mean: '[0.485, 0.456, 0.406]', std: '[0.229, 0.224, 0.225]' },
      front(times(MEAN, 255), times(STD, 255)),
    ],
    [{ input_mean: '127.5', input_std: '128' }, front(uniform(127.5), uniform(128))],
    [{ mean: '104,117,123' }, front([104, 117, 123], uniform(1))],
    [{ mean: '0 0 0', std: '255 255 255' }, UNIT],
    // What is no three numbers, or tells no range, states nothing.
    [{ mean: '1,2', std: 'x' }, SYMMETRIC],
    [{ mean: '0', std: '1' }, SYMMETRIC],
    [{ mean: '127.5', std: '0' }, SYMMETRIC],
    [{ author: 'somebody', license: 'MIT' }, SYMMETRIC],
  ])('%o', async (metadata, expected) => {
    const onnx = stating(network([]), metadata);
    const { embedding } = await converted(onnx);
    const values = await truth(onnx, normalised(FACE, expected));
    expect(relativeError(embedding, values)).toBeLessThan(BOUND);
  });

  it.each<[Record<string, string>, ChannelOrder]>([
    [{ 'Image.BitmapPixelFormat': 'Bgr8' }, 'bgr'],
    [{ 'Image.BitmapPixelFormat': 'Rgba8' }, 'rgb'],
    [{ channel_order: 'BGR' }, 'bgr'],
    [{ color_format: 'rgb' }, 'rgb'],
    [{ 'Image.BitmapPixelFormat': 'Gray8', color_format: 'yuv' }, 'rgb'],
  ])('%o', async (metadata, order) => {
    const onnx = stating(network([]), metadata);
    const { embedding } = await converted(onnx);
    const values = await truth(onnx, normalised(inOrder(FACE, order), SYMMETRIC));
    expect(relativeError(embedding, values)).toBeLessThan(BOUND);
  });

  it('that an option contradicts is not followed, and that is said', async () => {
    const onnx = stating(network([]), { 'Image.BitmapPixelFormat': 'Bgr8' });
    const { embedding, notes } = await converted(onnx, { trainedOn: 'rgb' });
    const values = await truth(onnx, normalised(FACE, SYMMETRIC));
    expect(relativeError(embedding, values)).toBeLessThan(BOUND);
    expect(notes).toContain('Outranked by an option: The file states Image.BitmapPixelFormat Bgr8');
  });

  it('is taken to speak of what the graph does itself where it does', async () => {
    const steps: Step[] = [
      ['Sub', MEAN],
      ['Div', STD],
    ];
    const onnx = stating(network(steps), { mean: '0.485 0.456 0.406', std: '0.229 0.224 0.225' });
    const { embedding, notes } = await converted(onnx);
    const values = await truth(onnx, normalised(FACE, UNIT));
    expect(relativeError(embedding, values)).toBeLessThan(BOUND);
    expect(notes).toContain('taken for what the graph does itself');
  });

  it('may hold anything, in any length', async () => {
    const long = stating(network([]), { names: 'x'.repeat(1e6), mean: '7'.repeat(5000) });
    const onnx = joined([long, Uint8Array.of(14 * 8 + 2, 4, 10, 2, 0xff, 0xfe)]);
    const { embedding } = await converted(onnx);
    const values = await truth(network([]), normalised(FACE, SYMMETRIC));
    expect(relativeError(embedding, values)).toBeLessThan(BOUND);
  });
});

describe('an input of bytes', () => {
  it('gets raw values, whatever the graph starts with', async () => {
    const cast = node('Cast', ['x'], 'f', { to: { int: FLOAT } });
    const onnx = tail([cast, node('Mul', ['f', 'c'], 'n')], [constant('c', 0.7)], {
      dataType: UINT8,
    });
    const { embedding, basis } = await converted(onnx);
    // The same graph for floats, since the runtime of the truth is given floats.
    const same = tail([node('Mul', ['x', 'c'], 'n')], [constant('c', 0.7)]);
    expect(relativeError(embedding, await truth(same, FACE))).toBeLessThan(BOUND);
    expect(basis.values.source).toBe('type');
  });
});

describe('options', () => {
  const ORDERS: readonly (ChannelOrder | undefined)[] = [undefined, 'rgb', 'bgr'];
  const MEANS = [123.675, 116.28, 103.53] as const;
  const DEVIATIONS = [58.395, 57.12, 57.375] as const;
  const combinations = ORDERS.flatMap((trainedOn) => ORDERS.map((input) => ({ trainedOn, input })));

  it.each(combinations)('give three means in the order trained on: %o', async (orders) => {
    const { trainedOn = 'rgb' } = orders;
    const front = { mean: MEANS, std: DEVIATIONS };
    const onnx = network([]);
    const { embedding, basis } = await converted(onnx, { ...front, ...orders });
    const expected = await truth(onnx, normalised(inOrder(FACE, trainedOn), front));
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
    expect(basis.order.source).toBe(orders.trainedOn ? 'option' : 'default');
  });

  it.each(combinations)(
    'exchange channels of a graph that has its own means: %o',
    async (orders) => {
      const { trainedOn = 'rgb' } = orders;
      const onnx = network([
        ['Sub', MEANS],
        ['Div', DEVIATIONS],
      ]);
      const { embedding } = await converted(onnx, orders);
      const expected = await truth(onnx, inOrder(FACE, trainedOn));
      expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
    },
  );

  it('stand above what the graph says, in front of it, and both are said', async () => {
    const onnx = network([
      ['Sub', 0.5],
      ['Div', 0.5],
    ]);
    const front = { mean: uniform(10), std: uniform(20) };
    const { embedding, notes } = await converted(onnx, { mean: 10, std: 20 });
    const expected = await truth(onnx, normalised(FACE, front));
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
    expect(notes).toMatch(/\(x - 10\) \/ 20 was folded in, in front of what the graph does itself/);
    expect(notes).toMatch(
      /Outranked by an option: The graph starts with \(x - 0\.5\) \/ 0\.5, made for 0\.\.1 \(x \/ 255/,
    );
  });

  it('leave the one that is not given as it would be without', async () => {
    const onnx = network([
      ['Sub', 0.5],
      ['Div', 0.5],
    ]);
    const { embedding } = await converted(onnx, { mean: 3 });
    const expected = await truth(onnx, normalised(FACE, { mean: uniform(3), std: uniform(255) }));
    expect(relativeError(embedding, expected)).toBeLessThan(BOUND);
  });
});
