/** Runs described ONNX graphs in float64 on one seeded picture, [3, 8, 8]. */

import { expect } from 'vitest';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import type { OnnxFile, OnnxFileNode, OnnxFileTensor } from '../../src/formats/onnx/write.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { mulberry32, uniform } from './graphs.ts';
import { onnxFile } from './onnx-files.ts';
import { messageOf } from './outcome.ts';

export const x = Float32Array.from(uniform(mulberry32(11), 3 * 64));

/** The value of the last node. */
export function run(
  nodes: readonly OnnxFileNode[],
  tensors: readonly OnnxFileTensor[] = [],
  options: Partial<OnnxFile> = {},
): Float64Array {
  const { graph } = importOnnx(onnxFile(nodes, tensors, options));
  return evaluateGraph(graph, x).get(graph.output) as Float64Array;
}

/** 'read' or the message of the refusal. */
export function refusal(
  nodes: readonly OnnxFileNode[],
  tensors: readonly OnnxFileTensor[] = [],
  options: Partial<OnnxFile> = {},
): string {
  return messageOf(() => importOnnx(onnxFile(nodes, tensors, options)));
}

export function near(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) expect(got[i]).toBeCloseTo(expected[i] as number, 5);
}

/** The picture with `f` of every value and its channel. */
export function each(f: (value: number, channel: number) => number): Float64Array {
  return Float64Array.from(x, (value, i) => f(value, Math.floor(i / 64)));
}
