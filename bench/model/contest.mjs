/**
 * One model, one number of threads, one process: this engine and its peers run alternately on the
 * same ONNX and the same face. A process of its own, because onnxruntime-web fixes its threads once
 * and what one contest leaves in memory shall not touch the next. Sends its result to the parent.
 */

import { loadModel } from '../../dist/index.js';
import { isSameBits, requireAgreement } from '../lib/agree.mjs';
import { alternate, pairedRatio, summarise } from '../lib/measure.mjs';
import { seededFace } from '../lib/models.mjs';
import { loadPeer } from '../lib/peers.mjs';

const BATCHES = [1, 2, 4, 8, 16];
const OURS = 'arcface-wasm';
const RELAXED = `${OURS}, relaxed`;

async function contest({ files, threads, runs, peers, batches }) {
  const picture = seededFace();
  const ours = await loadOurs(files.weights, { threads });
  const single = threads > 1 ? await loadOurs(files.weights, { threads: 1 }) : undefined;
  const relaxed = threads === 1 ? await loadRelaxed(files.weights) : undefined;
  const rivals = [];
  for (const name of peers) rivals.push(await loadPeer(name, files.onnx, threads));
  const running = rivals.filter(({ engine }) => engine);
  const checks = await checkAll({ ours, single, relaxed }, running, picture);
  const contestants = [
    { name: OURS, run: () => ours.embed(faceOf(picture)) },
    ...(single ? [{ name: `${OURS}, 1 thread`, run: () => single.embed(faceOf(picture)) }] : []),
    ...(relaxed ? [{ name: RELAXED, run: () => relaxed.embed(faceOf(picture)) }] : []),
    ...running.map(({ name, engine }) => ({ name, run: () => engine.run(picture) })),
  ];
  const samples = await alternate(contestants, { rounds: runs, settled: threads > 1 });
  single?.dispose();
  relaxed?.dispose();
  for (const { engine } of running) await engine.dispose();
  const result = {
    model: files.name,
    threads,
    gotThreads: ours.info.threads,
    macs: ours.plan().layers.reduce((sum, layer) => sum + layer.macs, 0),
    rows: [...samples].map(([name, times]) =>
      rowOf(name, times, samples.get(OURS), rivals, checks),
    ),
    skipped: rivals
      .filter(({ skipped }) => skipped)
      .map(({ name, skipped }) => ({ name, skipped })),
    batches: batches ? await benchBatches(ours, runs) : undefined,
  };
  ours.dispose();
  return result;
}

function rowOf(name, times, ours, rivals, checks) {
  const rival = rivals.find((peer) => peer.name === name);
  return {
    name,
    version: rival?.version,
    loadMs: rival?.loadMs,
    agreement: checks.get(name),
    isTruth: name === rivals.find(({ engine }) => engine)?.name,
    timing: summarise(times),
    /** Its time / ours, paired by round. */
    ratio: pairedRatio(times, ours),
  };
}

async function loadOurs(weights, options) {
  const model = await loadModel(weights, options);
  if (model.info.threads !== options.threads) throw new Error(`${OURS}: ${model.info.reason}`);
  return model;
}

/** The relaxed build, or undefined in a runtime that has no relaxed SIMD. */
async function loadRelaxed(weights) {
  const model = await loadOurs(weights, { threads: 1, isa: 'relaxed' });
  if (model.info.isa === 'relaxed') return model;
  model.dispose();
  return undefined;
}

const faceOf = (data) => ({ data, layout: 'nchw', channels: 'rgb' });

/** All agree with the first peer, and more threads give the bits of one. */
async function checkAll({ ours, single, relaxed }, running, picture) {
  const checks = new Map();
  const embedding = await ours.embed(faceOf(picture));
  if (single && !isSameBits(embedding, await single.embed(faceOf(picture)))) {
    throw new Error(`${OURS}: ${ours.info.threads} threads give other bits than one`);
  }
  const relaxedEmbedding = await relaxed?.embed(faceOf(picture));
  if (relaxedEmbedding) requireAgreement(RELAXED, relaxedEmbedding, embedding);
  const [first, ...others] = running;
  if (!first) return checks;
  const expected = Float32Array.from(await first.engine.run(picture));
  checks.set(OURS, { with: first.name, ...requireAgreement(OURS, embedding, expected) });
  if (relaxedEmbedding) {
    const agreement = requireAgreement(RELAXED, relaxedEmbedding, expected);
    checks.set(RELAXED, { with: first.name, ...agreement });
  }
  for (const { name, engine } of others) {
    const agreement = requireAgreement(name, await engine.run(picture), expected);
    checks.set(name, { with: first.name, ...agreement });
  }
  return checks;
}

/** Milliseconds per face, batches of different length alternately; every batch gives single bits. */
async function benchBatches(model, runs) {
  const faces = Array.from({ length: Math.max(...BATCHES) }, (_, i) => faceOf(seededFace(i + 1)));
  const alone = [];
  for (const face of faces) alone.push(await model.embed(face));
  const contestants = [];
  for (const size of BATCHES) {
    const run = () => model.embedBatch(faces.slice(0, size));
    const together = await run();
    if (!together.every((embedding, i) => isSameBits(embedding, alone[i]))) {
      throw new Error(`${OURS}: a batch of ${size} gives other bits than its faces alone`);
    }
    contestants.push({ name: size, run });
  }
  const rounds = Math.max(1, Math.ceil(runs / 3));
  const samples = await alternate(contestants, { rounds, warmups: 1 });
  const perFace = BATCHES.map((size) => samples.get(size).map((ms) => ms / size));
  return BATCHES.map((size, i) => ({
    size,
    perFace: summarise(perFace[i]),
    ratio: pairedRatio(perFace[i], perFace[0]),
  }));
}

const result = await contest(JSON.parse(process.argv[2]));
process.send(result, () => process.exit(0));
