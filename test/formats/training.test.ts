import { describe, expect, it } from 'vitest';
import { convertModel } from '../../src/convert/convert.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { writeOnnx } from '../../src/formats/onnx/write.ts';
import { parseWeightsHeader } from '../../src/formats/safetensors.ts';
import { trainingOfOnnx, trainingOfWeights } from '../../src/formats/training.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { onnxFileOfSynth, onnxOfSynth } from '../../src/synth/onnx.ts';
import { joined, smallNetwork } from '../support/onnx-files.ts';

const model = synthesize('mobilefacenet', 7);
const source = { name: 'm.onnx', sha256: '0'.repeat(64) };

function trainingAfterConverting(onnx: Uint8Array): string {
  const { header } = convertModel(importOnnx(onnx), { source });
  return parseWeightsHeader(header).metadata.training;
}

describe('training', () => {
  it.each(['zoo', 'torch', 'folded'] as const)(
    'is none from synth through %s to the weights',
    (style) => {
      expect(trainingAfterConverting(joined(onnxOfSynth(model, style)))).toBe('none');
    },
  );

  it('is none after tools that keep one of metadata, producer and name', () => {
    const file = onnxFileOfSynth(model, 'zoo');
    const other = { producer: 'onnxsim', name: 'g', metadata: [] };
    for (const kept of ['producer', 'name', 'metadata'] as const) {
      const rewritten = writeOnnx({ ...file, ...other, [kept]: file[kept] });
      expect(trainingAfterConverting(joined(rewritten)), kept).toBe('none');
    }
    expect(trainingAfterConverting(joined(writeOnnx({ ...file, ...other })))).toBe('unknown');
  });

  it('is unknown of what does not say, and of seeds that people train with', () => {
    expect(trainingAfterConverting(smallNetwork())).toBe('unknown');
    const graph = { name: 'iresnet100 seed 42' };
    expect(trainingOfOnnx({ metadata: new Map(), producer: 'pytorch', graph })).toBe('unknown');
    expect(trainingOfWeights(undefined, 'r50 trained with seed 1')).toBe('unknown');
  });

  it('is known of weights that were written before they said so', () => {
    for (const name of ['r18 seed 0', 'r100 seed 4294967295', 'mobilefacenet seed 3']) {
      expect(trainingOfWeights(undefined, name)).toBe('none');
    }
    expect(trainingOfWeights('none', 'renamed')).toBe('none');
    expect(trainingOfWeights('something newer', 'renamed')).toBe('unknown');
  });
});
