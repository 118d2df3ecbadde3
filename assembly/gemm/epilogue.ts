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
}
