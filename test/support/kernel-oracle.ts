/**
 * What a kernel must return: `src/reference` in float64 on the same f32 values, within the tolerance of
 * `kernel-tolerance.ts`. All values, weights, biases and paddings of a trial lie in [-1, 1].
 */

import { expect } from 'vitest';
import type { GraphNode, Shape } from '../../src/graph/graph.ts';
import { inferShapes } from '../../src/graph/shapes.ts';
import { evaluateNode } from '../../src/reference/evaluate.ts';
import { type KernelBinary, type Outcome, runTrial, type Trial } from './kernel-memory.ts';
import { firstDifference, firstFault, toleranceOf } from './kernel-tolerance.ts';

/**
 * Runs `trial` with 1, 2, 3 and 4 threads: equal to the reference, the same bits for any number of
 * threads, finite in every lane, and not a word changed elsewhere. Returns the outcome.
 */
export function expectExact(binary: KernelBinary, trial: Trial): Outcome {
  const node = trial.graph.nodes.find((one) => one.name === trial.target) as GraphNode;
  const input = inferShapes(trial.graph).get(node.inputs[0] as string) as Shape;
  const single = runTrial(binary, trial);
  const what = `${binary.name}: ${single.kernels.join(', ')}: ${describeNode(node, input)}`;
  expect(single.kernels.length, `${what}: steps`).toBeGreaterThan(0);
  expect(single.damage, `${what}: ${single.damage}`).toBe('');
  const tolerance = toleranceOf(node, input, single.kernels);
  for (const [n, got] of single.pictures.entries()) {
    const values = node.inputs.map((name) => trial.given.get(name)?.[n] as Float64Array);
    const fault = firstFault(got, evaluateNode(node, values, input), tolerance);
    // Told twice: the runner cuts the values it compares.
    expect(fault, `${what}: picture ${n} ${fault}`).toBe('');
  }
  const floats = new Float32Array(single.bits.buffer);
  expect(
    floats.findIndex((value) => !Number.isFinite(value)),
    `${what}: lane`,
  ).toBe(-1);
  for (const threads of [2, 3, 4]) {
    const shared = runTrial(binary, { ...trial, threads });
    expect(shared.damage, `${what}: ${threads} threads`).toBe('');
    expect(firstDifference(shared.bits, single.bits), `${what}: ${threads} threads`).toBe('');
  }
  return single;
}

function describeNode(node: GraphNode, input: Shape): string {
  if (node.op !== 'conv') return `${node.op} on [${input}]`;
  const { weight, stride, pads, group, activation } = node;
  const extras = [
    node.padValue ? 'pad values' : '',
    activation?.kind ?? '',
    node.inputs.length > 1 ? 'residual' : '',
  ];
  return `conv [${input}] weight [${weight.shape}] stride [${stride}] pads [${pads}] group ${group} ${extras.join(' ')}`;
}
