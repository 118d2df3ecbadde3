import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../src/index.ts';
import { cosineSimilarity } from '../../src/similarity.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { noiseFace, synthWeights } from '../support/engine-files.ts';

// Node 20 has relaxed SIMD behind a flag, which counts for modules compiled later.
setFlagsFromString('--experimental-wasm-relaxed-simd');

describe('relaxed kernels', () => {
  it('give embeddings of the same contract, which compare with those of simd', async () => {
    const weights = synthWeights(synthesize('mobilefacenet', 1));
    using simd = await loadModel(weights);
    using relaxed = await loadModel(weights, { isa: 'relaxed' });
    expect(relaxed.info).toMatchObject({ isa: 'relaxed', reason: undefined });
    expect(relaxed.info.contract).toBe(simd.info.contract);
    for (const seed of [1, 2, 3]) {
      const [a, b] = await Promise.all([simd, relaxed].map((m) => m.embed(noiseFace(seed))));
      const cosine = cosineSimilarity(a as Float32Array, b as Float32Array);
      expect(cosine).toBeGreaterThan(1 - 1e-9);
    }
  });
});
