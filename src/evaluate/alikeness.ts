/**
 * Whether embeddings depend on the picture at all. After a broken conversion everything looks alike: numbers
 * come out, and those of any two faces are close. Receives cosines, returns their medians and a verdict.
 *
 * Needs no labels: a face upside down is a face no more, so its embedding leaves that of the face, whoever it
 * is and however often it is in the folder. Measured on LFW (medians; docs/numerics.md has the table):
 *
 *                                              upside down      two different people
 *   y1, fr_feature, converted rightly          0.01, 0.02       0.02, 0.04
 *   raw or unscaled pixels, normalised twice   0.87 to 1.00     0.84 to 1.00
 *   seeded weights                             0.57 to 0.93     0.47 to 0.91
 */

export interface Alikeness {
  readonly pictures: number;
  /** Median cosine of a face and the same upside down. */
  readonly upsideDown: number;
  /** Median cosine of two different pictures; null if there is only one. */
  readonly different: number | null;
  readonly verdict: 'told apart' | 'all alike' | 'few people';
}

/** Midway between networks that tell pictures apart and those that do not. */
export const ALIKE = 0.5;

/** `upsideDown`: one for each picture. `different`: of pairs of different pictures. */
export function judgeAlikeness(
  upsideDown: readonly number[],
  different: readonly number[],
): Alikeness {
  const turned = median(upsideDown);
  const pairs = different.length > 0 ? median(different) : null;
  const close = pairs !== null && pairs > ALIKE;
  const verdict = turned > ALIKE ? 'all alike' : close ? 'few people' : 'told apart';
  return { pictures: upsideDown.length, upsideDown: turned, different: pairs, verdict };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted.length >> 1;
  const at = (index: number): number => sorted[index] as number;
  return sorted.length % 2 === 1 ? at(upper) : (at(upper - 1) + at(upper)) / 2;
}
