import { KC } from './rows';

/**
 * Weights on their way from memory into products: the only file that knows how they are stored.
 *
 * A panel holds the weights of 8 outputs as rows of 8, one row per tap and input channel:
 *
 *   DTYPE_F32   32 bytes a row, read where they lie
 *   DTYPE_F16   16 bytes a row, IEEE halves; w = half * scale, one scale per output, a power of two that
 *               keeps every half of the panel far from the subnormal ones
 *   DTYPE_Q8     8 bytes a row, signed; w = q * scale, one scale per output, tap and group of 64 channels
 *
 * Both are brought into f32 before they are multiplied: one rounding (none for halves), so the same bits in
 * every runtime, and arithmetic stays that of f32.
 */
export const DTYPE_F32: i32 = 0;
export const DTYPE_F16: i32 = 1;
export const DTYPE_Q8: i32 = 2;

/** Rows that share their scales: those that are summed before they join a longer sum. */
export const GROUP: i32 = KC;

/** log2 of the bytes of a row of 8 weights. */
export function rowShift(dtype: i32): i32 {
  return 5 - dtype;
}

/**
 * Address of the 8 scales of a row: [panels][8] for halves, else [panels][taps][groups][8] with
 * `channels` rows a tap.
 */
export function scalesOf(
  dtype: i32,
  scales: usize,
  panel: i32,
  taps: i32,
  tap: i32,
  channels: i32,
  channel: i32,
): usize {
  if (dtype === DTYPE_F16) return scales + ((<usize>panel) << 5);
  const groups = (channels + GROUP - 1) / GROUP;
  return scales + ((<usize>((panel * taps + tap) * groups + channel / GROUP)) << 5);
}

/**
 * bring: dst [rows][8] = `rows` rows of 8 weights at `src`, in f32. `scales` are those of the first row,
 * which is the first of a group.
 *
 * Registers   scales 2 + mask + row 1 + halves 2; integers: src, dst, end
 * Over-read   none. Aliasing: none
 */
export function bring(src: usize, scales: usize, rows: i32, dtype: i32, dst: usize): void {
  if (dtype === DTYPE_F16) bringHalves(src, scales, dst, dst + ((<usize>rows) << 5));
  else bringBytes(src, scales, dst, dst + ((<usize>rows) << 5));
}

/**
 * A half s|eeeee|mmmmmmmmmm, sign-extended and moved up by 13, is a float with sign and mantissa in place
 * and an exponent that is 112 too small; the sign's copies in between are masked away. Subnormal halves
 * come out right too, only slowly on some machines.
 */
function bringHalves(src: usize, scales: usize, dst: usize, end: usize): void {
  const mask = i32x4.splat(0x8fffffff);
  const unbias = f32x4.splat(reinterpret<f32>((112 + 127) << 23));
  const low = f32x4.mul(v128.load(scales), unbias);
  const high = f32x4.mul(v128.load(scales, 16), unbias);
  for (; dst < end; src += 16, dst += 32) {
    const a = v128.and(i32x4.shl(v128.load16x4_s(src), 13), mask);
    const b = v128.and(i32x4.shl(v128.load16x4_s(src, 8), 13), mask);
    v128.store(dst, f32x4.mul(a, low));
    v128.store(dst, f32x4.mul(b, high), 16);
  }
}

function bringBytes(src: usize, scales: usize, dst: usize, end: usize): void {
  while (dst < end) {
    const low = v128.load(scales);
    const high = v128.load(scales, 16);
    const groupEnd = min(end, dst + ((<usize>GROUP) << 5));
    for (; dst < groupEnd; src += 8, dst += 32) {
      const row = v128.load8x8_s(src);
      const a = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(row));
      const b = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(row));
      v128.store(dst, f32x4.mul(a, low));
      v128.store(dst, f32x4.mul(b, high), 16);
    }
    scales += 32;
  }
}

/**
 * Reads a panel of weights once from end to end, so that it comes from DRAM with as many cache misses
 * under way as the core has: a loop with arithmetic between the loads waits longer for each
 * (docs/adr/0005). What is read is stored in the vector at `work`, or the compiler would drop the loads.
 */
export function fetch(src: usize, bytes: usize, work: usize): void {
  let seen = f32x4.splat(0);
  for (let end = src + bytes; src < end; src += 64) seen = v128.xor(seen, v128.load(src));
  v128.store(work, seen);
}
