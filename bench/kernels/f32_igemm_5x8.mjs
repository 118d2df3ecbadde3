/**
 * f32_igemm_5x8 as a convolution calls it: a block of pixels that stays in L2, rows through
 * pointers, every panel of 8 outputs over it. The picture has a border of one pixel, so no tap
 * needs a padding vector; nothing but the tile is measured.
 */

export const name = 'f32_igemm_5x8';

const BASE = 1024;
/** Input bytes of a block of pixels, as in src/compile/steps.ts. */
const BLOCK_BYTES = 256 * 1024;

/**
 * @param {{side: number, kernel: number, stride: number, ic: number, oc: number}} shape
 * @param {() => number} random in -1..1
 * @returns {{run: () => void, check: () => void, macs: number, size: string}}
 */
export function prepare(createExports, shape, random) {
  const layer = layOut(shape);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(layer.end / 65536) });
  const exports = createExports(memory);
  const floats = new Float32Array(memory.buffer);
  for (let i = layer.a / 4; i < layer.table / 4; i++) floats[i] = random();
  writeTable(layer, new Int32Array(memory.buffer));
  const { rows, k, taps, panels, oc } = layer;
  return {
    size: `${rows}x${k * taps}x${oc}`,
    macs: rows * k * taps * oc,
    run() {
      for (let p = 0; p < panels; p++) {
        const b = layer.b + p * taps * k * 32;
        const bias = layer.bias + p * 32;
        exports[name](rows, k, taps, layer.table, 0, b, layer.c + p * 32, oc * 4, 8, bias, 0, 0, 0);
      }
    },
    check: () => compare(layer, floats),
  };
}

/** Addresses, one after the other: A | B | bias | row table | C. */
function layOut({ side, kernel, stride, ic, oc }) {
  const width = side + kernel - 1;
  const out = side / stride;
  const taps = kernel * kernel;
  const fitting = Math.floor(BLOCK_BYTES / (stride * stride * ic * 4) / 5) * 5;
  const rows = Math.min(out * out, Math.max(40, fitting));
  const panels = oc / 8;
  const a = BASE;
  const b = a + width * width * ic * 4;
  const bias = b + panels * taps * ic * 32;
  const table = bias + oc * 4;
  const c = Math.ceil((table + rows * taps * 4) / 64) * 64;
  const end = c + rows * oc * 4;
  return { width, out, stride, kernel, taps, k: ic, oc, rows, panels, a, b, bias, table, c, end };
}

/** The tile's rows, as `nextRows` in assembly/gemm/rows.ts cuts M: [tile][tap][row]. */
function writeTable(layer, words) {
  let at = layer.table / 4;
  for (let done = 0; done < layer.rows; ) {
    const left = layer.rows - done;
    const rows = left === 6 ? 3 : left === 7 ? 4 : Math.min(left, 5);
    for (let tap = 0; tap < layer.taps; tap++) {
      for (let r = 0; r < rows; r++) words[at++] = addressOf(layer, done + r, tap);
    }
    done += rows;
  }
}

function addressOf({ width, out, stride, kernel, k, a }, row, tap) {
  const y = Math.floor(row / out) * stride + Math.floor(tap / kernel);
  const x = (row % out) * stride + (tap % kernel);
  return a + (y * width + x) * k * 4;
}

/**
 * Every output against a float64 sum. A step rounds a partial sum of about sqrt(K) / 3 by half an
 * ulp, so K steps err by K * 2^-27 on average; the bound is sixteen times that.
 */
function compare(layer, floats) {
  const { rows, k, taps, oc } = layer;
  const sums = new Float64Array(oc);
  for (let row = 0; row < rows; row++) {
    for (let o = 0; o < oc; o++) sums[o] = floats[layer.bias / 4 + o];
    for (let tap = 0; tap < taps; tap++) addTap(layer, floats, sums, row, tap);
    for (let o = 0; o < oc; o++) {
      const got = floats[layer.c / 4 + row * oc + o];
      const bound = 2 ** -23 * k * taps;
      if (Math.abs(got - sums[o]) <= bound) continue;
      throw new Error(`${name}: row ${row}, output ${o}: expected ${sums[o]}, got ${got}`);
    }
  }
}

function addTap(layer, floats, sums, row, tap) {
  const { k, taps, panels } = layer;
  const a = addressOf(layer, row, tap) / 4;
  for (let panel = 0; panel < panels; panel++) {
    let b = layer.b / 4 + (panel * taps + tap) * k * 8;
    for (let i = 0; i < k; i++) {
      const value = floats[a + i];
      for (let j = 0; j < 8; j++) sums[panel * 8 + j] += value * floats[b++];
    }
  }
}
