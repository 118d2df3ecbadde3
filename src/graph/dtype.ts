/**
 * Number formats of stored tensors, one row each. Arithmetic is f32 whatever is stored: kernels bring
 * weights into f32 where they read them anyway (`assembly/gemm/bring.ts`), so a dtype is a fact about a
 * tensor and nothing else depends on it.
 */

export interface DtypeRow {
  /** Name in a safetensors header. */
  readonly stored: 'F32' | 'F16' | 'I8';
  readonly bytes: number;
  /** `DTYPE_...` of the kernels. */
  readonly code: number;
  /**
   * Which weights of a panel share a scale; weight = stored * scale. 'output': all of an output; 'group':
   * those of an output, a tap and `SCALE_GROUP` input channels. Absent: there are no scales.
   */
  readonly scales?: 'output' | 'group';
}

export const DTYPES = {
  f32: { stored: 'F32', bytes: 4, code: 0 },
  f16: { stored: 'F16', bytes: 2, code: 1, scales: 'output' },
  q8: { stored: 'I8', bytes: 1, code: 2, scales: 'group' },
} as const satisfies Record<string, DtypeRow>;

export type Dtype = keyof typeof DTYPES;

/** Of weights in panels; every other tensor is f32. */
export type SmallDtype = Exclude<Dtype, 'f32'>;

/** Input channels that share a scale: those whose products are summed before they join a longer sum. */
export const SCALE_GROUP = 64;

export const DTYPE_NAMES = Object.keys(DTYPES) as readonly Dtype[];

export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(DTYPES, value);
}
