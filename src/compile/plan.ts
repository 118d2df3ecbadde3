/**
 * The plan of one network for one batch size, as plain data: print it, snapshot it, replay it.
 * Addresses are relative to three regions (weights, arena, scratch) that the engine places.
 */

import type { ArgValue } from './args.ts';
import type { KernelName } from './kernels.ts';

export interface Step {
  /** Name of the network's operator that this step (or part) computes. */
  readonly name: string;
  readonly op: string;
  readonly kernel: KernelName;
  /** Field names in the order of the kernel's argument block. */
  readonly fields: readonly string[];
  readonly args: Readonly<Record<string, ArgValue>>;
}

export interface LayerChoice {
  readonly name: string;
  readonly op: string;
  /** Kernel with its variant, for people: 'f32_conv_igemm 3x3s2'. */
  readonly kernel: string;
  /** Why this kernel. */
  readonly reason: string;
  readonly macs: number;
}

export interface Plan {
  readonly batch: number;
  readonly threads: number;
  readonly steps: readonly Step[];
  readonly layers: readonly LayerChoice[];
  readonly arenaBytes: number;
  /** The largest set of tensors alive at once: no arena can be smaller. */
  readonly arenaLowerBoundBytes: number;
  readonly scratchBytes: number;
  /** Where the pictures go: [batch][height][width][4] f32, bytes from the arena's base. */
  readonly inputOffset: number;
  /** Where the embeddings appear: [batch][outputStride] f32. */
  readonly outputOffset: number;
  readonly outputFeatures: number;
  readonly outputStride: number;
}
