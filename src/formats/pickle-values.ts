/**
 * The plain data a pickle can hold here. Lists are JavaScript arrays; a tuple is a class of its own
 * so that `([images], [same])` is told from `[[images], [same]]`. Byte strings and Python-2 strings
 * are both Uint8Array: Python 2 made no difference between them.
 */

export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** Bool, unsigned, signed and floating numbers with their bytes, and Python objects. */
export const NUMPY_KINDS = [
  'b1',
  'u1',
  'i1',
  'u2',
  'i2',
  'u4',
  'i4',
  'u8',
  'i8',
  'f4',
  'f8',
  'O8',
] as const;
export type NumpyKind = (typeof NUMPY_KINDS)[number];

/** A numpy dtype. Its byte order comes with its state. */
export class NumpyDtype {
  readonly kind: NumpyKind;
  isBigEndian = false;

  constructor(kind: NumpyKind) {
    this.kind = kind;
  }

  /** Bytes of an element; 0 of an object, which has none. */
  get itemBytes(): number {
    return this.kind === 'O8' ? 0 : Number(this.kind[1]);
  }
}

/**
 * A numpy array. `data` holds the elements' bytes, `objects` the elements of an array of objects; both are null
 * between _reconstruct and its state.
 */
export class NumpyArray {
  dtype: NumpyDtype = new NumpyDtype('u1');
  shape: readonly number[] = [];
  data: Uint8Array | null = null;
  objects: readonly PickleValue[] | null = null;
}

/** A name that REDUCE may use. Never called: `reduce` knows what each one would make. */
export class PickleCallable {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | PickleTuple
  | NumpyDtype
  | NumpyArray
  | PickleCallable;
