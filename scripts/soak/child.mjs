/**
 * One row of the soak: node --expose-gc child.mjs <embeddings|cycles> <count> <threads> [leak]. Prints JSON.
 * Memory is read after a collection at both ends, and as it is in between.
 */

import { convertModel } from '../../dist/convert/convert.js';
import { importOnnx } from '../../dist/formats/onnx/import.js';
import { loadModel } from '../../dist/index.js';
import { resNet, synthesize } from '../../dist/synth/architectures.js';
import { onnxOfSynth } from '../../dist/synth/onnx.js';

const [kind, countText, threadsText, leak] = process.argv.slice(2);
const [count, threads] = [Number(countText), Number(threadsText)];
const MB = 2 ** 20;
const SIDE = 112;
/** A tenth of all, and enough that compilers and pools are done growing. */
const WARM_UP = { embeddings: Math.max(500, count / 10), cycles: Math.max(10, count / 10) };
/** Faces that are queued at once, as a server's are. */
const AT_ONCE = 16;
const SETTLE_MS = 500;

function weightsOf(model) {
  const imported = importOnnx(Buffer.concat([...onnxOfSynth(model, 'zoo')]));
  const source = { name: 'soak.onnx', sha256: '0'.repeat(64) };
  const converted = convertModel(imported, { source });
  return new Uint8Array(Buffer.concat([converted.header, ...converted.chunks()]));
}

const face = {
  data: Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 31) % 256),
  width: SIDE,
  height: SIDE,
  channels: 'rgb',
};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resident, in MB, when nothing is left that could be let go of. */
async function settled() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await pause(SETTLE_MS / 3);
  }
  return process.memoryUsage.rss() / MB;
}

let peakMb = 0;
const look = () => {
  peakMb = Math.max(peakMb, process.memoryUsage.rss() / MB);
};

/** Single faces that overlap, batches with mirrored passes, and calls that are aborted. */
async function embedMany(model, total) {
  for (let done = 0, round = 0; done < total; round++) {
    const single = Array.from({ length: AT_ONCE }, () => model.embed(face));
    const controller = new AbortController();
    const dropped = model.embed(face, { signal: controller.signal }).catch(() => undefined);
    controller.abort();
    const batch = round % 8 === 0 ? model.embedBatch([face, face, face], { flip: true }) : [];
    await Promise.all([...single, dropped, batch]);
    done += AT_ONCE + (round % 8 === 0 ? 3 : 0);
    look();
  }
}

async function embeddings() {
  const spec = { units: [1, 2, 1, 1], channels: [4, 4, 8, 8, 12], embedding: 16 };
  const model = await loadModel(weightsOf(resNet('tiny', spec, 7)), { threads });
  await embedMany(model, WARM_UP.embeddings);
  const baseMb = await settled();
  await embedMany(model, count);
  const endMb = await settled();
  await model.dispose();
  return { baseMb, endMb };
}

async function cycles() {
  const weights = weightsOf(synthesize('mobilefacenet', 1));
  const kept = [];
  const cycle = async () => {
    const model = await loadModel(weights, { threads });
    await model.embed(face);
    if (leak) kept.push(model);
    else await model.dispose();
    look();
  };
  for (let i = 0; i < WARM_UP.cycles; i++) await cycle();
  const baseMb = await settled();
  for (let i = 0; i < count; i++) await cycle();
  const endMb = await settled();
  await Promise.all(kept.map((model) => model.dispose()));
  return { baseMb, endMb };
}

const start = performance.now();
const { baseMb, endMb } = await { embeddings, cycles }[kind]();
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ count, baseMb, peakMb, endMb, seconds }));
