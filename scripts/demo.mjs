/**
 * The demo: finds and aligns the faces of real photographs, embeds them with a trained network,
 * prints who matches whom, times the full R100 on seeded weights, and writes demo/index.html.
 *
 *   npm run demo
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { OPEN_MODEL_ZOO } from '../dist/cli/thresholds.js';
import { cosineSimilarity, loadModel } from '../dist/index.js';
import { collectFaces } from './demo/faces.mjs';
import { renderPage } from './demo/page.mjs';

const startedAt = performance.now();
process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const PHOTOS = [1, 2, 3, 4, 5, 6].map(
  (k) => `node_modules/@vladmandic/face-api/demo/sample${k}.jpg`,
);
const TRAINED = {
  source: 'node_modules/faceplugin-face-recognition-js/model/fr_feature.onnx',
  weights: 'weights/faceplugin-mobilefacenet-bgr.safetensors',
  // Of LFW's first five folds it gets 98.53 % right in BGR, 98.10 % in RGB.
  options: ['--mean', '127', '--std', '128', '--trained-on', 'bgr'],
};
const R100 = {
  onnx: 'weights/cache/r100-seed1.onnx',
  weights: 'weights/cache/r100-seed1.safetensors',
};

function say(text) {
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}`);
}

/** In a process of its own, so that the detectors' messages are answered meanwhile. */
function cli(...args) {
  return promisify(execFile)(process.execPath, ['dist/cli/main.js', ...args]);
}

/** Both weights files, made on first use. */
async function prepareWeights() {
  mkdirSync('weights/cache', { recursive: true });
  if (!existsSync(TRAINED.weights)) {
    say(`converting ${TRAINED.source}`);
    await cli('convert', TRAINED.source, '-o', TRAINED.weights, ...TRAINED.options);
  }
  if (!existsSync(R100.weights)) {
    say('synthesising R100 with seeded weights (261 MB) and converting it');
    if (!existsSync(R100.onnx)) await cli('synth', 'r100', '--seed', '1', '-o', R100.onnx);
    await cli('convert', R100.onnx, '-o', R100.weights);
  }
}

/** Embeddings of all crops, and the median ms of one, after a first run that warms up. */
async function embedAll({ weights }, faces) {
  const model = await loadModel(weights);
  const crops = faces.map(({ crop }) => crop);
  try {
    await model.embed(crops[0]);
    const times = [];
    const embeddings = [];
    for (const crop of crops) {
      const start = performance.now();
      embeddings.push(await model.embed(crop));
      times.push(performance.now() - start);
    }
    return {
      embeddings,
      ms: median(times),
      layers: await profile(model, crops[0]),
      info: model.info,
    };
  } finally {
    model.dispose();
  }
}

/** Layers with the median ms of a few runs: in a single one, other programs leave their marks. */
async function profile(model, crop) {
  const runs = [];
  for (let run = 0; run < 5; run++) {
    await model.embed(crop, { profile: true });
    runs.push(model.profile);
  }
  return runs[0].map((layer, i) => ({ ...layer, ms: median(runs.map((layers) => layers[i].ms)) }));
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function cosinesOf(embeddings) {
  return embeddings.map((a) => embeddings.map((b) => cosineSimilarity(a, b)));
}

/** Faces connected by pairs at or above the threshold; groups of one are left out. */
function groupFaces(cosines, threshold) {
  const group = cosines.map((_, i) => i);
  const rootOf = (i) => (group[i] === i ? i : rootOf(group[i]));
  cosines.forEach((row, i) => {
    row.forEach((cosine, j) => {
      if (j < i && cosine >= threshold) group[rootOf(i)] = rootOf(j);
    });
  });
  const members = new Map();
  group.forEach((_, i) => {
    members.set(rootOf(i), [...(members.get(rootOf(i)) ?? []), i]);
  });
  return [...members.values()].filter((indices) => indices.length > 1);
}

function printMatches(faces, cosines, threshold) {
  console.log('\nface  photograph    best match  cosine   verdict');
  faces.forEach(({ label, photo }, i) => {
    const [best] = cosines[i]
      .map((cosine, j) => ({ cosine, j }))
      .filter(({ j }) => j !== i)
      .sort((a, b) => b.cosine - a.cosine);
    const verdict = best.cosine >= threshold.cosine ? 'same person' : '-';
    console.log(
      `${label.padEnd(6)}${photo.padEnd(14)}${faces[best.j].label.padEnd(12)}${best.cosine.toFixed(4).padStart(7)}  ${verdict}`,
    );
  });
  console.log(
    `\nThreshold ${threshold.cosine}: ${threshold.source} (${threshold.stated}), published for ${threshold.model};\n` +
      'this small network has none of its own, so it is a rough guide.\n',
  );
}

const [faces] = await Promise.all([
  collectFaces(PHOTOS, (done, all) => say(`faces found in ${done} of ${all} photographs`)),
  prepareWeights(),
]);
say(`${faces.length} faces aligned to 112x112`);

const trained = await embedAll(TRAINED, faces);
const cosines = cosinesOf(trained.embeddings);
printMatches(faces, cosines, OPEN_MODEL_ZOO);
say(`trained MobileFaceNet: ${trained.ms.toFixed(1)} ms per face`);

const r100 = await embedAll(R100, faces);
say(`R100: ${r100.ms.toFixed(0)} ms per face, ${r100.info.isa}, ${r100.info.threads} thread(s)`);
say('R100 runs on seeded random weights: its vectors mean nothing, only its time does');

const pairs = cosinesOf(r100.embeddings).flatMap((row, i) => row.filter((_, j) => j < i));
mkdirSync('demo', { recursive: true });
const page = join('demo', 'index.html');
writeFileSync(
  page,
  renderPage({
    faces,
    photos: PHOTOS.length,
    cosines,
    groups: groupFaces(cosines, OPEN_MODEL_ZOO.cosine),
    threshold: OPEN_MODEL_ZOO,
    trained: { ms: trained.ms, isa: trained.info.isa, threads: trained.info.threads },
    r100: { ms: r100.ms, layers: r100.layers, low: Math.min(...pairs), high: Math.max(...pairs) },
  }),
);
say(`wrote ${page}`);
