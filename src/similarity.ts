/**
 * Comparison of embeddings. Receives vectors of equal length; sums in double precision, so that the
 * result does not depend on a vector's scale. Refuses zero vectors, unequal lengths, NaN, infinity, and what
 * is no list of numbers: a promise, an embedding that JSON made an object of, bytes.
 */

import { describe, typedArrayLength, typedArrayName } from './describe.ts';
import { ArcfaceError } from './errors.ts';
import { guarded } from './guard.ts';

/**
 * Cosine of the angle between two embeddings: -1..1, 1 for the same direction.
 *
 * @throws ArcfaceError 'bad_argument'
 */
export function cosineSimilarity(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const where = 'cosineSimilarity';
  const [p, q] = [numbersOf(a, where), numbersOf(b, where)];
  const [length, other] = [typedArrayLength(p), typedArrayLength(q)];
  if (length !== other) {
    throw bad(
      `${where}: expected vectors of equal length, got ${length} and ${other}; ` +
        'embeddings of different models cannot be compared',
    );
  }
  const scale = norm(p, where) * norm(q, where);
  let dot = 0;
  for (let i = 0; i < length; i++) dot += (p[i] as number) * (q[i] as number);
  return Math.min(1, Math.max(-1, dot / scale));
}

/**
 * The vector of length 1 in the same direction, as a new Float32Array.
 *
 * @throws ArcfaceError 'bad_argument'
 */
export function l2Normalize(a: ArrayLike<number>): Float32Array {
  const numbers = numbersOf(a, 'l2Normalize');
  const size = norm(numbers, 'l2Normalize');
  const unit = new Float32Array(typedArrayLength(numbers));
  for (let i = 0; i < unit.length; i++) unit[i] = (numbers[i] as number) / size;
  return unit;
}

/** Euclidean length; refuses vectors without a direction. */
function norm(a: Numbers, where: string): number {
  const length = typedArrayLength(a);
  let squares = 0;
  for (let i = 0; i < length; i++) squares += (a[i] as number) * (a[i] as number);
  if (squares > 0 && squares < Number.POSITIVE_INFINITY) return Math.sqrt(squares);
  throw bad(
    `${where}: expected a vector with a direction, got ` +
      (squares === 0 ? 'one of length 0' : 'values that are not finite'),
  );
}

/** Their items are read without running code of the caller's; a subclass may still lie about its length. */
type Numbers = Float32Array | Float64Array;

/** Embeddings have some hundred numbers; whoever states more than this has none. */
const MAX_LENGTH = 2 ** 24;

function numbersOf(vector: unknown, where: string): Numbers {
  const name = typedArrayName(vector);
  if (name === 'Float32Array' || name === 'Float64Array') return vector as Numbers;
  return guarded('bad_argument', `${where}: a vector`, () => copyOf(vector, name, where));
}

function copyOf(vector: unknown, name: string | undefined, where: string): Numbers {
  const isBytes = name === 'Uint8Array' && (vector as object).constructor?.name === 'Buffer';
  const length = (vector as ArrayLike<number> | null | undefined)?.length as number;
  const isList = typeof vector === 'object' && Number.isInteger(length) && length >= 0;
  if (isBytes || !isList || length > MAX_LENGTH || name?.startsWith('Big')) {
    throw noVector(vector, isBytes, where);
  }
  const numbers = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const value: unknown = (vector as ArrayLike<number>)[i];
    if (typeof value !== 'number') {
      throw bad(`${where}: expected a vector of numbers, got ${describe(value)} at place ${i}`);
    }
    numbers[i] = value;
  }
  return numbers;
}

function noVector(got: unknown, isBytes: boolean, where: string): ArcfaceError {
  if (isBytes) {
    return bad(
      `${where}: expected a vector of numbers, got a Buffer; bytes of an embedding are made one by ` +
        'new Float32Array(Uint8Array.from(buffer).buffer)',
    );
  }
  const isNumbered = typeof got === 'object' && got !== null && Object.keys(got)[0] === '0';
  const wayBack = isNumbered
    ? '; an embedding that went through JSON comes back by Float32Array.from(Object.values(x))'
    : '';
  return bad(`${where}: expected a vector of numbers, got ${describe(got)}${wayBack}`);
}

function bad(message: string): ArcfaceError {
  return new ArcfaceError('bad_argument', message);
}
