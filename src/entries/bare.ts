/** The entry without kernels, for whoever imports a `.wasm` file: `options.wasm` brings them. */

import { type LoadModel, loadModelOn } from '../engine/load.ts';
import { webPlatform } from '../runtime/web.ts';

export * from '../api.ts';

/** Loads preconverted weights and returns a model that is ready to embed: see `LoadModel`. */
export const loadModel: LoadModel = (source, options) => loadModelOn(webPlatform, source, options);
