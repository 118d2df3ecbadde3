/**
 * Packed f32 weights as they are stored: one encoder per dtype of `graph/dtype.ts`. Receives weights
 * [P][taps][W][8] (`graph/layout.ts`), returns the stored values and their scales; weight = value * scale.
 * Rounds to nearest, ties to even; the same weights give the same bytes. Refuses weights beyond what a scale
 * can reach.
 */

import { ArcfaceError } from '../errors.ts';
import { float16Bits } from '../formats/float16.ts';
import { SCALE_GROUP, type SmallDtype } from '../graph/dtype.ts';
import { NR } from '../graph/layout.ts';

export interface StoredWeights {
  readonly values: Uint16Array | Int8Array;
  readonly scales: Float32Array;
}

/** [P, taps, W] of weights in panels. */
export type PanelShape = readonly [panels: number, taps: number, width: number];

type Encoder = (weights: Float32Array, shape: PanelShape, where: string) => StoredWeights;

/** Scales up to this are read (`f32_count_unscalable`), so weights reach 2^29. */
const MAX_SCALE = 2 ** 15;
/** Halves of an output go up to [2^14, 2^15): what is subnormal among them is below 2^-29 of the largest. */
const HALF_EXPONENT = 14;
const MAX_Q8 = 127;
/** Only weights that were quantised before reach it. */
const MIN_Q8 = -128;
/** By how much rounding to f32, of a weight and of its scale, moves it off its step: 128 halves of 2^-23. */
const OFF_STEP = 2 ** -16;

const ENCODERS: Readonly<Record<SmallDtype, Encoder>> = { f16: encodeHalves, q8: encodeBytes };

export function storeWeights(
  dtype: SmallDtype,
  weights: Float32Array,
  shape: PanelShape,
  where: string,
): StoredWeights {
  return ENCODERS[dtype](weights, shape, where);
}

function encodeHalves(weights: Float32Array, [panels, taps, width]: PanelShape, where: string) {
  const values = new Uint16Array(weights.length);
  const scales = new Float32Array(panels * NR);
  const rows = taps * width;
  for (let panel = 0; panel < panels; panel++) {
    const start = panel * rows * NR;
    const largest = largestOf(weights, start, rows);
    for (let o = 0; o < NR; o++) {
      const exponent = Math.floor(Math.log2(largest[o] || 1));
      const scale = checked(2 ** (exponent - HALF_EXPONENT), largest[o] as number, where);
      scales[panel * NR + o] = scale;
      for (let at = start + o; at < start + rows * NR; at += NR) {
        values[at] = float16Bits((weights[at] as number) / scale);
      }
    }
  }
  return { values, scales };
}

function encodeBytes(weights: Float32Array, [panels, taps, width]: PanelShape, where: string) {
  const values = new Int8Array(weights.length);
  const groups = Math.ceil(width / SCALE_GROUP);
  const scales = new Float32Array(panels * taps * groups * NR);
  let next = 0;
  for (let tap = 0; tap < panels * taps; tap++) {
    for (let group = 0; group < groups; group++) {
      const rows = Math.min(SCALE_GROUP, width - group * SCALE_GROUP);
      const start = (tap * width + group * SCALE_GROUP) * NR;
      const largest = largestOf(weights, start, rows);
      for (let o = 0; o < NR; o++) {
        const own = { weights, start: start + o, end: start + rows * NR };
        const most = largest[o] as number;
        const scale = checked(scaleOf(own, most), most, where);
        scales[next++] = scale;
        for (let at = own.start; at < own.end; at += NR) {
          const q = roundToEven((weights[at] as number) / scale);
          values[at] = Math.max(MIN_Q8, Math.min(MAX_Q8, q));
        }
      }
    }
  }
  return { values, scales };
}

/** The weights that share a scale: every eighth from `start` to `end`, without. */
interface Sharing {
  readonly weights: Float32Array;
  readonly start: number;
  readonly end: number;
}

/**
 * The step of which all weights are whole multiples, if there is one: so weights that were quantised before, in
 * whatever form their file says so, keep their numbers. Else what makes the largest 127 steps.
 */
function scaleOf(sharing: Sharing, largest: number): number {
  if (largest === 0) return 1;
  for (let steps = -MIN_Q8; steps > 0; steps--) {
    const step = largest / steps;
    if (areMultiples(sharing, step)) return Math.fround(step);
  }
  return Math.fround(largest / MAX_Q8);
}

function areMultiples({ weights, start, end }: Sharing, step: number): boolean {
  for (let at = start; at < end; at += NR) {
    const q = (weights[at] as number) / step;
    const off = Math.abs(q - Math.round(q));
    if (off > OFF_STEP || q > MAX_Q8 + OFF_STEP) return false;
  }
  return true;
}

/** The largest magnitude per output in `rows` rows of 8 from `start`. */
function largestOf(weights: Float32Array, start: number, rows: number): Float64Array {
  const largest = new Float64Array(NR);
  for (let at = start; at < start + rows * NR; at++) {
    const magnitude = Math.abs(weights[at] as number);
    const o = (at - start) % NR;
    if (magnitude > (largest[o] as number)) largest[o] = magnitude;
  }
  return largest;
}

function checked(scale: number, largest: number, where: string): number {
  if (scale <= MAX_SCALE) return scale;
  throw new ArcfaceError(
    'bad_model',
    `tensor "${where}": expected weights below 2^29 to store them small, got ${largest}; convert with --dtype f32`,
  );
}

function roundToEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest === 0.5) return down % 2 === 0 ? down : down + 1;
  return rest < 0.5 ? down : down + 1;
}
