/**
 * The last look at constants before they are laid out: NaN and infinity are refused with the place,
 * subnormal and nearly subnormal values become 0. Training drives slopes and weights of dead
 * channels there, WebAssembly cannot flush them, and a CPU takes a hundred times longer over them.
 */

import { ArcfaceError } from '../errors.ts';

/** Far below anything that changes a result, far above the smallest normal f32 (1.2e-38). */
export const TINY = 1e-30;

/** Cleans in place; returns how many values became 0 that were not. */
export function cleanConstants(values: Float32Array, name: string): number {
  let cleaned = 0;
  let poison = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    // 0 for every finite value, NaN for NaN and infinity; NaN then stays.
    poison += value * 0;
    if (value < TINY && value > -TINY && value !== 0) {
      values[at] = 0;
      cleaned += 1;
    }
  }
  if (poison !== 0) throw notFinite(values, name);
  return cleaned;
}

function notFinite(values: Float32Array, name: string): ArcfaceError {
  const at = values.findIndex((value) => !Number.isFinite(value));
  return new ArcfaceError(
    'bad_model',
    `constant "${name}"[${at}]: expected a finite f32, got ${values[at]}`,
  );
}
