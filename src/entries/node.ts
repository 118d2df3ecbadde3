/** The entry of Node, Deno and Bun: files, threads, kernels that load when they are needed. */

import { type LoadModel, loadModelOn } from '../engine/load.ts';
import { nodePlatform } from '../runtime/node.ts';

export * from '../api.ts';

/** Loads preconverted weights and returns a model that is ready to embed: see `LoadModel`. */
export const loadModel: LoadModel = (source, options) => loadModelOn(nodePlatform, source, options);
