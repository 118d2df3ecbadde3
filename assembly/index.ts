export { f32_conv_depthwise } from './conv/f32_conv_depthwise';
export { f32_conv_igemm } from './conv/f32_conv_igemm';
export { f32_gemm_5x8, tile5 } from './gemm/f32_gemm_5x8';
export { f32_count_nonfinite } from './head/f32_count_nonfinite';
export { f32_global_average_pool, f32_l2_normalize } from './head/f32_reduce';
export {
  f32_add,
  f32_affine,
  f32_clip,
  f32_gate,
  f32_prelu,
  f32_sigmoid,
} from './pointwise/f32_pointwise';
export { barrier } from './thread/barrier';
export { f32_winograd_input } from './winograd/f32_winograd_input';
export { f32_winograd_multiply } from './winograd/f32_winograd_multiply';
export { filters_f4, filters_f5, filters_f6, filters_s4 } from './winograd/weight';
