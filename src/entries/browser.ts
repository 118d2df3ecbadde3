/** The entry of browsers and their workers: kernels that load when they are needed. */

import { type LoadModel, loadModelOn } from '../engine/load.ts';
import { browserPlatform } from '../runtime/browser.ts';

export * from '../api.ts';

/** Loads preconverted weights and returns a model that is ready to embed: see `LoadModel`. */
export const loadModel: LoadModel = (source, options) =>
  loadModelOn(browserPlatform, source, options);
