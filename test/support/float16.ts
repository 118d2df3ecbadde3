/** The bytes of a file that holds halves. */

import { float16Bits } from '../../src/formats/float16.ts';

/** Little endian; values beyond 65504 become infinite. */
export function encodeFloat16(values: Float32Array): Uint8Array {
  return new Uint8Array(Uint16Array.from(values, float16Bits).buffer);
}
