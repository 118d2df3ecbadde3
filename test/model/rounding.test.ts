/**
 * What the two ways of computing 3x3 convolutions may cost: a whole seeded network in the simd kernels
 * against its own definition in float64, on one face.
 */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { placeConstants } from '../../src/compile/place-constants.ts';
import { compile } from '../../src/compile/schedule.ts';
import { convertModel } from '../../src/convert/convert.ts';
import { bindPlan } from '../../src/engine/bind.ts';
import { WEIGHTS_BASE } from '../../src/engine/memory.ts';
import { ALONE, instantiate, runSchedule } from '../../src/engine/run.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { parseWeightsHeader } from '../../src/formats/safetensors.ts';
import { writeFace } from '../../src/image/face.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { l2Normalize } from '../../src/similarity.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { onnxOfSynth } from '../../src/synth/onnx.ts';
import { largestDifference } from '../support/engine-files.ts';
import { binaryPath } from '../support/kernel-memory.ts';
import { joined } from '../support/onnx-files.ts';
import { pixels } from '../support/synth-graph.ts';

type Tiles = Parameters<typeof compile>[0]['tiles'];

describe('r18 on seeded weights against float64', () => {
  const { graph, ...imported } = importOnnx(joined(onnxOfSynth(synthesize('r18', 2), 'zoo')));
  const source = { name: 'r18.onnx', sha256: '0'.repeat(64) };
  const converted = convertModel({ graph, ...imported }, { source });
  const header = parseWeightsHeader(converted.header);
  const data = joined(converted.chunks());
  const simd = new WebAssembly.Module(readFileSync(binaryPath('simd')));
  const face = pixels(6);
  let truth: Float32Array;
  beforeAll(() => {
    truth = l2Normalize(
      Float32Array.from(evaluateGraph(graph, face).get(graph.output) as Float64Array),
    );
  });

  /** The network's output with only these Winograd tiles to choose from, and the kernels it ran in. */
  const run = (tiles: Tiles): { embedding: Float32Array; kernels: ReadonlySet<string> } => {
    const { offsets, extras, end } = placeConstants(header);
    const { network, shapes } = header;
    const work = { network, shapes, constants: offsets, batch: 1, threads: 1 };
    const plan = compile(tiles === undefined ? work : { ...work, tiles });
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
    runSchedule(instantiate(simd, memory), bound, ALONE);
    const output = new Float32Array(memory.buffer, bound.outputAddress, plan.outputFeatures);
    return { embedding: l2Normalize(output.slice()), kernels: new Set(bound.kernels) };
  };
  const differenceOf = (variant: string, embedding: Float32Array): number => {
    const difference = largestDifference(embedding, truth);
    console.info(`r18 against float64, ${variant}: ${difference.toExponential(2)}`);
    return difference;
  };
  const isWinograd = (name: string): boolean => name.includes('winograd');

  it('differs by at most 2e-6 of a unit vector without Winograd', () => {
    const { embedding, kernels } = run([]);
    expect([...kernels].filter(isWinograd)).toEqual([]);
    expect(differenceOf('direct', embedding)).toBeLessThanOrEqual(2e-6);
  });

  it('differs by at most 4e-6 with the tiles that the cost model chooses', () => {
    const { embedding, kernels } = run(undefined);
    expect([...kernels].filter(isWinograd)).not.toEqual([]);
    expect(differenceOf('as chosen', embedding)).toBeLessThanOrEqual(4e-6);
  });
});
