export { f32_conv_depthwise } from './conv/f32_conv_depthwise';
export { copy_rows, f32_conv_igemm } from './conv/f32_conv_igemm';
export { f32_gemm, tile1, tile2, tile3, tile4, tile5, tile6 } from './gemm/f32_gemm';
export { f32_gemm_wide, wide1, wide2, wide3, wide4 } from './gemm/f32_gemm_wide';
export { probe_paired, probe_single } from './gemm/probe';
export { f32_equalize_norms, f32_l2_normalize } from './head/f32_norm';
export { f32_global_average_pool } from './head/f32_reduce';
export {
  f16_count_nonfinite,
  f32_count_nonfinite,
  f32_count_unscalable,
} from './load/count_bad';
export {
  f32_add,
  f32_affine,
  f32_clip,
  f32_concat,
  f32_gate,
  f32_mul,
  f32_prelu,
  f32_sigmoid,
} from './pointwise/f32_pointwise';
export { barrier } from './thread/barrier';
export {
  f32_winograd_input,
  winograd_input_s1,
  winograd_input_s2,
} from './winograd/f32_winograd_input';
export { f32_winograd_multiply } from './winograd/f32_winograd_multiply';
export {
  filter_columns,
  filter_columns_s2,
  filter_row,
  filter_row_s2,
} from './winograd/filter';
export {
  filter_product,
  filter_product_0to3,
  filter_product_4to8,
} from './winograd/filter_product';
export { winograd_output_s1, winograd_output_s2 } from './winograd/output';
export { winograd_input_wide, winograd_output_wide } from './winograd/wide';
