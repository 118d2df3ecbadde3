/** Edge isolates (workerd, edge-light): no files, no threads, and no kernels, since they compile no bytes. */

import type { Platform } from './platform.ts';

export const edgePlatform: Platform = {
  cores: () => 1,
  threadsRefused: () => 'edge isolates have no threads',
};
