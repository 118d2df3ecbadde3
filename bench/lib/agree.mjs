/** A result is checked before its clock counts: unit vectors of two engines must agree. */

/** What single precision by another order of summation may differ by (docs/numerics.md). */
export const MAX_UNIT_DIFFERENCE = 4e-6;
const MIN_COSINE = 0.999999;

/** @returns {{cosine: number, maxDifference: number}} of the unit vectors */
export function compareUnit(a, b) {
  if (a.length !== b.length) throw new Error(`expected ${b.length} values, got ${a.length}`);
  const [lengthA, lengthB] = [Math.hypot(...a), Math.hypot(...b)];
  let cosine = 0;
  let maxDifference = 0;
  for (let i = 0; i < a.length; i++) {
    const [u, v] = [a[i] / lengthA, b[i] / lengthB];
    cosine += u * v;
    maxDifference = Math.max(maxDifference, Math.abs(u - v));
  }
  return { cosine, maxDifference };
}

/** Throws unless `got` is the embedding `expected`. */
export function requireAgreement(name, got, expected) {
  const { cosine, maxDifference } = compareUnit(got, expected);
  if (cosine >= MIN_COSINE && maxDifference <= MAX_UNIT_DIFFERENCE)
    return { cosine, maxDifference };
  throw new Error(
    `${name}: expected cosine >= ${MIN_COSINE} and unit vectors within ${MAX_UNIT_DIFFERENCE}, ` +
      `got ${cosine} and ${maxDifference}; its time means nothing`,
  );
}

export function isSameBits(a, b) {
  if (a.length !== b.length) return false;
  const [wordsA, wordsB] = [new Uint32Array(a.buffer), new Uint32Array(b.buffer)];
  return wordsA.every((word, i) => word === wordsB[i]);
}
