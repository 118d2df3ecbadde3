/**
 * Pair distances from embeddings. Receives the networks' own outputs, two per pair, returns squared
 * Euclidean distances of the unit vectors (0..4, equal to 2 - 2 cos) and the mean length of the outputs
 * ("XNorm"). Refuses unequal lengths and values that are not finite.
 */

import { ArcfaceError } from '../errors.ts';

export type Embedding = ArrayLike<number>;

/** A pair as the protocol sees it. */
export interface ScoredPair {
  /** Squared Euclidean distance of unit vectors, 0..4. */
  readonly distance: number;
  readonly same: boolean;
}

/** Cosine similarity for a squared distance of unit vectors. */
export const cosineOf = (distance: number): number => 1 - distance / 2;

/** Embeddings 2i and 2i + 1 form pair i. */
export function scorePairs(
  embeddings: readonly Embedding[],
  same: readonly boolean[],
): ScoredPair[] {
  if (embeddings.length !== 2 * same.length) {
    throw new ArcfaceError(
      'bad_argument',
      `scorePairs: expected ${2 * same.length} embeddings for ${same.length} pairs, got ${embeddings.length}`,
    );
  }
  const lengths = embeddings.map(euclideanLength);
  return same.map((isSame, i) => ({
    distance: squaredDistance(
      embeddings[2 * i] as Embedding,
      lengths[2 * i] as number,
      embeddings[2 * i + 1] as Embedding,
      lengths[2 * i + 1] as number,
    ),
    same: isSame,
  }));
}

/** InsightFace's XNorm: mean Euclidean length of all raw embeddings (of both passes with flip). */
export function meanLength(embeddings: readonly Embedding[]): number {
  return embeddings.reduce((sum, e) => sum + euclideanLength(e), 0) / embeddings.length;
}

/** Sum of a face's embedding and its mirror image's, element by element. */
export function addEmbeddings(a: Embedding, b: Embedding): Float32Array {
  return Float32Array.from({ length: a.length }, (_, i) => (a[i] as number) + (b[i] as number));
}

function euclideanLength(embedding: Embedding): number {
  let squares = 0;
  for (let i = 0; i < embedding.length; i++) squares += (embedding[i] as number) ** 2;
  if (!Number.isFinite(squares)) {
    throw new ArcfaceError(
      'bad_argument',
      'embedding: expected finite values, got NaN or infinity; the weights may be damaged',
    );
  }
  return Math.sqrt(squares);
}

/** A vector of length 0 stays 0, as scikit-learn's `normalize` leaves it. */
function squaredDistance(a: Embedding, lengthA: number, b: Embedding, lengthB: number): number {
  if (a.length !== b.length) {
    throw new ArcfaceError(
      'bad_argument',
      `embeddings: expected equal lengths, got ${a.length} and ${b.length}`,
    );
  }
  const scaleA = 1 / (lengthA || 1);
  const scaleB = 1 / (lengthB || 1);
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += ((a[i] as number) * scaleA - (b[i] as number) * scaleB) ** 2;
  }
  return sum;
}
