/**
 * Batch norms that are right for faces: every one of a graph is set, in the order of the network, to the mean
 * and variance that its input has over some faces, with scale 1 and shift 0, as after the first steps of a
 * training. In float64; a minute per face of an R100.
 */

import { inferShapes } from '../../dist/graph/shapes.js';
import { evaluateNode } from '../../dist/reference/evaluate.js';

const EPS = 1e-5;

/** `faces`: NCHW, 0 to 255. Affines without running statistics, such as the input's, stay. */
export function calibrate(graph, faces) {
  const shapes = inferShapes(graph);
  const values = new Map([[graph.input.name, faces.map((face) => Float64Array.from(face))]]);
  const nodes = graph.nodes.map((node, i) => {
    const inputs = node.inputs.map((name) => values.get(name));
    const shape = shapes.get(node.inputs[0]);
    const set = node.remembered ? { ...node, ...normOf(inputs[0], shape[0]) } : node;
    const outputs = faces.map((_, n) =>
      evaluateNode(
        set,
        inputs.map((own) => own[n]),
        shape,
      ),
    );
    values.set(node.name, outputs);
    for (const name of node.inputs) {
      if (!graph.nodes.slice(i + 1).some((later) => later.inputs.includes(name)))
        values.delete(name);
    }
    return set;
  });
  return { ...graph, nodes };
}

/** Scale and shift that give each of `channels` mean 0 and variance 1 over all pictures. */
function normOf(pictures, channels) {
  const [scale, shift] = [new Float64Array(channels), new Float64Array(channels)];
  const pixels = pictures[0].length / channels;
  for (let c = 0; c < channels; c++) {
    let [sum, squares] = [0, 0];
    for (const picture of pictures) {
      for (let i = c * pixels; i < (c + 1) * pixels; i++) {
        sum += picture[i];
        squares += picture[i] ** 2;
      }
    }
    const count = pixels * pictures.length;
    const mean = sum / count;
    scale[c] = 1 / Math.sqrt(squares / count - mean ** 2 + EPS);
    shift[c] = -mean * scale[c];
  }
  return { scale, shift };
}
