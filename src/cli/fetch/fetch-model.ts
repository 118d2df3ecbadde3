/**
 * A published model into a folder: every part downloaded from the first address that gives it, archives
 * unpacked. Receives the manifest's entry, returns the paths of what is there now and which of them were
 * not there before. Refuses models whose addresses are all dead (and says what to do), and whatever
 * download.ts and unpack.ts refuse.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ArcfaceError } from '../../errors.ts';
import { usage } from '../args.ts';
import { ioError } from '../files.ts';
import { AddressFault } from './address-fault.ts';
import { checkFreeSpace, megabytes } from './disk.ts';
import { type DownloadRequest, download } from './download.ts';
import { addressProblem } from './http.ts';
import type { Mirror, Part, PublishedModel } from './manifest.ts';
import { isFileThere } from './own-file.ts';
import { partSize } from './part-file.ts';
import type { RetryLimits } from './retry.ts';
import { unpack } from './unpack.ts';
import type { Pace } from './watchdog.ts';

export interface FetchOptions {
  readonly folder: string;
  /** `--url`, one per part, instead of the manifest's addresses; size and hash stay the published ones. */
  readonly urls?: readonly string[] | undefined;
  /** `--sha256`: instead of one that is unverified. */
  readonly sha256?: string | undefined;
  readonly onProgress?: (loaded: number, total: number | undefined) => void;
  /** Sentences for people: a retry, the next address. */
  readonly onNote?: (text: string) => void;
  readonly retry?: RetryLimits;
  readonly pace?: Pace;
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
  requireFitting(model, options);
  await makeFolder(options.folder);
  await requireSpace(model, options.folder);
  const downloads: string[] = [];
  const unpacked: string[] = [];
  const made: string[] = [];
  for (const [index, part] of model.parts.entries()) {
    const path = join(options.folder, part.file);
    if ((await downloadPart(part, path, options, index)) === 'downloaded') made.push(path);
    downloads.push(path);
    if (!part.archive) continue;
    for (const file of await unpack(path, part.archive, options.folder)) {
      unpacked.push(file.path);
      if (file.made) made.push(file.path);
    }
  }
  return { downloads, unpacked, made };
}

export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw ioError(folder, 'a folder to write to', cause);
  });
}

/** What the command line gives against what the model has. */
export function requireFitting(
  { name, parts }: PublishedModel,
  { urls, sha256 }: Pick<FetchOptions, 'urls' | 'sha256'>,
): void {
  const files = parts.map(({ file }) => file).join(', ');
  if (urls !== undefined && urls.length !== parts.length) {
    const expected = parts.length === 1 ? 'one address' : `${parts.length} addresses, one each`;
    throw usage(`--url: expected ${expected} for ${files}, got ${urls.length}`);
  }
  for (const url of urls ?? []) {
    const problem = addressProblem(url);
    if (problem !== undefined) throw usage(`--url: ${problem}`);
  }
  if (sha256 === undefined) return;
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw usage(`--sha256: expected 64 hex digits, got '${sha256.slice(0, 80)}'`);
  }
  if (parts.some(({ unverified }) => unverified !== undefined) && parts.length === 1) return;
  throw usage(
    `--sha256: expected a model whose SHA-256 is unverified, got ${name}, whose publishers state it; ` +
      'another file is another model: take it with your own --manifest',
  );
}

/** Downloads, what archives unpack to, and the converted weights are on the disk together. */
async function requireSpace(model: PublishedModel, folder: string): Promise<void> {
  let needed = 0;
  for (const part of model.parts) {
    const path = join(folder, part.file);
    const present = (await isFileThere(path)) ? part.bytes : await partSize(`${path}.part`);
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
  index: number,
): Promise<'downloaded' | 'present'> {
  const request = requestFor(part, path, options);
  const url = options.urls?.[index];
  const mirrors = url === undefined ? usableMirrors(part) : [url];
  // Without an address the file may still be there, put by hand: `download` checks its hash.
  if (mirrors.length === 0 && (await isFileThere(path))) {
    return download({ ...request, url: path });
  }
  if (mirrors.length === 0) throw noAddress(part, path);
  const failures: AddressFault[] = [];
  for (const mirror of mirrors) {
    try {
      return await download({ ...request, url: mirror });
    } catch (error) {
      if (!(error instanceof AddressFault)) throw error;
      failures.push(error);
      if (mirrors.length > 1) options.onNote?.(error.message);
    }
  }
  const [only] = failures;
  if (only !== undefined && failures.length === 1) throw only;
  const said = failures.map(({ message }) => `\n- ${message}`).join('');
  throw new ArcfaceError(
    'io',
    `${part.file}: expected one of ${mirrors.length} addresses to give it, got:${said}`,
  );
}

function requestFor(part: Part, path: string, options: FetchOptions): Omit<DownloadRequest, 'url'> {
  const { onProgress, onNote, retry, pace, sha256 } = options;
  const stated = sha256 === undefined ? part : { sha256, bytes: undefined };
  return {
    path,
    bytes: stated.bytes,
    sha256: stated.sha256,
    ...(sha256 === undefined && { unverified: part.unverified }),
    ...(onProgress && { onProgress }),
    ...(retry && { retry }),
    ...(pace && { pace }),
    onRetry: (message, delayMs) =>
      onNote?.(`${message}; trying again in ${(delayMs / 1000).toFixed(1)} s`),
  };
}

/** Addresses that may still work first. */
function usableMirrors(part: Part): string[] {
  const rank = (mirror: Mirror): number => (mirror.status === 'unverified' ? 0 : 1);
  return [...part.urls]
    .filter((mirror) => mirror.status !== 'dead')
    .sort((a, b) => rank(a) - rank(b))
    .flatMap((mirror) => mirror.url ?? []);
}

function noAddress(part: Part, path: string): ArcfaceError {
  const reasons = part.urls.map((mirror) => mirror.note).join('; ') || 'none is listed';
  return new ArcfaceError(
    'io',
    `${part.file}: expected an address that still works, got none (${reasons}). If you have the file ` +
      `(${megabytes(part.bytes)}, SHA-256 ${part.sha256}), put it at ${path} or give its address with --url`,
  );
}
