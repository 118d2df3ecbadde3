/** What browsers, workers and the like have in common: no files; one thread until a worker adapter exists here. */

import type { EmbeddedKernels, Platform } from './platform.ts';

export const webPlatform: Platform = {
  cores: () => globalThis.navigator?.hardwareConcurrency ?? 1,
  threadsRefused: () => 'this runtime has no worker adapter yet',
};

/** The same with kernels. Calls of it are marked pure, so that who only compares embeddings bundles none. */
export function withKernels(kernels: EmbeddedKernels): Platform {
  return { ...webPlatform, kernels };
}
