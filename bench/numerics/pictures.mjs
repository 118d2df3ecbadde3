/**
 * The pictures whose embeddings are compared, NCHW RGB, 0 to 255, by kind: aligned faces of an `lfw.bin`
 * where one is given, and patterns that are harder than any face.
 */

import { readFileSync } from 'node:fs';
import { readLfwBin } from '../../dist/dataset/lfw-bin.js';
import { decodePicture } from '../../dist/image/decode.js';
import { seededFace } from '../lib/models.mjs';

const SIDE = 112;
const PLANE = SIDE * SIDE;

const planes = (value) =>
  Float32Array.from({ length: 3 * PLANE }, (_, i) =>
    value(Math.floor(i / PLANE), Math.floor(i / SIDE) % SIDE, i % SIDE),
  );
/** Squares of alternating black and white: the hardest pictures for Winograd that were found. */
const checkers = (size) =>
  planes((_, y, x) => ((Math.floor(y / size) + Math.floor(x / size)) % 2) * 255);

/** Faces of the file, in its order, no picture twice. */
export function readFaces(path) {
  const unique = new Map();
  for (const image of readLfwBin(readFileSync(path), path).images) {
    unique.set(Buffer.from(image).toString('latin1'), image);
  }
  return [...unique.values()];
}

/**
 * `faceCount` faces spread over `images`, others for each `turn`.
 *
 * @returns {Promise<{kind: string, faces: Float32Array[]}[]>}
 */
export async function preparePictures(images, faceCount, turn) {
  const step = Math.max(1, Math.floor(images.length / faceCount));
  const chosen = images.filter((_, i) => i % step === turn % step).slice(0, faceCount);
  const faces = await Promise.all(chosen.map(async (image) => nchwOf(await decodePicture(image))));
  return [
    { kind: 'faces', faces },
    { kind: 'noise', faces: Array.from({ length: 20 }, (_, i) => seededFace(i)) },
    {
      kind: 'smooth',
      faces: [
        planes((c, y, x) => 128 + 100 * Math.sin((c * PLANE + y * SIDE + x) / 37)),
        planes((c, y, x) => [x, y, (x + y) / 2][c] * 2.29),
        planes(() => 128),
      ],
    },
    { kind: 'checkers', faces: [1, 2, 3, 5, 7, 9, 16].map(checkers) },
  ].filter((one) => one.faces.length > 0);
}

function nchwOf({ data, width, height }) {
  if (width !== SIDE || height !== SIDE)
    throw new Error(`expected ${SIDE}x${SIDE}, got ${width}x${height}`);
  return Float32Array.from(
    { length: 3 * PLANE },
    (_, i) => data[(i % PLANE) * 4 + Math.floor(i / PLANE)],
  );
}
