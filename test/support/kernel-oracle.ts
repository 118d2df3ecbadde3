/**
 * What a kernel must return: `src/reference` in float64 on the same f32 values, within a tolerance
 * written in f32 epsilons. All values, weights, biases and paddings of a trial lie in [-1, 1].
 *
 * tolerance = 2^-23 * (4 + n) * gain * factor, with n summands per output, gain the largest
 * |PReLU slope| (at least 1), factor the kernel's own. Sums of n random products of [-1, 1] err by
 * 0.07 n epsilons (one standard deviation: the partial sums grow as sqrt(k) / 3, and each addition
 * rounds), so n is far out of their tail; a weight at a wrong place errs by about 0.3.
 */

import { expect } from 'vitest';
import type { GraphNode, Shape } from '../../src/graph/graph.ts';
import { sizeOf } from '../../src/graph/limits.ts';
import { inferShapes } from '../../src/graph/shapes.ts';
import { evaluateNode } from '../../src/reference/evaluate.ts';
import { type KernelBinary, type Outcome, runTrial, type Trial } from './kernel-memory.ts';

const EPSILON = 2 ** -23;

/**
 * Winograd's transforms amplify what direct summation rounds. Measured as shares of the tolerance with
 * factor 1, at R100's shapes: direct 0.5, stride 2 4, stride 1 19. With 16 channels, where the transforms
 * weigh more, stride 2 reaches 4.1 and stride 1 25.
 */
const ERROR_FACTORS: Readonly<Record<string, number>> = {
  'f32_winograd_multiply s1': 40,
  'f32_winograd_multiply s2': 8,
};

export function toleranceOf(node: GraphNode, input: Shape, kernels: readonly string[]): number {
  const factor = Math.max(1, ...kernels.map((kernel) => ERROR_FACTORS[kernel] ?? 1));
  return EPSILON * (4 + summandsOf(node, input)) * gainOf(node) * factor;
}

function summandsOf(node: GraphNode, input: Shape): number {
  if (node.op === 'conv') return sizeOf(node.weight.shape.slice(1)) + 2;
  if (node.op === 'fc') return sizeOf(input) + 1;
  return 2;
}

function gainOf(node: GraphNode): number {
  const activation = 'activation' in node ? node.activation : undefined;
  const slopes = activation?.kind === 'prelu' ? activation.slope : [];
  return Math.max(1, ...slopes.map(Math.abs));
}

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

export function firstDifference(got: Uint32Array, expected: Uint32Array): string {
  const at = expected.findIndex((word, i) => word !== got[i]);
  if (at < 0 && got.length === expected.length) return '';
  return `word ${at}: expected bits ${expected[at]?.toString(16)}, got ${got[at]?.toString(16)}`;
}

/** The first value off by more than `tolerance`, or ''; NaN is always off. */
export function firstFault(got: Float64Array, expected: Float64Array, tolerance: number): string {
  if (got.length !== expected.length) return `${expected.length} values, got ${got.length}`;
  const at = expected.findIndex((value, i) => !(Math.abs((got[i] as number) - value) <= tolerance));
  return at < 0 ? '' : `[${at}]: expected ${expected[at]} +-${tolerance}, got ${got[at]}`;
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
