/**
 * What each way of computing R100's 3x3 convolutions costs in accuracy: the whole network in the
 * `simd` kernels against the float64 reference, on one face. Not a timing.
 *
 *   node bench/numerics.mjs [--model r100]
 */
import { readFileSync } from 'node:fs';
import { placeConstants } from '../dist/compile/place-constants.js';
import { compile } from '../dist/compile/schedule.js';
import { bindPlan } from '../dist/engine/bind.js';
import { WEIGHTS_BASE } from '../dist/engine/memory.js';
import { ALONE, runSchedule } from '../dist/engine/run.js';
import { importOnnx } from '../dist/formats/onnx/import.js';
import { headerBytesNeeded, parseWeightsHeader } from '../dist/formats/safetensors.js';
import { writeFace } from '../dist/image/face.js';
import { cosineSimilarity, l2Normalize } from '../dist/index.js';
import { evaluateGraph } from '../dist/reference/evaluate.js';
import { prepareModel } from './lib/models.mjs';

const VARIANTS = {
  direct: [],
  'F(4x4)': [4],
  'F(5x5)': [5],
  'F(6x6)': [6],
  'as chosen': [4, 5, 6],
};
const SIZE = 112;

const at = process.argv.indexOf('--model');
const { name, onnx, weights } = await prepareModel(at < 0 ? 'r100' : process.argv[at + 1]);
const face = Float32Array.from({ length: 3 * SIZE * SIZE }, (_, i) => 128 + 100 * Math.sin(i / 37));
const { graph } = importOnnx(readFileSync(onnx));
console.error('float64 reference, about 20 s for r100 ...');
const truth = l2Normalize(evaluateGraph(graph, face).get(graph.output));
const file = readFileSync(weights);
const header = parseWeightsHeader(
  file.subarray(0, headerBytesNeeded(file.subarray(0, 8))),
  file.length,
);
const module = new WebAssembly.Module(
  readFileSync(new URL('../dist/wasm/simd.wasm', import.meta.url)),
);

console.log(`${name}: unit embedding against float64`);
for (const [variant, tiles] of Object.entries(VARIANTS)) {
  const embedding = l2Normalize(run(tiles));
  let most = 0;
  for (let i = 0; i < truth.length; i++) most = Math.max(most, Math.abs(embedding[i] - truth[i]));
  const angle = 1 - cosineSimilarity(embedding, truth);
  console.log(
    `${variant.padEnd(10)} max |difference| ${most.toExponential(1)}   1 - cosine ${angle.toExponential(0)}`,
  );
}

/** The network's output with only these Winograd tiles to choose from. */
function run(tiles) {
  const { offsets, extras, end } = placeConstants(header);
  const { network, shapes } = header;
  const plan = compile({ network, shapes, constants: offsets, batch: 1, threads: 1, tiles });
  const bound = bindPlan(plan, WEIGHTS_BASE + end);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bound.endAddress / 65536) });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  new Uint8Array(memory.buffer, WEIGHTS_BASE, header.dataBytes).set(
    file.subarray(header.dataOffset),
  );
  for (const extra of extras) {
    new Float32Array(memory.buffer, WEIGHTS_BASE + offsets.get(extra.name)).set(extra.values);
  }
  new Int32Array(memory.buffer, bound.argsBase).set(bound.argWords);
  const input = new Float32Array(memory.buffer, bound.inputAddress, SIZE * SIZE * 4);
  writeFace({ data: face, layout: 'nchw', channels: 'rgb' }, input, 'rgb', false);
  runSchedule(exports, bound, ALONE);
  return new Float32Array(memory.buffer, bound.outputAddress, plan.outputFeatures).slice();
}
