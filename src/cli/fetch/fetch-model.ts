/**
 * A published model into a folder: every part downloaded from the first address that gives it, archives
 * unpacked. Receives the manifest's entry, returns the paths of what is there now and which of them were
 * not there before. Refuses models whose addresses are all dead (and says what to do), and whatever
 * download.ts and unpack.ts refuse.
 */

import { mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ArcfaceError } from '../../errors.ts';
import { ioError } from '../files.ts';
import { checkFreeSpace, fileSize, megabytes } from './disk.ts';
import { download } from './download.ts';
import type { Mirror, Part, PublishedModel } from './manifest.ts';
import type { RetryLimits } from './retry.ts';
import { unpack } from './unpack.ts';

export interface FetchOptions {
  readonly folder: string;
  /** `--url`: used instead of the manifest's addresses; size and hash are still the published ones. */
  readonly url?: string | undefined;
  readonly onProgress?: (loaded: number, total: number) => void;
  /** Sentences for people: a retry, the next address. */
  readonly onNote?: (text: string) => void;
  readonly retry?: RetryLimits;
  readonly stallMs?: number;
}

export interface FetchedModel {
  /** As published: archives, or the files themselves. */
  readonly downloads: readonly string[];
  readonly unpacked: readonly string[];
  /** Those of both that this run made: only they may be removed again. */
  readonly made: readonly string[];
}

export async function fetchModel(
  model: PublishedModel,
  options: FetchOptions,
): Promise<FetchedModel> {
  if (options.url !== undefined && model.parts.length > 1) {
    throw new ArcfaceError(
      'usage',
      `--url: expected a model of one file, got ${model.name} with ${model.parts.length}`,
    );
  }
  await mkdir(options.folder, { recursive: true }).catch((cause: unknown) => {
    throw ioError(options.folder, 'a folder to write to', cause);
  });
  await requireSpace(model, options.folder);
  const downloads: string[] = [];
  const unpacked: string[] = [];
  const made: string[] = [];
  for (const part of model.parts) {
    const path = join(options.folder, part.file);
    if ((await downloadPart(part, path, options)) === 'downloaded') made.push(path);
    downloads.push(path);
    if (!part.archive) continue;
    const before = new Set(await readdir(options.folder));
    const files = await unpack(path, part.archive, options.folder);
    unpacked.push(...files);
    made.push(...files.filter((file) => !before.has(basename(file))));
  }
  return { downloads, unpacked, made };
}

/** Downloads, what archives unpack to, and the converted weights are on the disk together. */
async function requireSpace(model: PublishedModel, folder: string): Promise<void> {
  let needed = 0;
  for (const part of model.parts) {
    const path = join(folder, part.file);
    const present = Math.max(await fileSize(path), await fileSize(`${path}.part`));
    const content = part.archive?.maxBytes ?? part.bytes;
    needed += Math.max(0, part.bytes - present);
    if (part.archive) needed += content;
    if (model.convert !== null) needed += content;
  }
  await checkFreeSpace(join(folder, 'x'), needed);
}

async function downloadPart(
  part: Part,
  path: string,
  options: FetchOptions,
): Promise<'downloaded' | 'present'> {
  const mirrors = usableMirrors(part, options.url);
  if (mirrors.length === 0 && (await fileSize(path)) === 0) throw noAddress(part, path);
  const failures: string[] = [];
  // Without an address the file may still be there, put by hand: `download` checks its hash.
  for (const url of mirrors.length > 0 ? mirrors : ['about:blank']) {
    try {
      return await download({ ...part, ...callbacks(options), url, path });
    } catch (error) {
      const isRemote =
        error instanceof ArcfaceError && (error.code === 'io' || error.code === 'integrity');
      if (!isRemote || mirrors.length <= 1) throw error;
      failures.push(error.message);
      options.onNote?.(error.message);
    }
  }
  throw new ArcfaceError(
    'io',
    `${part.file}: expected one of ${mirrors.length} addresses to give it, got:\n- ${failures.join('\n- ')}`,
  );
}

function callbacks({ onProgress, onNote, retry, stallMs }: FetchOptions): object {
  return {
    ...(onProgress && { onProgress }),
    ...(retry && { retry }),
    ...(stallMs !== undefined && { stallMs }),
    onRetry: (message: string, delayMs: number) =>
      onNote?.(`${message}; trying again in ${(delayMs / 1000).toFixed(1)} s`),
  };
}

/** Addresses that may still work first. */
function usableMirrors(part: Part, override: string | undefined): string[] {
  if (override !== undefined) return [override];
  const rank = (mirror: Mirror): number => (mirror.status === 'unverified' ? 0 : 1);
  return [...part.urls]
    .filter((mirror) => mirror.status !== 'dead')
    .sort((a, b) => rank(a) - rank(b))
    .flatMap((mirror) => mirror.url ?? []);
}

function noAddress(part: Part, path: string): ArcfaceError {
  const reasons = part.urls.map((mirror) => mirror.note).join('; ');
  return new ArcfaceError(
    'io',
    `${part.file}: expected an address that still works, got none (${reasons}). If you have the file ` +
      `(${megabytes(part.bytes)}, SHA-256 ${part.sha256}), put it at ${path} or give its address with --url`,
  );
}
