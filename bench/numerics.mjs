/**
 * What each way of computing R100's 3x3 convolutions costs in accuracy: the whole network in the
 * `simd` kernels against the float64 reference, on one face. Not a timing.
 *
 *   node bench/numerics.mjs [--model r100]
 */
import { readFileSync } from 'node:fs';
import { importOnnx } from '../dist/formats/onnx/import.js';
import { cosineSimilarity, l2Normalize } from '../dist/index.js';
import { evaluateGraph } from '../dist/reference/evaluate.js';
import { prepareModel } from './lib/models.mjs';
import { prepareVariants } from './lib/variants.mjs';

const at = process.argv.indexOf('--model');
const { name, onnx, weights } = await prepareModel(at < 0 ? 'r100' : process.argv[at + 1]);
const face = Float32Array.from({ length: 3 * 112 * 112 }, (_, i) => 128 + 100 * Math.sin(i / 37));
const { graph } = importOnnx(readFileSync(onnx));
console.error('float64 reference, about 20 s for r100 ...');
const truth = l2Normalize(evaluateGraph(graph, face).get(graph.output));

console.log(`${name}: unit embedding against float64`);
const { variants, run } = prepareVariants(weights);
for (const variant of variants) {
  const embedding = l2Normalize(run(variant, face));
  let most = 0;
  for (let i = 0; i < truth.length; i++) most = Math.max(most, Math.abs(embedding[i] - truth[i]));
  const angle = 1 - cosineSimilarity(embedding, truth);
  console.log(
    `${variant.name.padEnd(10)} max |difference| ${most.toExponential(1)}   1 - cosine ${angle.toExponential(0)}`,
  );
}
