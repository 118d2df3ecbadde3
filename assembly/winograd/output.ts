import { ACT_PRELU, WinogradArgs } from '../args';
import { Epilogue } from '../gemm/epilogue';
import { F7 } from './f7';
import { F7S2 } from './f7s2';
import { OUTPUTS, positionsOf, S1, S2, TILE_VECTORS } from './strides';
import { Tiles } from './tiles';
import { winograd_output_wide } from './wide';

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
    if (args.wide && args.stride === 1) {
      for (let q = 0; q < args.together; q++) {
        winograd_output_wide(products + <usize>q * args.panelBytes, pos, work, result);
        finishTile(args, tile, (<usize>panel + q) << 5, result, true);
      }
      continue;
    }
    for (let n: usize = 0; n < <usize>vectors; n++) {
      const src = products + (n >> 1) * args.panelBytes + ((n & 1) << 4);
      if (args.stride === 2) winograd_output_s2(src, pos, work, result);
      else winograd_output_s1(src, pos, work, result);
      finishTile(args, tile, ((<usize>panel) << 5) + (n << 4), result, false);
    }
  }
}

/**
 * Epilogue of a tile: one vector of 4 channels, or a pair of 8 (`wide`), at byte `channel` of a pixel; `result`
 * holds all outputs of the tile, [7][7] of that.
 */
function finishTile(
  args: WinogradArgs,
  tile: i32,
  channel: usize,
  result: usize,
  wide: bool,
): void {
  const step: usize = wide ? 32 : 16;
  const pixel = (<usize>args.oc) << 2;
  const isPair = wide && pixel - channel >= 32;
  const y0 = Tiles.y(args, tile);
  const x0 = Tiles.x(args, tile);
  const rows = min(OUTPUTS, args.oh - y0);
  const cols = min(OUTPUTS, args.ow - x0);
  const corner = (Tiles.picture(args, tile) * args.oh + y0) * args.ow + x0;
  const bias = args.bias + channel;
  const act = args.act;
  const actArgs = act === ACT_PRELU ? args.actArgs + channel : args.actArgs;
  for (let k = 0; k < rows; k++, result += step * OUTPUTS) {
    const at = <usize>(corner + k * args.ow) * pixel + channel;
    const residual = args.residual ? args.residual + at : 0;
    if (isPair)
      Epilogue.pairs(result, step, cols, bias, residual, act, actArgs, args.y + at, pixel);
    else Epilogue.singles(result, step, cols, bias, residual, act, actArgs, args.y + at, pixel);
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
