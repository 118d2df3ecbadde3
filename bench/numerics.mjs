/**
 * What computing 3x3 convolutions by Winograd costs in accuracy: whole networks in the `simd` kernels on
 * pictures of many kinds, against direct convolution in the same kernels, which stays within 2e-7 of float64,
 * and against native onnxruntime. Differences are the largest of two unit vectors. Not a timing.
 *
 *   node bench/numerics.mjs [--models r18,r34,r50,r100,mobilefacenet] [--seeds 1,2,3,4,5]
 *                           [--data lfw.bin] [--faces 40] [--trained model.onnx:127:128,...]
 *                           [--calibrated r18,r50,r100] [--float64] [--no-peers] [--yes]
 *
 * `--faces`: for each seed others. `--calibrated`: these architectures with batch norms that are right for four of
 * the faces; a minute per face of an R100. `--float64`: one picture by `src/reference` too.
 */

import { parseArgs } from 'node:util';
import { compareUnit } from './lib/agree.mjs';
import { MODEL_NAMES } from './lib/models.mjs';
import { installPeers } from './lib/peers.mjs';
import { calibratedNetwork, seededNetwork, trainedNetwork } from './numerics/networks.mjs';
import { preparePictures, readFaces } from './numerics/pictures.mjs';

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: MODEL_NAMES.join() },
    seeds: { type: 'string', default: '1,2,3,4,5' },
    data: { type: 'string' },
    faces: { type: 'string', default: '40' },
    trained: { type: 'string', default: '' },
    calibrated: { type: 'string', default: '' },
    float64: { type: 'boolean', default: false },
    'no-peers': { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
  },
});
const CALIBRATION_FACES = 4;
const list = (text) => text.split(',').filter(Boolean);

if (!values['no-peers']) {
  await installPeers(values.yes).catch((error) => {
    console.error(`bench: ${error.message}`);
    process.exit(2);
  });
}
const images = values.data ? readFaces(values.data) : [];
const faceCount = Number(values.faces);
const seeds = list(values.seeds).map(Number);

const COLUMNS = ['median', 'p99', 'max', '1 - cos'];
console.log(
  [
    'network'.padEnd(22),
    'pictures'.padEnd(13),
    ...['direct', 'native'].map((of) => `against ${of}: ${COLUMNS.join(', ')}`),
  ].join('  '),
);

/** Differences by model and kind over all seeds, for the last lines. */
const totals = new Map();
for (const model of list(values.models)) {
  for (const seed of seeds) {
    const isTruthWanted = values.float64 && seed === seeds[0];
    await measure(model, await seededNetwork(model, seed), seed, isTruthWanted);
  }
}
for (const model of list(values.calibrated)) {
  for (const seed of seeds) {
    const [known] = await preparePictures(images, CALIBRATION_FACES, 0);
    const network = await calibratedNetwork(model, seed, known.faces);
    await measure(`${model} calibrated`, network, seed, values.float64);
  }
}
for (const spec of list(values.trained)) {
  await measure(spec, await trainedNetwork(spec), 0, values.float64);
}
console.log('\nall seeds of a network');
for (const { name, kind, direct, native } of totals.values()) print(name, kind, direct, native);

/** `turn`: which of the faces. */
async function measure(model, network, turn, isTruthWanted) {
  const pictures = await preparePictures(images, faceCount, turn);
  for (const { kind, faces } of pictures) {
    const found = { direct: [], native: [] };
    for (const face of faces) {
      const chosen = network.chosen(face);
      found.direct.push(compareUnit(chosen, network.direct(face)));
      if (network.native) found.native.push(compareUnit(chosen, await network.native(face)));
    }
    print(network.name, kind, found.direct, found.native);
    const key = `${model} ${kind}`;
    const total = totals.get(key) ?? { name: model, kind, direct: [], native: [] };
    total.direct.push(...found.direct);
    total.native.push(...found.native);
    totals.set(key, total);
  }
  if (isTruthWanted) await compareWithTruth(network, pictures[0].faces[0]);
  network.dispose();
}

async function compareWithTruth(network, face) {
  const { evaluateGraph } = await import('../dist/reference/evaluate.js');
  const { graph } = network;
  const truth = evaluateGraph(graph, network.normalised(face)).get(graph.output);
  const native = network.native && (await network.native(face));
  const rows = { direct: network.direct(face), chosen: network.chosen(face), native };
  for (const [name, embedding] of Object.entries(rows)) {
    if (!embedding) continue;
    const { maxDifference } = compareUnit(embedding, truth);
    console.log(`${network.name.padEnd(22)}  float64, ${name}: ${maxDifference.toExponential(1)}`);
  }
}

function print(name, kind, direct, native) {
  const label = [
    name.split('/').at(-1).slice(0, 22).padEnd(22),
    `${kind} ${direct.length}`.padEnd(13),
  ];
  console.log([...label, summary(direct), native.length > 0 ? summary(native) : ''].join('  '));
}

function summary(found) {
  const sorted = found.map(({ maxDifference }) => maxDifference).sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  const angle = Math.max(...found.map(({ cosine }) => 1 - cosine));
  return [at(0.5), at(0.99), sorted.at(-1), angle]
    .map((value) => value.toExponential(1).padStart(8))
    .join(' ');
}
