/**
 * What the two ways of computing 3x3 convolutions may cost: a whole seeded network in the simd kernels
 * against its own definition in float64, on one face.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { convertModel } from '../../src/convert/convert.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { parseWeightsHeader } from '../../src/formats/safetensors.ts';
import { evaluateGraph } from '../../src/reference/evaluate.ts';
import { l2Normalize } from '../../src/similarity.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { onnxOfSynth } from '../../src/synth/onnx.ts';
import { largestDifference } from '../support/engine-files.ts';
import { runNetwork } from '../support/network-run.ts';
import { joined } from '../support/onnx-files.ts';
import { pixels } from '../support/synth-graph.ts';

describe('r18 on seeded weights against float64', () => {
  const { graph, ...imported } = importOnnx(joined(onnxOfSynth(synthesize('r18', 2), 'zoo')));
  const source = { name: 'r18.onnx', sha256: '0'.repeat(64) };
  const converted = convertModel({ graph, ...imported }, { source });
  const weights = {
    header: parseWeightsHeader(converted.header),
    data: joined(converted.chunks()),
  };
  const face = pixels(6);
  let truth: Float32Array;
  beforeAll(() => {
    truth = l2Normalize(
      Float32Array.from(evaluateGraph(graph, face).get(graph.output) as Float64Array),
    );
  });

  const differenceOf = (variant: string, embedding: Float32Array): number => {
    const difference = largestDifference(embedding, truth);
    console.info(`r18 against float64, ${variant}: ${difference.toExponential(2)}`);
    return difference;
  };
  const isWinograd = (name: string): boolean => name.includes('winograd');

  it('differs by at most 5e-7 of a unit vector without Winograd', () => {
    const { embedding, kernels } = runNetwork(weights, face, false);
    expect([...kernels].filter(isWinograd)).toEqual([]);
    expect(differenceOf('direct', embedding)).toBeLessThanOrEqual(5e-7);
  });

  it('differs by at most 4e-6 with it, where the cost model chooses it', () => {
    const { embedding, kernels } = runNetwork(weights, face, true);
    expect([...kernels].filter(isWinograd)).not.toEqual([]);
    expect(differenceOf('as chosen', embedding)).toBeLessThanOrEqual(4e-6);
  });
});
