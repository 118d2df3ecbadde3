/** Photographs in, aligned faces out: { label, photo, crop, landmarks, score }, left to right. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { Worker } from 'node:worker_threads';
import { alignFace } from '../../dist/image/align.js';
import { decodePicture } from '../../dist/image/decode.js';

const MAX_WORKERS = 4;

export async function collectFaces(paths, onPhoto) {
  const detections = await detectAll(paths, onPhoto);
  const faces = [];
  for (const [i, path] of paths.entries()) {
    const picture = await decodePicture(readFileSync(path), path);
    const fromLeft = detections[i].toSorted((a, b) => a.box.x - b.box.x);
    for (const [k, { landmarks, score }] of fromLeft.entries()) {
      faces.push({
        label: `${i + 1}${String.fromCharCode(97 + k)}`,
        photo: basename(path),
        score,
        crop: alignFace(picture, landmarks),
      });
    }
  }
  return faces;
}

/** Detections per path, each photograph by the next free worker. */
async function detectAll(paths, onPhoto) {
  const results = new Array(paths.length);
  let next = 0;
  const work = async () => {
    const worker = new Worker(new URL('./detector.mjs', import.meta.url));
    try {
      while (next < paths.length) {
        const index = next++;
        results[index] = await detect(worker, paths[index]);
        onPhoto?.(results.filter(Boolean).length, paths.length);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), MAX_WORKERS) }, work));
  return results;
}

function detect(worker, path) {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', ({ faces, error }) => {
      worker.off('error', reject);
      if (error) reject(new Error(`${path}: ${error}`));
      else resolve(faces);
    });
    worker.postMessage(path);
  });
}
