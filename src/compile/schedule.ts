/**
 * Load-time compiler: network + shapes -> kernels, arena, schedule (`Plan`). Receives a validated
 * network and the offsets of its constants; returns plain data; touches no memory.
 */

import type { Shape } from '../graph/graph.ts';
import { channelStride } from '../graph/layout.ts';
import type { Network, NetworkOp } from '../graph/network.ts';
import { type Arena, type Lifetime, planArena } from './arena.ts';
import type { Address } from './args.ts';
import { macsOf } from './macs.ts';
import type { LayerChoice, Plan, Step } from './plan.ts';
import { selectKernel } from './select.ts';
import type { Site, Vectors } from './site.ts';
import { stepsOf } from './steps.ts';

export interface CompileInput {
  readonly network: Network;
  /** Shape of every value, the input included. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Bytes from the base of the weights region of every constant. */
  readonly constants: ReadonlyMap<string, number>;
  readonly batch: number;
  readonly threads: number;
  /** Default 128. */
  readonly vectors?: Vectors;
  /** Fewest channels of a convolution by Winograd; Infinity computes all directly. */
  readonly winogradFrom?: number;
}

export function compile(input: CompileInput): Plan {
  const { network, shapes, batch, threads } = input;
  const storage = shareBuffers(network);
  const arena = planArena(lifetimes(network, shapes, storage, batch));
  const site = siteOf(input, storage, arena);
  const steps: Step[] = [];
  const layers: LayerChoice[] = [];
  let scratchBytes = 0;
  for (const op of network.ops) {
    const x = shapeOf(shapes, op.inputs[0] as string);
    const choice = selectKernel(op, x, shapeOf(shapes, op.name), input.winogradFrom);
    const made = stepsOf(op, choice, site);
    steps.push(...made.steps);
    scratchBytes = Math.max(scratchBytes, made.scratchBytes);
    const macs = macsOf(op, x, shapeOf(shapes, op.name));
    layers.push({ name: op.name, op: op.op, kernel: choice.kernel, reason: choice.reason, macs });
  }
  const features = shapeOf(shapes, network.output)[0];
  return {
    batch,
    threads,
    steps,
    layers,
    arenaBytes: arena.bytes,
    arenaLowerBoundBytes: arena.lowerBoundBytes,
    scratchBytes,
    inputOffset: site.activation(network.input.name).offset,
    outputOffset: site.activation(network.output).offset,
    outputFeatures: features,
    outputStride: channelStride(features),
  };
}

function siteOf(input: CompileInput, storage: ReadonlyMap<string, string>, arena: Arena): Site {
  const at = (region: Address['region'], offset: number | undefined): Address => {
    if (offset === undefined) throw new Error('compile: a tensor has no place');
    return { region, offset };
  };
  return {
    batch: input.batch,
    threads: input.threads,
    vectors: input.vectors ?? 128,
    activation: (value) => at('arena', arena.offsets.get(storage.get(value) as string)),
    constant: (name) => at('weights', input.constants.get(name)),
    shape: (value) => shapeOf(input.shapes, value),
  };
}

function shapeOf(shapes: ReadonlyMap<string, Shape>, value: string): Shape {
  const shape = shapes.get(value);
  if (!shape) throw new Error(`compile: value "${value}" has no shape`);
  return shape;
}

/** Index of the last op that reads each value; the network's output lives past the end. */
function lastUses(network: Network): Map<string, number> {
  const last = new Map<string, number>();
  network.ops.forEach((op, i) => {
    for (const value of op.inputs) last.set(value, i);
  });
  last.set(network.output, network.ops.length);
  return last;
}

/**
 * Which buffer each value lives in. An operator that reads an element only where it writes it may
 * overwrite an operand that nobody needs later: a residual, or the input of a pointwise pass.
 */
function shareBuffers(network: Network): Map<string, string> {
  const last = lastUses(network);
  const storage = new Map([[network.input.name, network.input.name]]);
  network.ops.forEach((op, i) => {
    const donor = overwritable(op).find(
      (value) => last.get(value) === i && value !== network.input.name,
    );
    storage.set(op.name, donor === undefined ? op.name : (storage.get(donor) as string));
  });
  return storage;
}

function overwritable(op: NetworkOp): readonly string[] {
  switch (op.op) {
    case 'conv':
      return op.inputs[1] === undefined || op.inputs[1] === op.inputs[0] ? [] : [op.inputs[1]];
    case 'affine':
    case 'prelu':
    case 'clip':
    case 'sigmoid':
      return op.inputs;
    case 'add':
    case 'mul':
      return op.inputs;
    case 'gate':
      return op.inputs.slice(0, 1);
    default:
      return [];
  }
}

function lifetimes(
  network: Network,
  shapes: ReadonlyMap<string, Shape>,
  storage: ReadonlyMap<string, string>,
  batch: number,
): Lifetime[] {
  const last = lastUses(network);
  const found = new Map<string, Lifetime>();
  const touch = (value: string, born: number): void => {
    const name = storage.get(value) as string;
    const known = found.get(name);
    const bytes = bytesOf(shapeOf(shapes, value)) * batch;
    found.set(name, {
      name,
      bytes: Math.max(known?.bytes ?? 0, bytes),
      first: known?.first ?? born,
      last: Math.max(known?.last ?? born, last.get(value) ?? born),
    });
  };
  touch(network.input.name, 0);
  network.ops.forEach((op, i) => {
    touch(op.name, i);
  });
  return [...found.values()];
}

function bytesOf(shape: Shape): number {
  const pixels = shape.length === 3 ? shape[1] * shape[2] : 1;
  return pixels * channelStride(shape[0]) * 4;
}
