/**
 * Argument blocks of the step kernels: one 32-bit word per field, in this order. The host writes
 * them once per plan (`src/compile/args.ts` has the same names in the same order; a test compares).
 * Addresses and `...Bytes` are bytes, everything else counts.
 */

/** What happens to an accumulator before it is stored: y = act(acc + bias + residual). */
export const ACT_NONE: i32 = 0;
/** `actArgs` is the address of one slope per output channel. */
export const ACT_PRELU: i32 = 1;
/** `actArgs` is the address of two floats, min and max. */
export const ACT_CLIP: i32 = 2;

/** Convolution of any kernel, stride, padding and group; activations NHWC. */
@unmanaged
export class ConvArgs {
  x: usize;
  y: usize;
  weight: usize;
  /** How the weights are stored: a DTYPE of `gemm/bring.ts`, and the address of their scales. */
  dtype: i32;
  scales: usize;
  bias: usize;
  /** One padding value per input channel. */
  pad: usize;
  /** Same layout as y, or 0 for none. */
  residual: usize;
  act: i32;
  actArgs: usize;
  batch: i32;
  ih: i32;
  iw: i32;
  /** Channel stride of x in elements (a multiple of 4). */
  ic: i32;
  oh: i32;
  ow: i32;
  /** Channel stride of y in elements (a multiple of 4). */
  oc: i32;
  kh: i32;
  kw: i32;
  sh: i32;
  sw: i32;
  ph: i32;
  pw: i32;
  /** Input channels that one panel of 8 outputs reads (a multiple of 4). */
  window: i32;
  /** Input and output channels per group; 0 and 0 for a dense convolution. */
  inPerGroup: i32;
  outPerGroup: i32;
  /** Output pixels per cache block. */
  block: i32;
  /** 1: rows are copied, K = kh * kw * window in one product; only for a dense convolution. */
  im2col: i32;
  /**
   * 1: threads share the panels; 0: they share the blocks of pixels. Weights that are not f32 are brought
   * into scratch panel by panel in the first case, all before the first block in the second.
   */
  splitPanels: i32;
  /** Per-thread scratch, `scratchBytes` apart. */
  scratch: usize;
  scratchBytes: i32;
}

/** One pass over [batch * pixels][c] elements; which fields count depends on the kernel. */
@unmanaged
export class PointwiseArgs {
  x: usize;
  y: usize;
  /** Second operand: scale or slope per channel, other summand, or gate. */
  a: usize;
  /** Third operand: shift per channel. */
  b: usize;
  batch: i32;
  /** Pixels per picture; 1 for a vector of features. */
  pixels: i32;
  /** Channel stride in elements (a multiple of 4). */
  c: i32;
  /** Real features among the `c` lanes; only kernels that take norms ask. */
  features: i32;
  /** Real channels of the second operand; only f32_concat asks. */
  more: i32;
  /** Clip bounds; `lo` is eps for f32_l2_normalize. */
  lo: f32;
  hi: f32;
}

/**
 * A group of tiles of a 3x3 convolution by Winograd F(7x7, 3x3); shared by the input step and the
 * multiply step.
 */
@unmanaged
export class WinogradArgs {
  x: usize;
  y: usize;
  weight: usize;
  /** How the weights are stored: a DTYPE of `gemm/bring.ts`, and the address of their scales. */
  dtype: i32;
  scales: usize;
  bias: usize;
  /** One padding value per input channel. */
  pad: usize;
  /** Same layout as y, or 0 for none. */
  residual: usize;
  act: i32;
  actArgs: usize;
  ih: i32;
  iw: i32;
  ic: i32;
  oh: i32;
  ow: i32;
  oc: i32;
  ph: i32;
  pw: i32;
  /** 1 or 2. */
  stride: i32;
  /** Tiles of a picture in each dimension. */
  tilesY: i32;
  tilesX: i32;
  /** The tiles of this group: the first, and how many. */
  firstTile: i32;
  tiles: i32;
  /** Transformed input, shared by all threads: [positions][tiles][ic], positions `vBytes` apart. */
  v: usize;
  vBytes: i32;
  /** Panels of 8 outputs that a thread multiplies at once; divides the number of panels, 1 for one tile. */
  together: i32;
  /** 1: the two panels at once go through tiles of 16 columns. */
  wide: i32;
  /** Per panel: rows of H = G g [ic][3][8] `hBytes` apart, positions of U [ic][8] `uBytes` apart. */
  hBytes: i32;
  uBytes: i32;
  /** Per panel: products [tiles][8] of each position, `cBytes` apart. */
  cBytes: i32;
  /** From panel to panel of those at once: H | U | products. */
  panelBytes: i32;
  /** Per-thread scratch, `scratchBytes` apart: work tiles | row table | panels at once. */
  scratch: usize;
  scratchBytes: i32;
}
