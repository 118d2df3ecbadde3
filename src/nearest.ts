/**
 * Guesses which of a few known names a word that is none of them was meant to be: a command, an option.
 * Receives both as text; returns the name, or undefined where nothing is near.
 */

/** The candidate a person probably meant: at most two letters off, or one that starts the same. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const scored = candidates.map((candidate) => ({ candidate, edits: edits(word, candidate) }));
  scored.sort((a, b) => a.edits - b.edits);
  const best = scored[0];
  if (best && best.edits <= 2) return best.candidate;
  return word.length >= 2 ? candidates.find((candidate) => candidate.startsWith(word)) : undefined;
}

/** Levenshtein distance; the words are short. */
function edits(a: string, b: string): number {
  const word = a.slice(0, 40);
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= word.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (word[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
