/**
 * Whether an ONNX graph normalises its input itself: by InsightFace's rule, which looks at names,
 * or by what its first operators do. A batch norm does not count, for nets with external
 * normalisation may start with one.
 */

import type { OnnxNode } from './model.ts';

const PASSING = new Set(['Identity', 'Cast', 'Dropout', 'QuantizeLinear', 'DequantizeLinear']);
const SHIFTS = new Set(['Sub', 'Add']);
const SCALES = new Set(['Mul', 'Div']);

/** `live` are those of `nodes` that the output needs, in the same order. */
export function normalizesInput(
  nodes: readonly OnnxNode[],
  live: readonly OnnxNode[],
  input: string,
): boolean {
  return byNames(nodes) || byOperators(live, input);
}

/** Source: python-package/insightface/model_zoo/arcface_onnx.py. */
function byNames(nodes: readonly OnnxNode[]): boolean {
  const starts = (count: number, ...words: string[]): boolean =>
    nodes.slice(0, count).some(({ name }) => words.some((word) => name.startsWith(word)));
  const isBatchNormOfData = nodes.slice(0, 3).some(({ name }) => name === 'bn_data');
  return isBatchNormOfData || (starts(8, 'Sub', '_minus') && starts(8, 'Mul', '_mul'));
}

/** Follows the input through shifts and scales up to the first other operator. */
function byOperators(live: readonly OnnxNode[], input: string): boolean {
  let value = input;
  let shifts = false;
  let scales = false;
  for (const { opType, inputs, outputs } of live) {
    if (!inputs.includes(value)) continue;
    if (SHIFTS.has(opType)) shifts = true;
    else if (SCALES.has(opType)) scales = true;
    else if (!PASSING.has(opType)) break;
    value = outputs[0] ?? '';
  }
  return shifts && scales;
}
