/** The entry of edge isolates (workerd, edge-light): no kernels inside, `options.wasm` brings a Module. */

import { type LoadModel, loadModelOn } from '../engine/load.ts';
import { edgePlatform } from '../runtime/edge.ts';

export * from '../api.ts';

/** Loads preconverted weights and returns a model that is ready to embed: see `LoadModel`. */
export const loadModel: LoadModel = (source, options) => loadModelOn(edgePlatform, source, options);
