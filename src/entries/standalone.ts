/** The entry that is one file, for content delivery networks and service workers: the simd kernels inside. */

import { type LoadModel, loadModelOn } from '../engine/load.ts';
import { standalonePlatform } from '../runtime/standalone.ts';

export * from '../api.ts';

/** Loads preconverted weights and returns a model that is ready to embed: see `LoadModel`. */
export const loadModel: LoadModel = (source, options) =>
  loadModelOn(standalonePlatform, source, options);
