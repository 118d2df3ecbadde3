/** Options that every command which loads a model shares, and loading with progress. */

import { DEFAULT_LIMITS, NO_LIMITS, type WorkLimits } from '../engine/limits.ts';
import type { Model } from '../engine/model.ts';
import { type LoadProgress, MAX_THREADS } from '../engine/options.ts';
import { choiceOption, numberOption, usage } from './args.ts';
import { naming, readHead } from './files.ts';
import { kindOfFile } from './model-files.ts';
import { HEAD_BYTES, isSafetensors, KIND_NAMES, refused, WEIGHTS } from './model-kind.ts';
import { startProgress } from './progress.ts';

/** For whoever trusts the file. */
export const LIMIT_OPTIONS = { 'no-limits': { type: 'boolean' } } as const;

export const LOAD_OPTIONS = {
  threads: { type: 'string' },
  isa: { type: 'string' },
  vectors: { type: 'string' },
  ...LIMIT_OPTIONS,
} as const;

/** What `--help` says of them. */
export const LOAD_HELP = `  --threads <n|auto>   default 1
  --isa <auto|simd|relaxed>
  --vectors <128|256>  256: pairs of vectors, where the engine makes them; the same bits
  --no-limits          run weights that ask for more work or memory than any published network`;

export interface LoadFlags {
  readonly threads?: string | undefined;
  readonly isa?: string | undefined;
  readonly vectors?: string | undefined;
  readonly 'no-limits'?: boolean | undefined;
}

export function limitsOf(flags: Pick<LoadFlags, 'no-limits'>): WorkLimits {
  return flags['no-limits'] ? NO_LIMITS : DEFAULT_LIMITS;
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
  const bits = choiceOption('vectors', flags.vectors, ['128', '256']) ?? '128';
  const vectors = bits === '256' ? 256 : 128;
  if (!isAddress(path)) await requireWeights(path);
  // Not from index.ts: built, that is a bundle with an error class of its own.
  const { loadModel } = await import('../entries/node.ts');
  const progress = startProgress('loading');
  try {
    const onProgress = ({ loaded, total }: LoadProgress): void => progress.update(loaded, total);
    const options = { threads, isa, vectors, onProgress, limits: limitsOf(flags) } as const;
    return await naming(path, () => loadModel(path, options));
  } finally {
    progress.end();
  }
}

/** The library says what is wrong inside weights; what else may stand there is known here. */
async function requireWeights(path: string): Promise<void> {
  const { bytes, size } = await readHead(path, HEAD_BYTES);
  if (isSafetensors(bytes, size)) return;
  const kind = await kindOfFile(path, WEIGHTS);
  // Raw numbers by their name: the library looks into them.
  if (kind === 'weights' || kind === 'openvino-bin' || kind === 'onnx-data') return;
  const way = 'make weights of it: arcface-wasm convert <model> -o <file.safetensors>';
  throw refused(path, WEIGHTS.what, `${KIND_NAMES[kind]}; ${way}`, WEIGHTS.code);
}

/** What the library takes for an address to fetch, or for a file's URL. */
function isAddress(path: string): boolean {
  return /^([a-z]+:\/\/|file:)/i.test(path);
}
