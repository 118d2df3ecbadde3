/**
 * `convert --check`: do the weights that were written tell faces apart? Receives their path and crops of
 * faces, returns the verdict as data and as a line of text.
 */

import { type Alikeness, judgeAlikeness } from '../evaluate/alikeness.ts';
import { FACE_SIZE, type PixelFace } from '../image/face.ts';
import { cosineSimilarity } from '../similarity.ts';
import { loadWithProgress } from './load.ts';
import { startProgress } from './progress.ts';

/** Crops that run through the network: a minute of R100 at most. */
const EMBEDDED = 40;
/** Crops that run together. */
const BATCH = 8;

export async function checkWeights(
  path: string,
  crops: readonly Uint8ClampedArray[],
): Promise<Alikeness> {
  const step = Math.max(1, crops.length / EMBEDDED);
  const chosen = crops
    .slice(0, EMBEDDED)
    .map((_, k) => crops[Math.floor(k * step)] as Uint8ClampedArray);
  const model = await loadWithProgress(path, {});
  const progress = startProgress('checking');
  const [upright, turned]: [Float32Array[], Float32Array[]] = [[], []];
  try {
    for (let start = 0; start < chosen.length; start += BATCH) {
      const batch = chosen.slice(start, start + BATCH);
      upright.push(...(await model.embedBatch(batch.map(faceOf))));
      turned.push(...(await model.embedBatch(batch.map((crop) => faceOf(upsideDown(crop))))));
      progress.update(start + batch.length, chosen.length);
    }
  } finally {
    progress.end();
    model.dispose();
  }
  return judgeAlikeness(
    upright.map((embedding, i) => cosineSimilarity(embedding, turned[i] as Float32Array)),
    upright.flatMap((a, i) => upright.slice(0, i).map((b) => cosineSimilarity(a, b))),
  );
}

function faceOf(data: Uint8ClampedArray): PixelFace {
  return { data, width: FACE_SIZE, height: FACE_SIZE, channels: 'rgba' };
}

/** Rows from the bottom. */
function upsideDown(data: Uint8ClampedArray): Uint8ClampedArray {
  const row = 4 * FACE_SIZE;
  const turned = new Uint8ClampedArray(data.length);
  for (let y = 0; y < FACE_SIZE; y++) {
    turned.set(data.subarray(y * row, (y + 1) * row), (FACE_SIZE - 1 - y) * row);
  }
  return turned;
}

export function checkText({ pictures, upsideDown, different, verdict }: Alikeness): string {
  const pairs = different === null ? '' : `, of two different crops ${different.toFixed(3)}`;
  const found =
    `cosine of a crop and itself upside down ${upsideDown.toFixed(3)}${pairs} ` +
    `(medians of ${pictures} crops)`;
  switch (verdict) {
    case 'told apart':
      return `check: ${found}: embeddings depend on the picture`;
    case 'few people':
      return `check: ${found}: embeddings depend on the picture; the crops look like those of few people`;
    case 'all alike':
      return (
        `warning: pictures all look alike: ${found}; trained networks have less than 0.1 of the first: ` +
        'either --mean and --std are not what this network was trained on, or it was not trained for faces'
      );
  }
}
