/** What a refused node is told with: the nearest operator, what to do about its domain, the vector before it. */

import type { ArcfaceError } from '../../errors.ts';
import { unknownOperator } from '../refusal.ts';
import { isFlat, isOnePixel } from './activation.ts';
import type { OnnxContext } from './context.ts';
import { usesOf } from './live.ts';
import type { OnnxNode } from './model.ts';
import type { Value } from './values.ts';

export function unreadOperator(node: OnnxNode, supported: readonly string[]): ArcfaceError {
  return unknownOperator({
    format: 'ONNX',
    operator: node.opType,
    domain: node.domain || 'ai.onnx',
    node: node.name || (node.outputs[0] ?? ''),
    supported: [...new Set(supported)].sort(),
    advice: adviceFor(node),
  });
}

/** Operators that tools leave in files which were meant for them alone. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /^com\.microsoft\.nchwc|^com\.ms\.|^com\.microsoft$/,
    'onnxruntime wrote this file for one machine; save it with its basic optimisation level ' +
      '(SessionOptions.graph_optimization_level = ORT_ENABLE_BASIC), or take the file before that',
  ],
  [
    /^org\.pytorch|^aten$|^prim$/,
    'export it with operator_export_type ONNX, without fallback to ATen',
  ],
];

function adviceFor({ domain }: OnnxNode): string | undefined {
  return ADVICE.find(([pattern]) => pattern.test(domain))?.[1];
}

/** The nearest value before `node` that could be an embedding, by its name in the file. */
export function vectorBefore(
  node: OnnxNode,
  producers: ReadonlyMap<string, OnnxNode>,
  context: OnnxContext,
): string | undefined {
  const seen = new Set<string>();
  for (let names = usesOf(node); names.length > 0; ) {
    const vector = names.find((name) => isVector(context.get(name)));
    if (vector !== undefined) return vector;
    names = names.flatMap((name) => producers.get(name)?.inputs ?? []);
    names = [...new Set(names)].filter((name) => name && !seen.has(name));
    for (const name of names) seen.add(name);
  }
  return undefined;
}

function isVector(value: Value | undefined): boolean {
  if (value?.kind !== 'activation' || value.integers || value.border) return false;
  return isOnePixel(value) && value.extents[0] > 1 && isFlat(value);
}
