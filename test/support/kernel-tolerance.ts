/**
 * How far a kernel may be from `src/reference` in float64 on the same f32 values, in f32 epsilons.
 *
 * tolerance = 2^-23 * (4 + n) * gain * factor, with n summands per output, gain the largest
 * |PReLU slope| (at least 1), factor the kernel's own, for values, weights, biases and paddings in [-1, 1].
 * Sums of n random products of [-1, 1] err by 0.07 n epsilons (one standard deviation: the partial sums grow
 * as sqrt(k) / 3, and each addition rounds), so n is far out of their tail; a weight at a wrong place errs
 * by about 0.3.
 */

import type { GraphNode, Shape } from '../../src/graph/graph.ts';
import { sizeOf } from '../../src/graph/limits.ts';

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
  // The mean of a sum: what n additions round, over n.
  if (node.op === 'global_average_pool') return 2 + 2 * Math.sqrt(sizeOf(input) / input[0]);
  return 2;
}

function gainOf(node: GraphNode): number {
  const activation = 'activation' in node ? node.activation : undefined;
  const slopes = activation?.kind === 'prelu' ? activation.slope : [];
  return Math.max(1, ...slopes.map(Math.abs));
}

/** The first value off by more than `tolerance`, or ''; NaN is always off. */
export function firstFault(got: Float64Array, expected: Float64Array, tolerance: number): string {
  if (got.length !== expected.length) return `${expected.length} values, got ${got.length}`;
  const at = expected.findIndex((value, i) => !(Math.abs((got[i] as number) - value) <= tolerance));
  return at < 0 ? '' : `[${at}]: expected ${expected[at]} +-${tolerance}, got ${got[at]}`;
}

export function firstDifference(got: Uint32Array, expected: Uint32Array): string {
  const at = expected.findIndex((word, i) => word !== got[i]);
  if (at < 0 && got.length === expected.length) return '';
  return `word ${at}: expected bits ${expected[at]?.toString(16)}, got ${got[at]?.toString(16)}`;
}
