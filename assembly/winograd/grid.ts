import { WinogradArgs } from '../args';

/**
 * How tiles cover a picture: in each dimension `full` tiles of m outputs, then short ones (4 outputs
 * at stride 1, 2 at stride 2), so that 14 = 5 + 5 + 4 with 20 positions instead of 21, and
 * 28 = 4 * 6 + 4 with 38 instead of 40.
 *
 * A short tile has the first positions of a full one. So every position belongs to all tiles, or to
 * those that are full in y, in x, or in both. Tiles are ordered by kind,
 *
 *   0: full in y, short in x    1: full in both    2: short in y, full in x    3: short in both
 *
 * and within a kind by picture, row and column: then the tiles of any position are neighbours.
 */
export class Grid {
  /** Positions, and inputs, of a full tile in one dimension. */
  @inline static t(args: WinogradArgs): i32 {
    return args.stride === 2 ? 2 * args.m + 1 : args.m + 2;
  }

  @inline static short(args: WinogradArgs): i32 {
    return args.stride === 2 ? 2 : 4;
  }

  @inline static shortPositions(args: WinogradArgs): i32 {
    return args.stride === 2 ? 5 : 6;
  }

  @inline static isShortY(kind: i32): bool {
    return kind > 1;
  }

  @inline static isShortX(kind: i32): bool {
    return kind === 0 || kind === 3;
  }

  /** Outputs of a tile of a kind. */
  @inline static my(args: WinogradArgs, kind: i32): i32 {
    return Grid.isShortY(kind) ? Grid.short(args) : args.m;
  }

  @inline static mx(args: WinogradArgs, kind: i32): i32 {
    return Grid.isShortX(kind) ? Grid.short(args) : args.m;
  }

  /** Rows of tiles of a kind. */
  @inline static rows(args: WinogradArgs, kind: i32): i32 {
    return Grid.isShortY(kind) ? args.tilesY - args.fullY : args.fullY;
  }

  /** Columns of tiles of a kind. */
  @inline static cols(args: WinogradArgs, kind: i32): i32 {
    return Grid.isShortX(kind) ? args.tilesX - args.fullX : args.fullX;
  }

  /** Tiles of a kind in all pictures. */
  @inline static count(args: WinogradArgs, kind: i32): i32 {
    return args.batch * Grid.rows(args, kind) * Grid.cols(args, kind);
  }

  /** The first tile that uses position (i, j), for any i. */
  @inline static first(args: WinogradArgs, j: i32): i32 {
    return j < Grid.shortPositions(args) ? 0 : Grid.count(args, 0);
  }

  /** One more than the last tile that uses position (i, j). */
  @inline static end(args: WinogradArgs, i: i32, j: i32): i32 {
    const shared = Grid.shortPositions(args);
    const fullInY = Grid.count(args, 0) + Grid.count(args, 1);
    if (i >= shared) return fullInY;
    const fullInX = fullInY + Grid.count(args, 2);
    return j < shared ? fullInX + Grid.count(args, 3) : fullInX;
  }

  /** First output row of the tiles in row `ty` of a kind. */
  @inline static y(args: WinogradArgs, kind: i32, ty: i32): i32 {
    return Grid.isShortY(kind) ? args.fullY * args.m + ty * Grid.short(args) : ty * args.m;
  }

  /** First output column of the tiles in column `tx` of a kind. */
  @inline static x(args: WinogradArgs, kind: i32, tx: i32): i32 {
    return Grid.isShortX(kind) ? args.fullX * args.m + tx * Grid.short(args) : tx * args.m;
  }
}
