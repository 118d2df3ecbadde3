/**
 * The graph's one input: which it is, what the file says of its size, and in which order it has channels,
 * rows and columns. Receives the nodes that count; refuses graphs with several inputs and other ranks.
 */

import { ArcfaceError } from '../../errors.ts';
import { FACE_SHAPE } from '../../graph/graph.ts';
import { describe, elementsOf, expect } from '../../graph/limits.ts';
import { activationOf, permutedActivation } from './activation.ts';
import { usesOf } from './live.ts';
import type { OnnxGraph, OnnxNode, OnnxValueInfo } from './model.ts';
import type { Activation } from './values.ts';

export interface GraphInput {
  readonly name: string;
  /** [C, H, W]. */
  readonly shape: readonly [number, number, number];
  readonly value: Activation;
  readonly statedBatch: number | undefined;
  readonly notes: readonly string[];
}

/** The one graph input that is no initializer; files before IR 4 list initializers as inputs. */
export function inputInfo(graph: OnnxGraph, live: readonly OnnxNode[]): OnnxValueInfo {
  const used = new Set(live.flatMap(usesOf));
  const candidates = graph.inputs.filter(
    ({ name }) => used.has(name) && !graph.initializers.has(name),
  );
  const [input, ...others] = candidates;
  if (input && others.length === 0) return input;
  const got = candidates.map(({ name }) => name);
  throw new ArcfaceError(
    'bad_model',
    `ONNX graph: expected one input that the output depends on, got ${describe(got)}`,
  );
}

/** Symbolic sizes are taken for 3 and 112. */
export function graphInput(info: OnnxValueInfo, live: readonly OnnxNode[]): GraphInput {
  const { name } = info;
  const where = `ONNX input ${describe(name)}`;
  const dims = info.dims?.length ? info.dims : [1, undefined, undefined, undefined];
  const expected = '[N, 3, 112, 112] or [N, 112, 112, 3]';
  expect(dims.length === 4, 'bad_model', where, expected, [...dims]);
  const [batch = 1, ...sizes] = dims;
  const isLast = isChannelsLast(name, sizes, live);
  const stated = isLast ? [sizes[2], sizes[0], sizes[1]] : sizes;
  const shape = FACE_SHAPE.map((size, i) => stated[i] ?? size) as [number, number, number];
  expect(elementsOf(shape) !== undefined, 'bad_model', where, expected, [...dims]);
  const notes: string[] = [];
  if (sizes.includes(undefined)) {
    notes.push(`assumed: input ${describe(name)} is [${shape.join(', ')}]; the file is open`);
  }
  if (batch > 1) notes.push(`the file's batch of ${batch} is read as a batch of 1`);
  if (isLast) notes.push('the input is [N, H, W, 3], channels last');
  const planar = activationOf(name, shape);
  const value = isLast ? permutedActivation(planar, [0, 2, 3, 1]) : planar;
  return { name, shape, value, statedBatch: dims[0], notes };
}

/** Where sizes do not tell, a Transpose right behind the input does. */
function isChannelsLast(
  name: string,
  sizes: readonly (number | undefined)[],
  live: readonly OnnxNode[],
): boolean {
  const [first, , last] = sizes;
  if (first === 3 || last === 3) return first !== 3;
  return live.some(
    ({ opType, inputs, attributes }) =>
      opType === 'Transpose' &&
      inputs[0] === name &&
      attributes.get('perm')?.ints?.join() === '0,3,1,2',
  );
}
