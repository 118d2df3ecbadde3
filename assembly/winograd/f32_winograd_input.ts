import { WinogradArgs } from '../args';
import { Share } from '../thread/share';
import { F7 } from './f7';
import { F7S2 } from './f7s2';
import { positionsOf, S1, S2, TILE_VECTORS } from './strides';
import { Tiles } from './tiles';
import { winograd_input_wide } from './wide';

/** Vectors of channels of an item: large enough that the table of a tile costs little beside it. */
const ITEM_VECTORS: i32 = 32;

/**
 * f32_winograd_input: V[pos][tile][c] = (B^T d B)[pos] for every tile d of the group, row by row of positions
 *
 * Shapes      x [batch][ih][iw][ic]; V positions `vBytes` apart, tiles ic * 4 bytes apart
 * Padding     outside the picture d is pad[c]: a batch norm folds through it (docs/numerics.md)
 * Method      a table holds the address of every input of a tile, or of the padding; then one vector
 *             of 4 channels at a time: columns through the table into the work tile, rows from there. Two
 *             vectors where the plan is for pairs (`wide.ts`)
 * Scratch     per thread: the work tile | the table, an address per input, column by column
 * Threads     share the items: a tile and ITEM_VECTORS vectors of its channels
 * Over-read   none. Aliasing: V overlaps neither x nor scratch
 */
export function f32_winograd_input(block: usize, thread: i32, threads: i32): void {
  const args = changetype<WinogradArgs>(block);
  const vectors = args.ic >> 2;
  const parts = (vectors + ITEM_VECTORS - 1) / ITEM_VECTORS;
  const items = args.tiles * parts;
  const work = args.scratch + <usize>thread * args.scratchBytes;
  const table = work + TILE_VECTORS * 16;
  let item = Share.first(items, thread, threads);
  for (; item >= 0; item = Share.next(item, items, thread, threads)) {
    const own = item / parts;
    const tile = args.firstTile + own;
    const first = (item - own * parts) * ITEM_VECTORS;
    const last = min(first + ITEM_VECTORS, vectors);
    const dst = args.v + <usize>own * ((<usize>args.ic) << 2);
    writeTable(args, tile, table);
    const end = (<usize>last) << 4;
    let c = (<usize>first) << 4;
    if (args.wide && args.stride === 1) {
      for (; c + 32 <= end; c += 32) winograd_input_wide(table, c, work, dst + c, args.vBytes);
    }
    for (; c < end; c += 16) {
      if (args.stride === 2) winograd_input_s2(table, c, work, dst + c, args.vBytes);
      else winograd_input_s1(table, c, work, dst + c, args.vBytes);
    }
  }
}

/** Addresses of channel 0 of a tile's inputs, column by column. */
function writeTable(args: WinogradArgs, tile: i32, table: usize): void {
  const t = positionsOf(args.stride);
  const y0 = Tiles.y(args, tile) * args.stride - args.ph;
  const x0 = Tiles.x(args, tile) * args.stride - args.pw;
  const pixel = (<usize>args.ic) << 2;
  const image = args.x + <usize>(Tiles.picture(args, tile) * args.ih * args.iw) * pixel;
  for (let x = x0; x < x0 + t; x++) {
    const hit = <u32>x < <u32>args.iw;
    for (let y = y0; y < y0 + t; y++, table += 4) {
      const inside = hit && <u32>y < <u32>args.ih;
      store<usize>(table, inside ? image + <usize>(y * args.iw + x) * pixel : args.pad);
    }
  }
}

/** One vector of a tile; functions of their own, exported so that they stay so. */
export function winograd_input_s1(a: usize, c: usize, work: usize, dst: usize, pos: usize): void {
  Input.run<S1>(a, c, work, dst, pos);
}

export function winograd_input_s2(a: usize, c: usize, work: usize, dst: usize, pos: usize): void {
  Input.run<S2>(a, c, work, dst, pos);
}

class Input {
  /** The vector at byte c of every input of table `a`; `pos` is the byte step between positions of V. */
  @inline static run<S>(a: usize, c: usize, work: usize, dst: usize, pos: usize): void {
    const t = <usize>positionsOf(<i32>offsetof<S>());
    const line = t << 4;
    for (let end = work + line, w = work; w < end; w += 16, a += t << 2) {
      if (offsetof<S>() === 2) Input.columnS2(a, c, w, line);
      else Input.columnS1(a, c, w, line);
    }
    for (let end = work + t * line; work < end; work += line, dst += t * pos) {
      if (offsetof<S>() === 2) Input.rowS2(work, dst, pos);
      else Input.rowS1(work, dst, pos);
    }
  }

  /** Input r of the column whose addresses begin at a. */
  @inline static at(a: usize, r: usize, c: usize): v128 {
    return v128.load(load<usize>(a + (r << 2)) + c);
  }

  // biome-ignore format: nine inputs
  @inline static columnS1(a: usize, c: usize, dst: usize, line: usize): void {
    F7.input(
      Input.at(a, 0, c), Input.at(a, 1, c), Input.at(a, 2, c), Input.at(a, 3, c), Input.at(a, 4, c),
      Input.at(a, 5, c), Input.at(a, 6, c), Input.at(a, 7, c), Input.at(a, 8, c), dst, line,
    );
  }

  // biome-ignore format: nine inputs
  @inline static rowS1(src: usize, dst: usize, pos: usize): void {
    F7.input(
      v128.load(src), v128.load(src, 16), v128.load(src, 32), v128.load(src, 48), v128.load(src, 64),
      v128.load(src, 80), v128.load(src, 96), v128.load(src, 112), v128.load(src, 128), dst, pos,
    );
  }

  // biome-ignore format: eight inputs
  @inline static columnS2(a: usize, c: usize, dst: usize, line: usize): void {
    F7S2.input(
      Input.at(a, 0, c), Input.at(a, 2, c), Input.at(a, 4, c), Input.at(a, 6, c), Input.at(a, 8, c),
      Input.at(a, 10, c), Input.at(a, 12, c), Input.at(a, 14, c), dst, line,
    );
    dst += 8 * line;
    for (let r: usize = 1; r < 15; r += 2, dst += line) v128.store(dst, Input.at(a, r, c));
  }

  // biome-ignore format: eight inputs
  @inline static rowS2(src: usize, dst: usize, pos: usize): void {
    F7S2.input(
      v128.load(src), v128.load(src, 32), v128.load(src, 64), v128.load(src, 96), v128.load(src, 128),
      v128.load(src, 160), v128.load(src, 192), v128.load(src, 224), dst, pos,
    );
    dst += 8 * pos;
    for (let end = src + 14 * 16; src < end; src += 32, dst += pos) {
      v128.store(dst, v128.load(src, 16));
    }
  }
}
