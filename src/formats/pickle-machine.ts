/**
 * The stack, marks and memo of the pickle reader. Refuses more values or deeper nesting than a data
 * set has, a stack that underflows the innermost MARK, and memo entries that were never stored.
 */

import { ArcfaceError } from '../errors.ts';
import type { PickleBytes } from './pickle-bytes.ts';
import { PickleTuple, type PickleValue } from './pickle-values.ts';

/**
 * A value costs up to 200 bytes of memory (a view, a map) however few bytes of the file it takes. A
 * 112x112 picture has at least some 800 bytes and needs at most 25 pushes and memo entries (as a numpy array), so two of
 * them per 32 bytes never refuse a real file and keep memory within a few times the file's size.
 */
const BYTES_PER_VALUE = 32;
const SPARE_VALUES = 4096;
/** Nested MARKs open at one time; lfw.bin needs 3. */
const MAX_DEPTH = 256;

export interface Machine extends PickleBytes {
  readonly stack: PickleValue[];
  readonly marks: number[];
  readonly memo: Map<number, PickleValue>;
  /** Values that may still be pushed or remembered. */
  valueBudget: number;
  /** Characters that `_codecs.encode` may still turn into bytes: each of the file once. */
  encodeBudget: number;
}

export function startMachine(bytes: Uint8Array, where: string): Machine {
  return {
    where,
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    offset: 0,
    stack: [],
    marks: [],
    memo: new Map(),
    valueBudget: SPARE_VALUES + 2 * Math.floor(bytes.length / BYTES_PER_VALUE),
    encodeBudget: bytes.length,
  };
}

function spendValue(machine: Machine): void {
  machine.valueBudget -= 1;
  if (machine.valueBudget >= 0) return;
  throw new ArcfaceError(
    'bad_dataset',
    `${machine.where}, before offset ${machine.offset}: expected pictures of hundreds of bytes and few other values, got mostly small values; this is no data set of faces`,
  );
}

export function openMark(machine: Machine): void {
  if (machine.marks.length >= MAX_DEPTH) {
    throw damaged(machine, `at most ${MAX_DEPTH} nested containers`, 'more');
  }
  machine.marks.push(machine.stack.length);
}

export function push(machine: Machine, value: PickleValue): void {
  spendValue(machine);
  machine.stack.push(value);
}

export function pop(machine: Machine): PickleValue {
  const floor = machine.marks[machine.marks.length - 1] ?? 0;
  const value = machine.stack.length > floor ? machine.stack.pop() : undefined;
  if (value === undefined) throw damaged(machine, 'a value on the stack', 'an empty stack');
  return value;
}

export function top(machine: Machine): PickleValue {
  const value = pop(machine);
  machine.stack.push(value);
  return value;
}

export function popMark(machine: Machine): PickleValue[] {
  const start = machine.marks.pop();
  if (start === undefined) throw damaged(machine, 'an open MARK', 'none');
  return machine.stack.splice(start);
}

export function damaged(machine: Machine, expected: string, got: string): ArcfaceError {
  return new ArcfaceError(
    'bad_dataset',
    `${machine.where}, before offset ${machine.offset}: expected ${expected}, got ${got}; the pickle is damaged`,
  );
}

export function popTuple(machine: Machine, count: number): PickleTuple {
  const items: PickleValue[] = new Array<PickleValue>(count);
  for (let i = count - 1; i >= 0; i--) items[i] = pop(machine);
  return new PickleTuple(items);
}

export function appendTo(machine: Machine, items: readonly PickleValue[]): void {
  const list = top(machine);
  if (!Array.isArray(list)) throw damaged(machine, 'a list to append to', 'something else');
  for (const item of items) list.push(item);
}

export function setItems(machine: Machine, items: readonly PickleValue[]): void {
  const dict = top(machine);
  if (!(dict instanceof Map)) throw damaged(machine, 'a dict to fill', 'something else');
  if (items.length % 2 !== 0) throw damaged(machine, 'keys with values', 'an odd count');
  for (let i = 0; i < items.length; i += 2) dict.set(items[i] ?? null, items[i + 1] ?? null);
}

export function remember(machine: Machine, key: number): void {
  spendValue(machine);
  machine.memo.set(key, top(machine));
}

export function recall(machine: Machine, key: number): void {
  const value = machine.memo.get(key);
  if (value === undefined) throw damaged(machine, `memo entry ${key}`, 'none');
  push(machine, value);
}
