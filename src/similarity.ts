/**
 * Comparison of embeddings. Receives vectors of equal length; sums in double precision, so that the
 * result does not depend on a vector's scale. Refuses zero vectors, unequal lengths, NaN, infinity.
 */

import { ArcfaceError } from './errors.ts';

/** Cosine of the angle between two embeddings: -1..1, 1 for the same direction. */
export function cosineSimilarity(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) {
    throw new ArcfaceError(
      'bad_argument',
      `cosineSimilarity: expected vectors of equal length, got ${a.length} and ${b.length}; ` +
        'embeddings of different models cannot be compared',
    );
  }
  const scale = norm(a, 'cosineSimilarity') * norm(b, 'cosineSimilarity');
  let dot = 0;
  for (let i = 0; i < a.length; i++) dot += (a[i] as number) * (b[i] as number);
  return Math.min(1, Math.max(-1, dot / scale));
}

/** The vector of length 1 in the same direction, as a new Float32Array. */
export function l2Normalize(a: ArrayLike<number>): Float32Array {
  const length = norm(a, 'l2Normalize');
  return Float32Array.from({ length: a.length }, (_, i) => (a[i] as number) / length);
}

/** Euclidean length; refuses vectors without a direction. */
function norm(a: ArrayLike<number>, where: string): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i] as number) * (a[i] as number);
  if (squares > 0 && squares < Number.POSITIVE_INFINITY) return Math.sqrt(squares);
  throw new ArcfaceError(
    'bad_argument',
    `${where}: expected a vector with a direction, got ` +
      (squares === 0 ? 'one of length 0' : 'values that are not finite'),
  );
}
