/**
 * The networks and the face that all contestants get: synthetic weights (speed and exactness need
 * no others), written once to weights/cache/ as ONNX and as this engine's weights.
 */

import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export const MODEL_NAMES = ['r18', 'r34', 'r50', 'r100', 'mobilefacenet'];
export const DTYPES = ['f32', 'f16', 'q8'];
const SEED = 1;
const CACHE = fileURLToPath(new URL('../../weights/cache/', import.meta.url));

/** The file's paths, made if they are not there yet. */
export async function prepareModel(name, dtype = 'f32') {
  const onnx = `${CACHE}${name}-seed${SEED}.onnx`;
  const weights = weightsPath(`${name}-seed${SEED}`, dtype);
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(onnx)) await synthesise(name, onnx);
  if (!existsSync(weights) || !(await isReadable(weights))) await convert(onnx, weights, { dtype });
  return { name, onnx, weights };
}

const TRAINED = '../../node_modules/faceplugin-face-recognition-js/model/fr_feature.onnx';

/** The trained network of the development dependencies, which takes (x - 127) / 128 of BGR. */
export async function prepareTrained(dtype) {
  const weights = weightsPath('fr_feature', dtype);
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(weights) || !(await isReadable(weights))) {
    const onnx = fileURLToPath(new URL(TRAINED, import.meta.url));
    const channels = (value) => [value, value, value];
    await convert(onnx, weights, {
      dtype,
      trainedOn: 'bgr',
      mean: channels(127),
      std: channels(128),
    });
  }
  return { name: 'fr_feature', weights };
}

function weightsPath(name, dtype) {
  return `${CACHE}${name}${dtype === 'f32' ? '' : `-${dtype}`}.safetensors`;
}

async function synthesise(name, path) {
  console.error(`making ${name} (seed ${SEED}) ...`);
  const { synthesize } = await import('../../dist/synth/architectures.js');
  const { onnxOfSynth } = await import('../../dist/synth/onnx.js');
  await write(path, onnxOfSynth(synthesize(name, SEED), 'zoo'));
}

async function convert(onnx, path, options) {
  console.error(`converting ${onnx} ...`);
  const { openModelFiles } = await import('../../dist/cli/model-files.js');
  const { convertModel } = await import('../../dist/convert/convert.js');
  const files = await openModelFiles(onnx);
  const source = { name: files.sourceName, sha256: files.sourceSha256 };
  const converted = convertModel(files.import({}), { source, ...options });
  await write(path, [converted.header], converted.chunks());
}

/** A file is there completely or not at all. */
async function write(path, ...parts) {
  const file = await open(`${path}.part`, 'w');
  try {
    for (const part of parts) for (const piece of part) await file.writeFile(piece);
  } finally {
    await file.close();
  }
  renameSync(`${path}.part`, path);
}

/** A cache of an older format is made again. */
async function isReadable(path) {
  try {
    await readNetwork(path);
    return true;
  } catch {
    return false;
  }
}

/** The folded network of a weights file and the shape of each of its values. */
export async function readNetwork(path) {
  const { headerBytesNeeded, parseWeightsHeader } = await import(
    '../../dist/formats/safetensors.js'
  );
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const first = new Uint8Array(8);
    await file.read(first, 0, 8, 0);
    const bytes = new Uint8Array(headerBytesNeeded(first, size));
    await file.read(bytes, 0, bytes.length, 0);
    const { network, shapes } = parseWeightsHeader(bytes, size);
    return { network, shapes };
  } finally {
    await file.close();
  }
}

/** A seeded picture, [1, 3, 112, 112] RGB, whole numbers 0..255: smooth shapes under noise. */
export function seededFace(seed = 1) {
  const data = new Float32Array(3 * 112 * 112);
  let state = seed >>> 0;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const x = i % 112;
    const y = Math.floor(i / 112) % 112;
    const wave = Math.sin((x + seed) / 9) * Math.cos(y / 13 + Math.floor(i / 12544));
    data[i] = Math.round(127.5 + 80 * wave + 47 * (state / 2 ** 31 - 1));
  }
  return data;
}
