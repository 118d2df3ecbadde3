/** Small MXNet files for tests of single operators, and what an imported one computes. */

import type { Imported } from '../../src/formats/imported.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { concatenate } from './synth-graph.ts';

export type Attributes = Record<string, string>;
export type Input = number | readonly [number, number];

/** symbol.json of `nodes` ([op, name, input ids, attributes]); the last one is the head. */
export function symbolOf(
  ...nodes: readonly (readonly [string, string, (readonly Input[])?, Attributes?])[]
): Uint8Array {
  const list = nodes.map(([op, name, inputs = [], attrs = {}]) => {
    const entries = inputs.map((input) => (typeof input === 'number' ? [input, 0] : input));
    return { op, name, inputs: entries, attrs };
  });
  return new TextEncoder().encode(JSON.stringify({ nodes: list, heads: [[list.length - 1, 0]] }));
}

/** V1 .params of named f32 arrays. */
export function paramsOf(
  arrays: Record<string, { shape: number[]; values: number[] }>,
): Uint8Array {
  const entries = Object.entries(arrays);
  const parts: Uint8Array[] = [];
  const words = (...values: number[]): void => {
    parts.push(new Uint8Array(Uint32Array.from(values).buffer));
  };
  words(0x112, 0, 0, 0, entries.length, 0);
  for (const [, { shape, values }] of entries) {
    words(0xf993fac8, shape.length, ...shape.flatMap((n) => [n, 0]), 1, 0, 0);
    parts.push(new Uint8Array(Float32Array.from(values).buffer));
  }
  words(entries.length, 0);
  for (const [name] of entries) {
    const bytes = new TextEncoder().encode(name);
    words(bytes.length, 0);
    parts.push(bytes);
  }
  return concatenate(parts);
}

export const vector = (...values: number[]): { shape: number[]; values: number[] } => {
  return { shape: [values.length], values };
};
export const nothing = paramsOf({});
/** Value of the output at the first pixel of each channel, for an input of 1, 2, 3 by channel. */
export function firstPixels(imported: Imported): number[] {
  const input = Float32Array.from({ length: 3 * 112 * 112 }, (_, i) => 1 + Math.floor(i / 12544));
  const output = evaluateGraph(imported.graph, input).get(imported.graph.output) as Float64Array;
  const pixelsPerChannel = output.length / 3;
  return [0, 1, 2].map((c) => output[c * pixelsPerChannel] as number);
}
