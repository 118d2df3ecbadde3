/** Browsers and their workers, with kernels that load when they are needed. */

import { embeddedKernels } from './embedded.ts';
import { withKernels } from './web.ts';

export const browserPlatform = /* @__PURE__ */ withKernels(embeddedKernels);
