/** Crops of an `lfw.bin` with whole folds of LFW's pairs: RGBA, each picture once. */
import { readFileSync } from 'node:fs';
import { readLfwBin } from '../../dist/dataset/lfw-bin.js';
import { decodePicture } from '../../dist/image/decode.js';

export const LFW_FOLDS = '../shared/data/lfw-folds-1-5.bin';
/** Two of each of 600 pairs. */
const PICTURES_OF_A_FOLD = 1200;

/**
 * Every `stride`-th distinct picture of the folds, which are numbered from 1. People of one fold are in no
 * other.
 * @returns {Promise<Uint8ClampedArray[]>}
 */
export async function cropsOfFolds(path, folds, stride = 1) {
  const { images } = readLfwBin(readFileSync(path), path);
  const distinct = new Map();
  for (const fold of folds) {
    const start = (fold - 1) * PICTURES_OF_A_FOLD;
    for (const image of images.slice(start, start + PICTURES_OF_A_FOLD)) {
      distinct.set(Buffer.from(image).toString('base64'), image);
    }
  }
  const chosen = [...distinct.values()].filter((_, i) => i % stride === 0);
  const crops = [];
  for (const image of chosen) crops.push((await decodePicture(image, path)).data);
  return crops;
}
