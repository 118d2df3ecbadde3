import { WinogradArgs } from '../args';
import { OUTPUTS } from './strides';

/** Where a tile lies. Tiles count over pictures, then rows, then columns. */
export class Tiles {
  @inline static picture(args: WinogradArgs, tile: i32): i32 {
    return tile / (args.tilesY * args.tilesX);
  }

  /** First output row of a tile. */
  @inline static y(args: WinogradArgs, tile: i32): i32 {
    return ((tile / args.tilesX) % args.tilesY) * OUTPUTS;
  }

  /** First output column of a tile. */
  @inline static x(args: WinogradArgs, tile: i32): i32 {
    return (tile % args.tilesX) * OUTPUTS;
  }
}
