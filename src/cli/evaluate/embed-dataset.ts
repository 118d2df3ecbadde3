/**
 * Embeddings of a data set's pictures. Each distinct picture runs through the network once, however many
 * pairs it is in. Refuses pictures that are no 112x112 crops.
 */

import { FACE_SIZE, type PixelFace } from '../../image/face.ts';
import { decodeCrop } from '../read-crop.ts';
import type { Dataset } from './dataset.ts';

/** What is needed of a model. */
export interface Embedder {
  embedBatch(faces: readonly PixelFace[]): Promise<Float32Array[]>;
}

export interface Timings {
  decodeMs: number;
  embedMs: number;
  /** Runs of the network. */
  embedded: number;
}

/** How a picture is shown to the network. */
export interface View {
  /** Read the file's channels as blue, green, red. */
  readonly bgr: boolean;
  readonly mirrored: boolean;
}

/** Faces that go through the network together. */
const BATCH = 8;

/**
 * Embeddings at the places `indices` of the data set, one list per view, each in the order of `indices`.
 * `onProgress` counts distinct pictures.
 */
export async function embedPictures(
  model: Embedder,
  dataset: Dataset,
  indices: readonly number[],
  views: readonly View[],
  timings: Timings,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Float32Array[][]> {
  const firstOf = new Map<string, number>();
  for (const index of indices) {
    const key = dataset.keys[index] as string;
    if (!firstOf.has(key)) firstOf.set(key, index);
  }
  const distinct = [...firstOf.entries()];
  const byKey = views.map(() => new Map<string, Float32Array>());
  for (let start = 0; start < distinct.length; start += BATCH) {
    const batch = distinct.slice(start, start + BATCH);
    const pictures = await decodeAll(
      dataset,
      batch.map(([, index]) => index),
      timings,
    );
    for (const [v, view] of views.entries()) {
      const embeddings = await embedView(model, pictures, view, timings);
      for (const [i, [key]] of batch.entries()) byKey[v]?.set(key, embeddings[i] as Float32Array);
    }
    onProgress(start + batch.length, distinct.length);
  }
  return byKey.map((known) =>
    indices.map((index) => known.get(dataset.keys[index] as string) as Float32Array),
  );
}

const HOW_TO_ALIGN = "align the pictures first: the library's alignFace makes such crops";

async function decodeAll(
  dataset: Dataset,
  indices: readonly number[],
  timings: Timings,
): Promise<Uint8ClampedArray[]> {
  const started = performance.now();
  const pictures: Uint8ClampedArray[] = [];
  for (const index of indices) {
    const where = dataset.where(index);
    const picture = await dataset.read(index);
    const { data } = await decodeCrop(picture, where, HOW_TO_ALIGN);
    pictures.push(data);
  }
  timings.decodeMs += performance.now() - started;
  return pictures;
}

async function embedView(
  model: Embedder,
  pictures: readonly Uint8ClampedArray[],
  { bgr, mirrored }: View,
  timings: Timings,
): Promise<Float32Array[]> {
  const faces = pictures.map((data) => ({
    data: mirrored ? mirror(data) : data,
    width: FACE_SIZE,
    height: FACE_SIZE,
    channels: bgr ? ('bgra' as const) : ('rgba' as const),
  }));
  const started = performance.now();
  const embeddings = await model.embedBatch(faces);
  timings.embedMs += performance.now() - started;
  timings.embedded += faces.length;
  return embeddings;
}

/** RGBA rows from right to left. */
function mirror(data: Uint8ClampedArray): Uint8ClampedArray {
  const pixels = new Uint32Array(Uint8ClampedArray.from(data).buffer);
  for (let row = 0; row < FACE_SIZE; row++) {
    pixels.subarray(row * FACE_SIZE, (row + 1) * FACE_SIZE).reverse();
  }
  return new Uint8ClampedArray(pixels.buffer);
}
