/**
 * What computing R100's 3x3 convolutions by Winograd costs in accuracy: the whole network in the `simd`
 * kernels, one face against the float64 reference, pictures of many kinds against direct convolution.
 * Not a timing.
 *
 *   node bench/numerics.mjs [--model r100]
 */
import { readFileSync } from 'node:fs';
import { importOnnx } from '../dist/formats/onnx/import.js';
import { cosineSimilarity, l2Normalize } from '../dist/index.js';
import { evaluateGraph } from '../dist/reference/evaluate.js';
import { prepareModel, seededFace } from './lib/models.mjs';
import { prepareVariants } from './lib/variants.mjs';

const SIDE = 112;

const planes = (value) =>
  Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) =>
    value(Math.floor(i / SIDE / SIDE), Math.floor(i / SIDE) % SIDE, i % SIDE),
  );
/** Squares of alternating black and white: the hardest pictures for Winograd that were found. */
const checkers = (size) => (_, y, x) => ((Math.floor(y / size) + Math.floor(x / size)) % 2) * 255;

const PICTURES = {
  ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`noise ${i}`, seededFace(i)])),
  waves: planes((c, y, x) => 128 + 100 * Math.sin((c * SIDE * SIDE + y * SIDE + x) / 37)),
  gradient: planes((c, y, x) => [x, y, (x + y) / 2][c] * 2.29),
  grey: planes(() => 128),
  ...Object.fromEntries(
    [1, 2, 3, 5, 7, 9, 16].map((size) => [`checkers ${size}`, planes(checkers(size))]),
  ),
};

function difference(a, b) {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

const at = process.argv.indexOf('--model');
const { name, onnx, weights } = await prepareModel(at < 0 ? 'r100' : process.argv[at + 1]);
const { graph } = importOnnx(readFileSync(onnx));
const { variants, run } = prepareVariants(weights);
const [direct, chosen] = variants;

console.error('float64 reference, about 20 s for r100 ...');
const truth = l2Normalize(evaluateGraph(graph, PICTURES.waves).get(graph.output));
console.log(`${name}: unit embedding of one picture against float64`);
for (const variant of variants) {
  const embedding = l2Normalize(run(variant, PICTURES.waves));
  const angle = 1 - cosineSimilarity(embedding, truth);
  const most = difference(embedding, truth).toExponential(1);
  console.log(
    `${variant.name.padEnd(12)} max |difference| ${most}   1 - cosine ${angle.toExponential(0)}`,
  );
}

console.log(
  `\n${name}: by Winograd against direct convolution, max |difference| of unit embeddings`,
);
const groups = new Map();
for (const [picture, values] of Object.entries(PICTURES)) {
  const [a, b] = [direct, chosen].map((variant) => l2Normalize(run(variant, values)));
  const kind = picture.split(' ')[0];
  groups.set(kind, [...(groups.get(kind) ?? []), difference(a, b)]);
}
for (const [kind, found] of groups) {
  const sorted = found.sort((a, b) => a - b);
  const [median, most] = [sorted[sorted.length >> 1], sorted.at(-1)];
  const count = String(sorted.length).padStart(3);
  console.log(
    `${kind.padEnd(10)} ${count}  median ${median.toExponential(1)}  most ${most.toExponential(1)}`,
  );
}
