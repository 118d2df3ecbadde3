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

/** A numpy dtype; `kind` is one of the two that hold encoded pictures or booleans. */
export class NumpyDtype {
  readonly kind: 'u1' | 'b1';

  constructor(kind: 'u1' | 'b1') {
    this.kind = kind;
  }
}

/** A numpy array of one byte per element. `data` is null between _reconstruct and its state. */
export class NumpyArray {
  kind: 'u1' | 'b1' = 'u1';
  shape: readonly number[] = [];
  data: Uint8Array | null = null;
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
