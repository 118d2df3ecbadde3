/**
 * Pictures that stand for faces where none may be: smooth, of skin's colours, with edges; and their noise.
 */

import type { AffineNode, Graph, RunningStatistics } from '../../src/graph/graph.ts';
import type { ChannelOrder, Normalization } from '../../src/graph/preprocessing.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { mulberry32 } from './graphs.ts';

const SIDE = 112;

/** RGBA, 112x112: a few soft blobs of one colour each, on a ground. */
export function pretendFaces(count: number, seed = 1): Float64Array[] {
  const random = mulberry32(seed);
  return Array.from({ length: count }, () => {
    const blobs = Array.from({ length: 12 }, () => ({
      y: SIDE * random(),
      x: SIDE * random(),
      size: 3 + 25 * random(),
      colour: [220 * random() - 60, 170 * random() - 60, 150 * random() - 60],
    }));
    return Float64Array.from({ length: 4 * SIDE * SIDE }, (_, at) => {
      const [p, c] = [at >> 2, at & 3];
      const value = blobs.reduce((sum, { y, x, size, colour }) => {
        const distance = ((p / SIDE - y) ** 2 + ((p % SIDE) - x) ** 2) / size ** 2;
        return sum + (colour[c] ?? 0) / (1 + distance ** 4);
      }, [130, 100, 80, 255][c] as number);
      return Math.min(255, Math.max(0, value + 4 * random() - 2));
    });
  });
}

export function noisePictures(count: number, seed = 1): Float64Array[] {
  const random = mulberry32(seed);
  return Array.from({ length: count }, () =>
    Float64Array.from({ length: 4 * SIDE * SIDE }, () => Math.floor(256 * random())),
  );
}

export interface Form extends Normalization {
  readonly order: ChannelOrder;
}

/** [3, 112, 112] as a network gets it: (x - mean) / std of its own channels. */
export function inputOf(picture: ArrayLike<number>, { order, mean, std }: Form): Float64Array {
  return Float64Array.from({ length: 3 * SIDE * SIDE }, (_, at) => {
    const c = Math.floor(at / SIDE / SIDE);
    const from = order === 'rgb' ? c : 2 - c;
    const value = picture[4 * (at % (SIDE * SIDE)) + from] as number;
    return (value - (mean[c] as number)) / (std[c] as number);
  });
}

/** Mean and variance of every channel of `value`, by running all pictures through the graph in float64. */
export function seenAt(
  graph: Graph,
  value: string,
  pictures: readonly ArrayLike<number>[],
  form: Form,
): RunningStatistics {
  const runs = pictures.map((picture) => {
    const before = graph.nodes.findIndex(({ name }) => name === value) + 1;
    const nodes = graph.nodes.slice(0, before);
    return evaluateGraph({ ...graph, nodes, output: value }, inputOf(picture, form)).get(
      value,
    ) as Float64Array;
  });
  const user = graph.nodes.find(
    (node): node is AffineNode => node.op === 'affine' && node.inputs[0] === value,
  );
  const channels = user?.scale.length ?? 3;
  const pixels = (runs[0] as Float64Array).length / channels;
  const planes = (c: number): Float64Array[] =>
    runs.map((run) => run.subarray(c * pixels, (c + 1) * pixels));
  const average = (c: number, of: (value: number) => number): number =>
    planes(c).reduce((sum, plane) => sum + plane.reduce((s, x) => s + of(x), 0), 0) /
    (runs.length * pixels);
  const mean = Float64Array.from({ length: channels }, (_, c) => average(c, (x) => x));
  const variance = mean.map((m, c) => average(c, (x) => (x - m) ** 2));
  return { mean, variance };
}

/** The graph whose batch norm of that name remembers what `pictures` gave it. */
export function trainedOn(
  graph: Graph,
  norm: string,
  pictures: readonly ArrayLike<number>[],
  form: Form,
): Graph {
  const nodes = graph.nodes.map((node) => {
    if (node.name !== norm || node.op !== 'affine') return node;
    return { ...node, remembered: seenAt(graph, node.inputs[0] as string, pictures, form) };
  });
  return { ...graph, nodes };
}
