/**
 * Seeded values that are the same bits on every engine: sfc32 (Doty-Humphrey) over integers, one
 * stream per tensor, and only exact or correctly rounded float operations after it (no exp, log or
 * cos, whose last bit differs between engines).
 */

/** Variance of the sum of four uniform 16-bit integers: 4 * (2^32 - 1) / 12. */
const SUM_DEVIATION = Math.sqrt((4 * (2 ** 32 - 1)) / 12);
const SUM_MEAN = 4 * 32767.5;
const WARM_UP = 12;

export interface Stream {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number;
  /** Mean 0, variance 1, bell-shaped, within +-3.47: the sum of four uniforms. */
  normal(): number;
}

/** The stream that belongs to `name` under `seed`. */
export function streamOf(seed: number, name: string): Stream {
  const [a0, b0, c0] = hashOf(`${seed}/${name}`);
  let a = a0;
  let b = b0;
  let c = c0;
  let counter = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return t;
  };
  for (let i = 0; i < WARM_UP; i++) next();
  return {
    uniform: () => (next() >>> 0) / 2 ** 32,
    normal: () => {
      const x = next();
      const y = next();
      const sum = (x & 0xffff) + (x >>> 16) + (y & 0xffff) + (y >>> 16);
      return (sum - SUM_MEAN) / SUM_DEVIATION;
    },
  };
}

/** Three words of 32 bits by FNV-1a with three starting values and a final mix (murmur3). */
function hashOf(text: string): [number, number, number] {
  const words: [number, number, number] = [0x811c9dc5 | 0, 0x9e3779b9 | 0, 0x85ebca6b | 0];
  for (let w = 0; w < 3; w++) {
    let h = words[w] as number;
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    words[w] = h ^ (h >>> 16);
  }
  return words;
}
