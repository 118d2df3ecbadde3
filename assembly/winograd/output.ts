import { ACT_PRELU, WinogradArgs } from '../args';
import { Epilogue } from '../gemm/epilogue';
import { F7 } from './f7';
import { F7S2 } from './f7s2';
import { OUTPUTS, positionsOf, S1, S2, TILE_VECTORS } from './strides';
import { Tiles } from './tiles';

/**
 * Products [pos][tile][8] of the panels at once -> y = act(A^T p A + bias + residual) of every tile of
 * the group. A tile's channels follow each other, because they share cache lines of y.
 */
export function transformOutputs(
  args: WinogradArgs,
  panel: i32,
  products: usize,
  work: usize,
): void {
  const vectors = min(2 * args.together, (args.oc >> 2) - 2 * panel);
  const result = work + TILE_VECTORS * 16;
  const pos = <usize>args.cBytes;
  for (let i = 0; i < args.tiles; i++, products += 32) {
    const tile = args.firstTile + i;
    for (let n: usize = 0; n < <usize>vectors; n++) {
      const src = products + (n >> 1) * args.panelBytes + ((n & 1) << 4);
      if (args.stride === 2) winograd_output_s2(src, pos, work, result);
      else winograd_output_s1(src, pos, work, result);
      finishTile(args, tile, ((<usize>panel) << 5) + (n << 4), result);
    }
  }
}

/** Epilogue of one vector of 4 channels, at byte `channel` of a pixel; `result` holds all outputs of the tile. */
function finishTile(args: WinogradArgs, tile: i32, channel: usize, result: usize): void {
  const bias = v128.load(args.bias + channel);
  const act = args.act;
  const actArgs = act === ACT_PRELU ? args.actArgs + channel : args.actArgs;
  const pixel = (<usize>args.oc) << 2;
  const y0 = Tiles.y(args, tile);
  const x0 = Tiles.x(args, tile);
  const rows = min(OUTPUTS, args.oh - y0);
  const cols = min(OUTPUTS, args.ow - x0);
  const corner = (Tiles.picture(args, tile) * args.oh + y0) * args.ow + x0;
  const residual = args.residual;
  for (let k = 0; k < rows; k++, result += OUTPUTS << 4) {
    let at = <usize>(corner + k * args.ow) * pixel + channel;
    const end = result + ((<usize>cols) << 4);
    for (let from = result; from < end; from += 16, at += pixel) {
      const sum = f32x4.add(v128.load(from), bias);
      v128.store(args.y + at, Epilogue.vector(sum, residual ? residual + at : 0, act, actArgs));
    }
  }
}

/** A^T p A of one vector, row by row; functions of their own, exported so that they stay so. */
export function winograd_output_s1(src: usize, pos: usize, work: usize, dst: usize): void {
  Output.run<S1>(src, pos, work, dst);
}

export function winograd_output_s2(src: usize, pos: usize, work: usize, dst: usize): void {
  Output.run<S2>(src, pos, work, dst);
}

/** Columns of p into `work`, [7][positions], then rows from there. */
class Output {
  @inline static run<S>(src: usize, pos: usize, work: usize, dst: usize): void {
    const t = <usize>positionsOf(<i32>offsetof<S>());
    const line = t << 4;
    for (let end = work + line, w = work; w < end; w += 16, src += pos) {
      Output.line<S>(src, t * pos, w, line);
    }
    for (let end = work + <usize>OUTPUTS * line; work < end; work += line, dst += OUTPUTS << 4) {
      Output.line<S>(work, 16, dst, 16);
    }
  }

  @inline static line<S>(src: usize, step: usize, dst: usize, dstStep: usize): void {
    if (offsetof<S>() === 2) F7S2.output(src, step, dst, dstStep);
    else F7.output(src, step, dst, dstStep);
  }
}
