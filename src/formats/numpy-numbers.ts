/**
 * The elements of a numpy array of a pickle as numbers. Receives an array whose size was checked against its data;
 * returns null for objects. Integers beyond 2^53 lose their last digits.
 */

import type { NumpyArray, NumpyKind } from './pickle-values.ts';

type Read = (view: DataView, at: number, little: boolean) => number;

const READERS: Readonly<Record<Exclude<NumpyKind, 'O8'>, Read>> = {
  b1: (view, at) => view.getUint8(at),
  u1: (view, at) => view.getUint8(at),
  i1: (view, at) => view.getInt8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  i2: (view, at, little) => view.getInt16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
};

export function numpyNumbers({ dtype, data }: NumpyArray): number[] | null {
  const { kind, itemBytes, isBigEndian } = dtype;
  if (kind === 'O8' || data === null) return null;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const read = READERS[kind];
  return Array.from({ length: data.length / itemBytes }, (_, i) =>
    read(view, i * itemBytes, !isBigEndian),
  );
}
