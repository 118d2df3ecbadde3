/** Options that every command which loads a model shares, and loading with progress. */

import type { Model } from '../engine/model.ts';
import { type LoadProgress, MAX_THREADS } from '../engine/options.ts';
import { choiceOption, numberOption, usage } from './args.ts';
import { naming, requireFile } from './files.ts';
import { startProgress } from './progress.ts';

export const LOAD_OPTIONS = {
  threads: { type: 'string' },
  isa: { type: 'string' },
} as const;

export interface LoadFlags {
  readonly threads?: string | undefined;
  readonly isa?: string | undefined;
}

export async function loadWithProgress(path: string, flags: LoadFlags): Promise<Model> {
  const threads = flags.threads === 'auto' ? 'auto' : (numberOption('threads', flags.threads) ?? 1);
  if (
    threads !== 'auto' &&
    !(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)
  ) {
    const expected = `a whole number from 1 to ${MAX_THREADS}, or auto`;
    throw usage(`--threads: expected ${expected}, got '${flags.threads}'`);
  }
  const isa = choiceOption('isa', flags.isa, ['auto', 'simd', 'relaxed']) ?? 'auto';
  if (!isAddress(path)) await requireFile(path);
  // Not from index.ts: built, that is a bundle with an error class of its own.
  const { loadModel } = await import('../engine/load.ts');
  const progress = startProgress('loading');
  try {
    const onProgress = ({ loaded, total }: LoadProgress): void => progress.update(loaded, total);
    return await naming(path, () => loadModel(path, { threads, isa, onProgress }));
  } finally {
    progress.end();
  }
}

/** What the library takes for an address to fetch, or for a file's URL. */
function isAddress(path: string): boolean {
  return /^([a-z]+:\/\/|file:)/i.test(path);
}
