/**
 * Argument blocks of the step kernels, field by field as in `assembly/args.ts` (a test compares the
 * two files): one 32-bit word each, in this order.
 */

// biome-ignore format: one table
export const CONV_FIELDS = [
  'x', 'y', 'weight', 'dtype', 'scales', 'bias', 'pad', 'residual', 'act', 'actArgs', 'batch', 'ih',
  'iw', 'ic', 'oh', 'ow', 'oc', 'kh', 'kw', 'sh', 'sw', 'ph', 'pw', 'window', 'inPerGroup', 'outPerGroup', 'block',
  'im2col', 'splitPanels', 'scratch', 'scratchBytes',
] as const;

// biome-ignore format: one table
export const WINOGRAD_FIELDS = [
  'x', 'y', 'weight', 'dtype', 'scales', 'bias', 'pad', 'residual', 'act', 'actArgs', 'ih', 'iw', 'ic',
  'oh', 'ow', 'oc',
  'ph', 'pw', 'stride', 'tilesY', 'tilesX', 'firstTile', 'tiles', 'v', 'vBytes', 'together', 'wide', 'hBytes',
  'uBytes', 'cBytes', 'panelBytes', 'scratch', 'scratchBytes',
] as const;

export const POINTWISE_FIELDS = [
  'x',
  'y',
  'a',
  'b',
  'batch',
  'pixels',
  'c',
  'features',
  'more',
  'lo',
  'hi',
] as const;

/** Fields that hold an f32; all others are 32-bit integers. */
export const FLOAT_FIELDS: ReadonlySet<string> = new Set(['lo', 'hi']);

export const ACT_NONE = 0;
export const ACT_PRELU = 1;
export const ACT_CLIP = 2;

/** An address that is known once memory is laid out: base of a region + bytes. */
export interface Address {
  readonly region: 'weights' | 'arena' | 'scratch';
  readonly offset: number;
}

export type ArgValue = number | Address;
export type ConvArgs = Readonly<Record<(typeof CONV_FIELDS)[number], ArgValue>>;
export type WinogradArgs = Readonly<Record<(typeof WINOGRAD_FIELDS)[number], ArgValue>>;
export type PointwiseArgs = Readonly<Record<(typeof POINTWISE_FIELDS)[number], ArgValue>>;
