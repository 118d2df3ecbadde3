/**
 * The geometry of Winograd tiles, as the kernels have it in `assembly/winograd/grid.ts`: positions of a
 * tile, rows of the weight transform, and how full and short tiles cover a picture.
 */

export type WinogradTile = 4 | 5 | 6;
export type WinogradStride = 1 | 2;

/** How tiles cover one dimension: `full` tiles of m outputs, then short ones. */
export interface Coverage {
  readonly tiles: number;
  readonly full: number;
  /** Products per input and output channel. */
  readonly positions: number;
}

/** Outputs of a full tile in one dimension. At stride 2 only the tile of 4 exists. */
export const WINOGRAD_TILES: Readonly<Record<WinogradStride, readonly WinogradTile[]>> = {
  1: [4, 5, 6],
  2: [4],
};

/** Outputs and positions of a short tile. */
const SHORT = { 1: { outputs: 4, positions: 6 }, 2: { outputs: 2, positions: 5 } } as const;

/** Positions, and inputs, of a full tile in one dimension. */
export function positionsOf(m: WinogradTile, stride: WinogradStride): number {
  return stride === 2 ? 2 * m + 1 : m + 2;
}

/** Transforms of a filter in one dimension: at stride 2 four of nine positions share one. */
export function filterRows(m: WinogradTile, stride: WinogradStride): number {
  return stride === 2 ? 6 : m + 2;
}

/** The cover of `length` outputs with the fewest positions. */
export function coverage(length: number, m: WinogradTile, stride: WinogradStride): Coverage {
  const short = SHORT[stride];
  const covers = Array.from({ length: Math.ceil(length / m) + 1 }, (_, full) => {
    const rest = Math.ceil(Math.max(0, length - full * m) / short.outputs);
    const positions = full * positionsOf(m, stride) + rest * short.positions;
    return { tiles: full + rest, full, positions };
  });
  return covers.reduce((a, b) => (b.positions <= a.positions ? b : a));
}
