/** The kernels that travel inside the package, each a module of its own that loads when it is needed. */

import type { EmbeddedKernels } from './platform.ts';

export const embeddedKernels: EmbeddedKernels = {
  simd: async () => (await import('./binaries/simd.ts')).default,
  relaxed: async () => (await import('./binaries/relaxed.ts')).default,
  'simd-threads': async () => (await import('./binaries/simd-threads.ts')).default,
  'relaxed-threads': async () => (await import('./binaries/relaxed-threads.ts')).default,
};
