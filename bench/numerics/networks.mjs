/**
 * The networks of the table: an architecture with the weights of a seed, or a trained model's files. Each in
 * the `simd` kernels, directly and as the cost model chooses, and as native onnxruntime computes the ONNX.
 */

import { basename } from 'node:path';
import { openModelFiles } from '../../dist/cli/model-files.js';
import { convertModel } from '../../dist/convert/convert.js';
import { importOnnx } from '../../dist/formats/onnx/import.js';
import { synthesize } from '../../dist/synth/architectures.js';
import { onnxOfSynth } from '../../dist/synth/onnx.js';
import { loadPeer } from '../lib/peers.mjs';
import { variantsOf } from '../lib/variants.mjs';
import { calibrate } from './calibrate.mjs';

/** In memory: five seeds of five architectures as files would be 3 GB. */
export async function seededNetwork(name, seed) {
  const onnx = Buffer.concat([...onnxOfSynth(synthesize(name, seed), 'zoo')]);
  return networkOf(`${name} seed ${seed}`, importOnnx(onnx), {}, onnx);
}

/** The same with batch norms that are right for `faces`. */
export async function calibratedNetwork(name, seed, faces) {
  const imported = importOnnx(Buffer.concat([...onnxOfSynth(synthesize(name, seed), 'zoo')]));
  const graph = calibrate(imported.graph, faces);
  return networkOf(`${name} calibrated ${seed}`, { ...imported, graph }, {});
}

/** `spec`: a path, or path:mean:std where the graph wants its input normalised by the caller. */
export async function trainedNetwork(spec) {
  const [path, mean, std] = spec.split(':');
  const normalization = mean === undefined ? {} : { mean: Number(mean), std: Number(std) };
  const files = await openModelFiles(path);
  const { mean: m = 0, std: s = 1 } = normalization;
  const normalised = (face) => face.map((value) => (value - m) / s);
  const onnx = files.format === 'onnx' ? path : undefined;
  return networkOf(basename(path), files.import({}), normalization, onnx, normalised);
}

async function networkOf(name, imported, normalization, onnx, forPeer = (face) => face) {
  const source = { name, sha256: '0'.repeat(64) };
  const converted = convertModel(imported, { source, ...normalization });
  const file = Buffer.concat([converted.header, ...converted.chunks()]);
  const { variants, run } = variantsOf(file);
  const [direct, chosen] = variants;
  const peer = onnx && (await loadPeer('onnxruntime-node', onnx, 1));
  const engine = peer?.engine;
  return {
    name,
    graph: imported.graph,
    normalised: forPeer,
    direct: (face) => run(direct, face),
    chosen: (face) => run(chosen, face),
    /** Undefined where the peer is not installed or the model is no ONNX. */
    native: engine && ((face) => engine.run(forPeer(face))),
    skipped: peer?.skipped ?? (onnx ? undefined : 'no ONNX'),
    dispose: () => engine?.dispose(),
  };
}
