/** Nothing in a network tells a face from no face: what README.md says of noise, on a trained network. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { THRESHOLDS } from '../../src/cli/thresholds.ts';
import { convertModel } from '../../src/convert/convert.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';
import { loadModel } from '../../src/index.ts';
import { cosineSimilarity } from '../../src/similarity.ts';
import { mulberry32 } from '../support/graphs.ts';
import { joined } from '../support/onnx-files.ts';

const TRAINED = new URL(
  '../../node_modules/faceplugin-face-recognition-js/model/fr_feature.onnx',
  import.meta.url,
);

const README = new URL('../../README.md', import.meta.url);

function noise(seed: number) {
  const random = mulberry32(seed);
  const data = Uint8Array.from({ length: 112 * 112 * 3 }, () => random() * 256);
  return { data, width: 112, height: 112, channels: 'bgr' as const } as const;
}

describe('pictures of noise', () => {
  it('have a cosine above every published threshold in a trained network', async () => {
    const [mean, std] = [127, 128].map((value) => [value, value, value] as const);
    const source = { name: 'fr_feature.onnx', sha256: '0'.repeat(64) };
    const options = { source, mean, std, trainedOn: 'bgr' } as const;
    const converted = convertModel(importOnnx(readFileSync(TRAINED)), options);
    const model = await loadModel(joined([converted.header, ...converted.chunks()]));
    const embeddings = await model.embedBatch([1, 2, 3, 4, 5, 6, 7, 8].map(noise));
    model.dispose();
    const cosines = embeddings.flatMap((a, i) =>
      embeddings.slice(i + 1).map((b) => cosineSimilarity(a, b)),
    );
    const [low, high] = [Math.min(...cosines), Math.max(...cosines)];
    expect(low).toBeGreaterThan(Math.max(...THRESHOLDS.map(({ cosine }) => cosine)));
    const stated = /cosines of (0\.\d\d) to (0\.\d\d)/.exec(readFileSync(README, 'utf8'));
    expect(stated?.slice(1)).toEqual([low.toFixed(2), high.toFixed(2)]);
  });
});
