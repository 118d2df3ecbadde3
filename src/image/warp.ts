/**
 * Affine warp with bilinear interpolation and border 0, in the fixed-point arithmetic of OpenCV's
 * 8-bit `warpAffine` (imgwarp; a test compares with 4.14): the inverse matrix in f64, coordinates in 1/1024 pixel
 * per row and column, then cut to 1/32 pixel, weights exact in 10 bits. InsightFace's training crops
 * were made that way. A float warp differs by up to a few grey levels at sharp edges.
 */

/** Bytes of a checked picture. `step` samples per pixel, red at `red`, blue at `2 - red`. */
export interface WarpSource {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly step: number;
  readonly red: 0 | 2;
}

/** Forward matrix, source to crop: [m00, m01, m02, m10, m11, m12]. */
export type Affine = readonly [number, number, number, number, number, number];

const COORDINATE_BITS = 10;
const FRACTION_BITS = 5;
const FRACTION = 1 << FRACTION_BITS;
/** Half of 1/32 pixel, in 1/1024 pixel. */
const HALF_STEP = (1 << (COORDINATE_BITS - FRACTION_BITS)) / 2;

/** RGB bytes [size, size, 3]. */
export function warp(source: WarpSource, forward: Affine, size: number): Uint8Array {
  const [m00, m01, m02, m10, m11, m12] = invert(forward);
  const out = new Uint8Array(size * size * 3);
  const deltaX = Int32Array.from({ length: size }, (_, x) => fixed(m00 * x));
  const deltaY = Int32Array.from({ length: size }, (_, x) => fixed(m10 * x));
  for (let y = 0; y < size; y++) {
    const rowX = fixed(m01 * y + m02) + HALF_STEP;
    const rowY = fixed(m11 * y + m12) + HALF_STEP;
    for (let x = 0; x < size; x++) {
      const sx = (rowX + (deltaX[x] as number)) >> (COORDINATE_BITS - FRACTION_BITS);
      const sy = (rowY + (deltaY[x] as number)) >> (COORDINATE_BITS - FRACTION_BITS);
      sample(source, sx, sy, out, (y * size + x) * 3);
    }
  }
  return out;
}

function invert([m00, m01, m02, m10, m11, m12]: Affine): Affine {
  const d = 1 / (m00 * m11 - m01 * m10);
  const [i00, i01, i10, i11] = [m11 * d, -m01 * d, -m10 * d, m00 * d];
  return [i00, i01, -i00 * m02 - i01 * m12, i10, i11, -i10 * m02 - i11 * m12];
}

/** To 1/1024 pixel, halves to even as `cvRound` does. */
function fixed(value: number): number {
  const scaled = value * (1 << COORDINATE_BITS);
  const rounded = Math.round(scaled);
  return rounded - scaled === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** The RGB value at (sx, sy), in 1/32 pixel. Neighbours outside the picture count as 0. */
function sample(source: WarpSource, sx: number, sy: number, out: Uint8Array, at: number): void {
  const { bytes, width, height, step, red } = source;
  const left = sx >> FRACTION_BITS;
  const top = sy >> FRACTION_BITS;
  const fx = sx & (FRACTION - 1);
  const fy = sy & (FRACTION - 1);
  let [r, g, b] = [0, 0, 0];
  for (let tap = 0; tap < 4; tap++) {
    const x = left + (tap & 1);
    const y = top + (tap >> 1);
    if (x < 0 || y < 0 || x >= width || y >= height) continue;
    const weight = (tap & 1 ? fx : FRACTION - fx) * (tap >> 1 ? fy : FRACTION - fy);
    const from = (y * width + x) * step;
    r += weight * (bytes[from + red] as number);
    g += weight * (bytes[from + 1] as number);
    b += weight * (bytes[from + 2 - red] as number);
  }
  const shift = 2 * FRACTION_BITS;
  const half = 1 << (shift - 1);
  out[at] = (r + half) >> shift;
  out[at + 1] = (g + half) >> shift;
  out[at + 2] = (b + half) >> shift;
}
