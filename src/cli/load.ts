/** Options that every command which loads a model shares, and loading with progress. */

import type { Model } from '../engine/model.ts';
import { choiceOption, numberOption, usage } from './args.ts';
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
  if (threads !== 'auto' && !(Number.isInteger(threads) && threads >= 1)) {
    throw usage(`--threads: expected a whole number from 1, or auto, got '${flags.threads}'`);
  }
  const isa = choiceOption('isa', flags.isa, ['auto', 'simd', 'relaxed']) ?? 'auto';
  // Not from index.ts: built, that is a bundle with an error class of its own.
  const { loadModel } = await import('../engine/load.ts');
  const progress = startProgress('loading');
  try {
    return await loadModel(path, {
      threads,
      isa,
      onProgress: ({ loaded, total }) => progress.update(loaded, total),
    });
  } finally {
    progress.end();
  }
}
