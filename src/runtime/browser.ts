/** Browsers and workers: no files; one thread until a worker adapter exists here. */

import type { Platform } from './platform.ts';

export const browserPlatform: Platform = {
  name: 'browser',
  cores: () => globalThis.navigator?.hardwareConcurrency ?? 1,
  threadsRefused: () => 'this runtime has no worker adapter yet',
};
