/**
 * One network in several dtypes, in one process: single faces, then batches of 8, alternately. Every
 * embedding is finite and close to that of the first file before a clock counts, and a batch gives the bits of its
 * faces alone. Sends its rows to the parent.
 */

import { cosineSimilarity, loadModel } from '../../dist/index.js';
import { isSameBits } from '../lib/agree.mjs';
import { alternate, pairedRatio, summarise } from '../lib/measure.mjs';
import { seededFace } from '../lib/models.mjs';

/** What rounding weights leaves of the cosine to f32, at least. */
const LEAST_COSINE = { f32: 0.999999, f16: 0.9995, q8: 0.9985 };
const BATCH = 8;

const { files, threads, runs } = JSON.parse(process.argv[2]);
const faces = Array.from({ length: BATCH }, (_, i) => ({
  data: seededFace(i + 1),
  layout: 'nchw',
  channels: 'rgb',
}));

const models = [];
for (const { dtype, path } of files)
  models.push({ dtype, model: await loadModel(path, { threads }) });
const embeddings = await Promise.all(models.map(({ model }) => model.embedBatch(faces)));
const cosines = [];
for (const [i, { dtype, model }] of models.entries()) {
  const alone = await model.embed(faces[0]);
  if (!isSameBits(alone, embeddings[i][0])) throw new Error(`${dtype}: a batch gives other bits`);
  const each = embeddings[i].map((embedding, n) => cosineSimilarity(embedding, embeddings[0][n]));
  const mean = each.reduce((sum, one) => sum + one, 0) / each.length;
  if (!(mean >= LEAST_COSINE[dtype])) throw new Error(`${dtype}: cosine to f32 is ${mean}`);
  cosines.push(mean);
}

async function measure(rounds, run) {
  const contestants = models.map(({ dtype, model }) => ({ name: dtype, run: () => run(model) }));
  const samples = await alternate(contestants, { rounds, settled: threads > 1 });
  return models.map(({ dtype }) => samples.get(dtype));
}

const single = await measure(runs, (model) => model.embed(faces[0]));
const batch = await measure(Math.ceil(runs / 3), (model) => model.embedBatch(faces));
const rows = models.map(({ dtype }, i) => ({
  dtype,
  cosine: cosines[i],
  timing: summarise(single[i]),
  ratio: pairedRatio(single[i], single[0]),
  batchRatio: pairedRatio(batch[i], batch[0]),
}));
for (const { model } of models) await model.dispose();
process.send(rows, () => process.exit(0));
