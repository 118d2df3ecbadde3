/** The networks that the evidence is measured on: trained ones, and seeded ones of many shapes. */
import { existsSync, readFileSync } from 'node:fs';
import { importMxnet } from '../../dist/formats/mxnet/import.js';
import { importOnnx } from '../../dist/formats/onnx/import.js';
import { resNet, synthesize } from '../../dist/synth/architectures.js';
import { SynthBuilder } from '../../dist/synth/builder.js';
import { onnxOfSynth } from '../../dist/synth/onnx.js';
import { onnxOfGraph, withFoldedNorms } from '../lib/onnx-of-graph.mjs';

const Y1 = ['model-symbol.json', 'model-0000.params'].map(
  (file) => `../shared/fixtures/y1/${file}`,
);
const IR_TINY = '../shared/fixtures/ir-tiny/ir-tiny.onnx';
const FEATURE = 'node_modules/faceplugin-face-recognition-js/model/fr_feature.onnx';

const same = (value) => [value, value, value];
const form = (order, mean, std) => ({ order, mean: same(mean), std: same(std) });

/**
 * @returns {{name: string, graph: object, truth: object | null}[]} truth: null where faces were never seen
 */
export function publishedNetworks() {
  const found = [];
  const add = (paths, name, make, truth) => {
    const missing = paths.find((path) => !existsSync(path));
    if (missing) console.error(`${name} is left out: ${missing} is absent`);
    else found.push({ name, graph: make(...paths.map((path) => readFileSync(path))), truth });
  };
  const bytes = form('rgb', 0, 1);
  const y1 = (symbol, params) => importMxnet(symbol, params).graph;
  const written = (graph) => importOnnx(onnxOfGraph(graph)).graph;
  add(Y1, 'y1, MXNet', y1, bytes);
  add(Y1, 'y1, ONNX', (...files) => written(y1(...files)), bytes);
  const bare = (...files) => written(withoutNormalization(y1(...files)));
  add(Y1, 'y1, ONNX without its Sub and Mul', bare, form('rgb', 127.5, 128));
  add(Y1, 'y1, ONNX, folded', (...files) => written(withFoldedNorms(y1(...files))), bytes);
  add([FEATURE], 'fr_feature, folded', (file) => importOnnx(file).graph, form('bgr', 127, 128));
  add([IR_TINY], 'ir-tiny, seeded, never saw a face', (file) => importOnnx(file).graph, null);
  return found;
}

/** The graph behind its leading scales and shifts. */
function withoutNormalization(graph) {
  const first = graph.nodes.findIndex((node) => node.op !== 'affine');
  if (first === 0) return graph;
  const before = graph.nodes[first - 1].name;
  const nodes = graph.nodes.slice(first).map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (name === before ? graph.input.name : name)),
  }));
  return { ...graph, nodes };
}

const imported = (model, style) => importOnnx(Buffer.concat([...onnxOfSynth(model, style)])).graph;

/** A stem with a head: all that the evidence looks at. */
function stem(seed, { channels, kernel, stride, slopes = true }) {
  const builder = new SynthBuilder(seed);
  let x = { name: 'data', channels: 3, power: 0.3 };
  const pad = (kernel - 1) / 2;
  x = builder.conv('conv0', x, { channels, kernel, stride, pad });
  x = builder.batchNorm('bn0', x, { eps: 1e-5 });
  if (slopes) x = builder.prelu('relu0', x);
  x = builder.batchNorm('stage1_unit1_bn1', x, { eps: 1e-5 });
  x = builder.conv('stage1_unit1_conv1', x, { channels: 4, kernel: 3, stride: 2, pad: 1 });
  const side = 112 / stride / 2;
  x = builder.fc('pre_fc1', x, 4 * side * side, 8);
  builder.batchNorm('fc1', x, { eps: 1e-5 });
  return { name: 'stem', seed, inputName: 'data', nodes: builder.nodes, output: 'fc1' };
}

/**
 * For many at a time: few channels, half of them nearly blind to colour as most filters of trained networks
 * are, a quarter with the first batch norm folded.
 */
export function seededStem(seed) {
  const channels = [8, 16, 24][seed % 3];
  const graph = imported(stem(seed, { channels, kernel: 3, stride: 2 }), 'zoo');
  const seen = seed % 2 === 0 ? graph : withoutColour(graph, 0.15);
  return seed % 4 === 3 ? withFoldedNorms(seen) : seen;
}

/** The first convolution with its three kernels of an output drawn towards their mean. */
function withoutColour(graph, left) {
  const [conv, ...others] = graph.nodes;
  const [outputs, , kh, kw] = conv.weight.shape;
  const size = kh * kw;
  const values = conv.weight.read();
  for (let o = 0; o < outputs; o++) {
    for (let tap = 0; tap < size; tap++) {
      const places = [0, 1, 2].map((c) => (3 * o + c) * size + tap);
      const mean = places.reduce((sum, at) => sum + values[at], 0) / 3;
      for (const at of places) values[at] = mean + left * (values[at] - mean);
    }
  }
  const weight = { shape: conv.weight.shape, read: () => values.slice() };
  return { ...graph, nodes: [{ ...conv, weight }, ...others] };
}

const resNetOf = (width, seed) =>
  resNet('ir', { units: [1, 2, 2, 1], channels: [width, width, 32, 32, 32], embedding: 64 }, seed);

/** Nothing normalises in the graph, and no batch norm is calibrated yet. */
const SEEDED = [
  ['LResNet18E-IR', () => synthesize('r18', 1)],
  ['LResNet34E-IR', () => synthesize('r34', 2), 'folded'],
  ['LResNet50E-IR', () => synthesize('r50', 3)],
  ['LResNet100E-IR', () => synthesize('r100', 4), 'folded'],
  ['MobileFaceNet', () => synthesize('mobilefacenet', 5)],
  ['IR of 32 channels', () => resNetOf(32, 6), 'folded'],
  ['IR of 16 channels', () => resNetOf(16, 7)],
  ['IR of 8 channels', () => resNetOf(8, 8), 'folded'],
  ['stem 7x7 of stride 2', () => stem(9, { channels: 64, kernel: 7, stride: 2 })],
  ['stem 5x5', () => stem(10, { channels: 24, kernel: 5, stride: 1 }), 'folded'],
  ['stem 3x3 of stride 2', () => stem(11, { channels: 48, kernel: 3, stride: 2 })],
  ['stem 1x1', () => stem(12, { channels: 16, kernel: 1, stride: 1 }), 'folded'],
];
const SMALL = /of 8 channels|5x5|1x1/;

/**
 * One at a time, for some are of hundreds of megabytes. `folded`: of a calibrated one, what an exporter
 * leaves.
 * @returns {Generator<{name: string, graph: object, finish: (graph: object) => object}>}
 */
export function* seededNetworks(small) {
  for (const [name, make, folded] of SEEDED) {
    if (small && !SMALL.test(name)) continue;
    const graph = withoutNormalization(imported(make(), 'zoo'));
    yield {
      name: folded ? `${name}, ${folded}` : name,
      graph,
      finish: folded ? withFoldedNorms : (one) => one,
    };
  }
}
