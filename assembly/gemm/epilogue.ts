import { ACT_CLIP, ACT_NONE, ACT_PRELU } from '../args';
import { simd } from '../simd';

/** y = act(v + residual): what every convolution does to a sum before it is stored. */
export class Epilogue {
  /** `residual`: address of 4 floats or 0; `actArgs`: address of 4 slopes, or of min and max. */
  @inline static vector(v: v128, residual: usize, act: i32, actArgs: usize): v128 {
    if (residual) v = f32x4.add(v, v128.load(residual));
    if (act === ACT_NONE) return v;
    if (act === ACT_PRELU) return simd.prelu(v, v128.load(actArgs));
    if (act === ACT_CLIP) {
      return f32x4.min(f32x4.max(v, v128.load32_splat(actArgs)), v128.load32_splat(actArgs, 4));
    }
    return v;
  }

  // biome-ignore format: nine arguments
  /**
   * `count` pixels of 8 channels: sums `from` bytes apart at `src`, residual and y `pixel` bytes apart. Both halves
   * take each step together, so that an engine can pair them (docs/adr/0010).
   */
  @inline static pairs(
    src: usize, from: usize, count: i32, bias: usize, residual: usize, act: i32, actArgs: usize, y: usize, pixel: usize,
  ): void {
    const bias0 = v128.load(bias), bias1 = v128.load(bias, 16);
    const toResidual = residual - y;
    for (let end = y + <usize>count * pixel; y < end; y += pixel, src += from) {
      let a = f32x4.add(v128.load(src), bias0), b = f32x4.add(v128.load(src, 16), bias1);
      if (residual) {
        a = f32x4.add(a, v128.load(y + toResidual));
        b = f32x4.add(b, v128.load(y + toResidual, 16));
      }
      if (act === ACT_PRELU) {
        a = simd.prelu(a, v128.load(actArgs));
        b = simd.prelu(b, v128.load(actArgs, 16));
      } else if (act === ACT_CLIP) {
        const low = v128.load32_splat(actArgs), high = v128.load32_splat(actArgs, 4);
        a = f32x4.min(f32x4.max(a, low), high);
        b = f32x4.min(f32x4.max(b, low), high);
      }
      v128.store(y, a);
      v128.store(y, b, 16);
    }
  }

  // biome-ignore format: nine arguments
  /** The same for 4 channels. */
  @inline static singles(
    src: usize, from: usize, count: i32, bias: usize, residual: usize, act: i32, actArgs: usize, y: usize, pixel: usize,
  ): void {
    const first = v128.load(bias);
    const toResidual = residual - y;
    for (let end = y + <usize>count * pixel; y < end; y += pixel, src += from) {
      const v = f32x4.add(v128.load(src), first);
      v128.store(y, Epilogue.vector(v, residual ? y + toResidual : 0, act, actArgs));
    }
  }
}
