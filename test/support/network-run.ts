/** One face through a weights file in the simd kernels, with or without Winograd; nothing of the engine around it. */

import { readFileSync } from 'node:fs';
import { placeConstants } from '../../src/compile/place-constants.ts';
import { compile } from '../../src/compile/schedule.ts';
import { bindPlan } from '../../src/engine/bind.ts';
import { WEIGHTS_BASE } from '../../src/engine/memory.ts';
import { ALONE, instantiate, runSchedule } from '../../src/engine/run.ts';
import { parseWeightsHeader, type WeightsHeader } from '../../src/formats/safetensors.ts';
import { writeFace } from '../../src/image/face.ts';
import { l2Normalize } from '../../src/similarity.ts';
import { binaryPath } from './kernel-memory.ts';

export interface NetworkRun {
  /** Of length 1. */
  readonly embedding: Float32Array;
  readonly kernels: ReadonlySet<string>;
}

export interface WeightsFile {
  readonly header: WeightsHeader;
  readonly data: Uint8Array;
}

export function openWeights(path: string): WeightsFile {
  const bytes = readFileSync(path);
  const header = parseWeightsHeader(bytes, bytes.length);
  return { header, data: bytes.subarray(header.dataOffset) };
}

/** `face`: NCHW, 0 to 255, in the network's own channel order; `winograd`: whether the cost model may choose it. */
export function runNetwork(
  { header, data }: WeightsFile,
  face: Float32Array,
  winograd: boolean,
): NetworkRun {
  const { network, shapes } = header;
  const { offsets, extras, end } = placeConstants(header);
  const work = { network, shapes, constants: offsets, batch: 1, threads: 1 };
  const plan = compile(winograd ? work : { ...work, winogradFrom: Number.POSITIVE_INFINITY });
  const bound = bindPlan(plan, WEIGHTS_BASE + end);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bound.endAddress / 65_536) });
  new Uint8Array(memory.buffer, WEIGHTS_BASE, data.length).set(data);
  for (const { name, values } of extras) {
    const at = WEIGHTS_BASE + (offsets.get(name) as number);
    new Float32Array(memory.buffer, at, values.length).set(values);
  }
  new Int32Array(memory.buffer, bound.argsBase).set(bound.argWords);
  const input = new Float32Array(memory.buffer, bound.inputAddress, 112 * 112 * 4);
  writeFace({ data: face, layout: 'nchw', channels: 'rgb' }, input, 'rgb', false);
  const simd = new WebAssembly.Module(readFileSync(binaryPath('simd')));
  runSchedule(instantiate(simd, memory), bound, ALONE);
  const output = new Float32Array(memory.buffer, bound.outputAddress, plan.outputFeatures);
  return { embedding: l2Normalize(output.slice()), kernels: new Set(bound.kernels) };
}
