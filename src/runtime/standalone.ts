/** Browsers, service workers included, which refuse dynamic imports: the simd kernels come along. */

import simd from './binaries/simd.ts';
import { withKernels } from './web.ts';

export const standalonePlatform = /* @__PURE__ */ withKernels({ simd: async () => simd });
