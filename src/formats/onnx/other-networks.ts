/**
 * Networks that lie beside a recognition network in the packs that people download, and are none: detectors,
 * landmarks, gender and age, face swappers. Receives the graph of an ONNX file; returns what it is, by its
 * inputs and outputs alone, or undefined.
 *
 * Source: deepinsight/insightface, python-package (buffalo_l, buffalo_m, buffalo_s, antelopev2).
 */

import type { OnnxGraph, OnnxValueInfo } from './model.ts';

/** Where to go from any of them. */
export const TAKE_INSTEAD =
  'take the recognition network of the pack: w600k_r50.onnx (buffalo_l, buffalo_m), w600k_mbf.onnx ' +
  '(buffalo_s), glintr100.onnx (antelopev2)';

/** Numbers per place of the picture: scores or classes, a box, five points. */
const DETECTOR_WIDTHS: ReadonlySet<number> = new Set([1, 2, 4, 10]);
const DETECTOR_NAMES = /bbox|box|rpn|anchor|landm|kps|loc|regress/i;

/** Networks with one vector as their output, by its length and by the side of their input. */
const VECTORS: readonly (readonly [length: number, side: number, what: string])[] = [
  [212, 192, 'a network of 106 landmarks (2d106det.onnx)'],
  [3309, 192, 'a network of 3D landmarks (1k3d68.onnx)'],
  [3, 96, 'a network of gender and age (genderage.onnx)'],
  [202, 112, 'a network of gender and age (genderage_v1.onnx)'],
];

export function otherNetwork(graph: OnnxGraph): string | undefined {
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  if (isSwapper(inputs)) return 'a face swapper (a picture and an embedding in, a picture out)';
  if (isDetector(graph.outputs))
    return `a face detector (${graph.outputs.length} outputs: scores, boxes, points)`;
  const side = inputs[0]?.dims?.[2];
  const [output, ...more] = graph.outputs;
  if (output === undefined || more.length > 0) return undefined;
  const length = lastOf(output);
  const known = VECTORS.find(([features, at]) => features === length && at === side);
  return known?.[2];
}

function isSwapper(inputs: readonly OnnxValueInfo[]): boolean {
  const ranks = inputs.map(({ dims }) => dims?.length).sort();
  return inputs.length === 2 && ranks[0] === 2 && ranks[1] === 4;
}

/** Boxes have four numbers; beside them stand scores, and points perhaps. */
function isDetector(outputs: readonly OnnxValueInfo[]): boolean {
  if (outputs.length < 2) return false;
  const widths = outputs.map(lastOf);
  const areKnown = widths.every((width) => width !== undefined && DETECTOR_WIDTHS.has(width));
  if (areKnown && widths.includes(4)) return true;
  return outputs.length >= 3 && outputs.filter(({ name }) => DETECTOR_NAMES.test(name)).length >= 2;
}

function lastOf({ dims }: OnnxValueInfo): number | undefined {
  return dims?.at(-1);
}
