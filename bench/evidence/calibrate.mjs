/** Batch norms of a seeded network given the memory of training: what they see of faces in a known form. */
import { evaluateNode } from '../../dist/reference/evaluate.js';

const SIDE = 112;

/** `crop`: RGBA. Planes of the network's own channels, (x - mean) / std. */
function pixelsOf(crop, { order, mean, std }) {
  const values = new Float64Array(3 * SIDE * SIDE);
  for (let c = 0; c < 3; c++) {
    const from = order === 'rgb' ? c : 2 - c;
    for (let p = 0; p < SIDE * SIDE; p++) {
      values[c * SIDE * SIDE + p] = (crop[4 * p + from] - mean[c]) / std[c];
    }
  }
  return values;
}

/**
 * The graph with its batch norms in front of the second convolution calibrated: mean and variance as `crops`
 * in `form` give them, gamma and beta as they were. Later ones stay as they are.
 */
export function calibrated(graph, form, crops) {
  const { name, shape } = graph.input;
  let values = { name, shape, of: crops.map((crop) => pixelsOf(crop, form)) };
  const known = new Map([[name, values]]);
  let convolutions = 0;
  const nodes = graph.nodes.map((node) => {
    values = known.get(node.inputs[0]);
    convolutions += node.op === 'conv' ? 1 : 0;
    if (!values || node.inputs.length > 1 || (node.op === 'conv' && convolutions > 1)) return node;
    const made = node.remembered ? withMemory(node, values) : node;
    const of = values.of.map((x) => evaluateNode(made, [x], values.shape));
    const channels = node.op === 'conv' ? node.weight.shape[0] : values.shape[0];
    const side = Math.sqrt(of[0].length / channels);
    known.set(node.name, { shape: [channels, side, side], of });
    return made;
  });
  return { ...graph, nodes };
}

function withMemory(node, { shape: [channels], of }) {
  const pixels = of[0].length / channels;
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    const planes = of.map((x) => x.subarray(c * pixels, (c + 1) * pixels));
    const total = (value) =>
      planes.reduce((sum, plane) => sum + plane.reduce((s, x) => s + value(x), 0), 0);
    mean[c] = total((x) => x) / (of.length * pixels);
    variance[c] = total((x) => (x - mean[c]) ** 2) / (of.length * pixels);
  }
  const before = node.remembered;
  const gamma = node.scale.map((s, c) => s * Math.sqrt(before.variance[c]));
  const beta = node.shift.map((t, c) => t + before.mean[c] * node.scale[c]);
  const scale = gamma.map((g, c) => g / Math.sqrt(variance[c] + 1e-12));
  const shift = beta.map((b, c) => b - mean[c] * scale[c]);
  return { ...node, scale, shift, remembered: { mean, variance } };
}
