/**
 * f32_gemm as a convolution calls it: a block of pixels that stays in L2, rows through pointers,
 * one call per tap and panel of 8 outputs. The picture has a border of one pixel, so no tap needs a
 * padding vector; nothing but the tile is measured.
 */

export const name = 'f32_gemm';

const BASE = 1024;
/** Bytes of a block of pixels, as in src/compile/steps.ts: of inputs, or of one tap's inputs and outputs. */
const BLOCK_BYTES = 128 * 1024;
const POINT_BLOCK_BYTES = 32 * 1024;

/**
 * @param {{side: number, kernel: number, stride: number, ic: number, oc: number}} shape
 * @param {() => number} random in -1..1
 * @returns {{run: () => void, check: () => void, macs: number, size: string}}
 */
export function prepare(createExports, shape, random) {
  const layer = layOut(shape);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(layer.end / 65536) });
  const multiply = createExports(memory)[name];
  const floats = new Float32Array(memory.buffer);
  for (let i = layer.a / 4; i < layer.table / 4; i++) floats[i] = random();
  writeTable(layer, new Int32Array(memory.buffer));
  const { rows, k, taps, panels, oc, table } = layer;
  return {
    size: `${rows}x${k * taps}x${oc}`,
    macs: rows * k * taps * oc,
    run() {
      for (let p = 0; p < panels; p++) {
        const c = layer.c + p * rows * 32;
        for (let tap = 0; tap < taps; tap++) {
          const b = layer.b + (p * taps + tap) * k * 32;
          multiply(rows, k, table, layer.tapOffsets[tap], b, c, tap);
        }
      }
    },
    check: () => compare(layer, floats),
  };
}

const wholeTiles = (rows) => Math.floor(rows / 12) * 12;

/** Addresses, one after the other: A | B | row table | C, C as one [rows][8] per panel. */
function layOut({ side, kernel, stride, ic, oc }) {
  const width = side + kernel - 1;
  const out = side / stride;
  const taps = kernel * kernel;
  const fitting =
    taps === 1
      ? Math.max(24, wholeTiles(POINT_BLOCK_BYTES / ((ic + oc) * 4)))
      : Math.max(60, wholeTiles(BLOCK_BYTES / (stride * stride * ic * 4)));
  const rows = Math.min(out * out, fitting);
  const panels = oc / 8;
  const a = BASE;
  const b = a + width * width * ic * 4;
  const table = b + panels * taps * ic * 32;
  const c = Math.ceil((table + rows * 4) / 64) * 64;
  const end = c + rows * oc * 4;
  const tapOffsets = Array.from({ length: taps }, (_, tap) => {
    return (Math.floor(tap / kernel) * width + (tap % kernel)) * ic * 4;
  });
  return { width, out, stride, taps, tapOffsets, k: ic, oc, rows, panels, a, b, table, c, end };
}

/** Where the first tap of each pixel lies. */
function writeTable({ table, rows, out, stride, width, a, k }, words) {
  for (let row = 0; row < rows; row++) {
    const y = Math.floor(row / out) * stride;
    const x = (row % out) * stride;
    words[table / 4 + row] = a + (y * width + x) * k * 4;
  }
}

/**
 * Every output against a float64 sum. A step rounds a partial sum of about sqrt(K) / 3 by half an
 * ulp, so K steps err by K * 2^-27 on average; the bound is sixteen times that.
 */
function compare(layer, floats) {
  const { rows, k, taps, oc } = layer;
  const words = new Int32Array(floats.buffer);
  const bound = 2 ** -23 * k * taps;
  for (let row = 0; row < rows; row++) {
    const sums = sumRow(layer, floats, words[layer.table / 4 + row]);
    for (let o = 0; o < oc; o++) {
      const got = floats[layer.c / 4 + ((o >> 3) * rows + row) * 8 + (o & 7)];
      if (Math.abs(got - sums[o]) <= bound) continue;
      throw new Error(`${name}: row ${row}, output ${o}: expected ${sums[o]}, got ${got}`);
    }
  }
}

function sumRow({ k, taps, panels, oc, tapOffsets, b: weights }, floats, address) {
  const sums = new Float64Array(oc);
  for (let at = 0; at < panels * taps; at++) {
    const first = Math.floor(at / taps) * 8;
    const a = (address + tapOffsets[at % taps]) / 4;
    let b = weights / 4 + at * k * 8;
    for (let i = 0; i < k; i++) {
      const value = floats[a + i];
      for (let j = 0; j < 8; j++) sums[first + j] += value * floats[b++];
    }
  }
  return sums;
}
