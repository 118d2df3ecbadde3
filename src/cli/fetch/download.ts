/**
 * One published file onto disk. Receives its addresses, size and SHA-256; writes `<file>.part`, goes on
 * where an earlier run stopped, and gives the file its name only after the hash fits. Refuses web pages,
 * other sizes and other hashes.
 *
 * What stays on disk: after a cut, a stall or a full disk the `.part` stays (the next run resumes it);
 * after wrong content it is removed, because resuming it could never succeed.
 */

import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { ArcfaceError } from '../../errors.ts';
import { checkFreeSpace, fileSha256, fileSize } from './disk.ts';
import { type Answer, get, networkFailure, startWatchdog, type Watchdog } from './http.ts';
import { appendBody, forgetValidator, readValidator } from './part-file.ts';
import {
  DEFAULT_RETRY,
  type RetryLimits,
  retryAfter,
  TransientFailure,
  withRetry,
} from './retry.ts';

export interface DownloadRequest {
  readonly url: string;
  /** The final name; `<path>.part` holds what has arrived. */
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly onProgress?: (loaded: number, total: number) => void;
  readonly onRetry?: (message: string, delayMs: number) => void;
  /** Nothing for this long is a stall. */
  readonly stallMs?: number;
  readonly retry?: RetryLimits;
}

/** How the bytes of the `.part` came together. */
interface Progress {
  loaded: number;
  /** The last answer was the rest of what had arrived before. */
  resumed: boolean;
}

/** 'present' if the right file was already there. Throws ArcfaceError 'io' or 'integrity'. */
export async function download(request: DownloadRequest): Promise<'downloaded' | 'present'> {
  if (existsSync(request.path)) {
    if ((await fileSha256(request.path)) === request.sha256) return 'present';
    throw new ArcfaceError(
      'io',
      `${request.path}: expected no such file or the published one, got a file with other content; move it away`,
    );
  }
  const part = `${request.path}.part`;
  const progress: Progress = { loaded: await fileSize(part), resumed: false };
  progress.resumed = progress.loaded > 0;
  await checkFreeSpace(request.path, request.bytes - progress.loaded);
  await loadAll(request, part, progress);
  if ((await fileSha256(part)) !== request.sha256 && progress.resumed) {
    // Pieces of two versions, or a part that was damaged on disk: once more from the start.
    await discard(part);
    Object.assign(progress, { loaded: 0, resumed: false });
    await loadAll(request, part, progress);
  }
  await keepIfRight(request, part);
  return 'downloaded';
}

async function loadAll(request: DownloadRequest, part: string, progress: Progress): Promise<void> {
  await withRetry(
    () => loadOnce(request, part, progress),
    () => progress.loaded,
    request.retry ?? DEFAULT_RETRY,
    (failure, delayMs) => request.onRetry?.(failure.message, delayMs),
  );
}

async function keepIfRight(request: DownloadRequest, part: string): Promise<void> {
  const actual = await fileSha256(part);
  if (actual !== request.sha256) {
    await discard(part);
    throw new ArcfaceError(
      'integrity',
      `${request.url}: expected SHA-256 ${request.sha256}, got ${actual}; this is another file, it was not kept`,
    );
  }
  await rename(part, request.path);
  await forgetValidator(part);
}

/** One request from where the part ends. Returns when the part has its full size. */
async function loadOnce(request: DownloadRequest, part: string, progress: Progress): Promise<void> {
  progress.loaded = await fileSize(part);
  if (progress.loaded > request.bytes) {
    await discard(part);
    progress.loaded = 0;
  }
  if (progress.loaded === request.bytes) return;
  const watchdog = startWatchdog(request.stallMs ?? 30_000);
  try {
    const validator = await readValidator(part);
    const answer = await get(request.url, rangeHeaders(progress.loaded, validator), watchdog);
    await accept(answer, request, part, progress, validator, watchdog);
  } finally {
    watchdog.stop();
  }
}

function rangeHeaders(offset: number, validator: string | null): Record<string, string> {
  if (offset === 0) return {};
  const range = { range: `bytes=${offset}-` };
  return validator === null ? range : { ...range, 'if-range': validator };
}

async function accept(
  answer: Answer,
  request: DownloadRequest,
  part: string,
  progress: Progress,
  validator: string | null,
  watchdog: Watchdog,
): Promise<void> {
  const { response } = answer;
  const isRest = response.status === 206 && continues(response, progress.loaded, validator);
  if (response.status !== 200 && !isRest) {
    await response.body?.cancel();
    if (response.status !== 206 && response.status !== 416) throw refusal(answer, request);
    await discard(part);
    throw new TransientFailure(`${request.url}: the file changed on the server, starting again`);
  }
  const offset = isRest ? progress.loaded : 0;
  await refuseOtherFile(response, request, offset);
  progress.resumed = isRest;
  await store(answer, request, part, progress, offset, watchdog);
}

/** Does a 206 answer start where the part ends, and is it of the same version of the file? */
function continues(response: Response, offset: number, validator: string | null): boolean {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  const etag = response.headers.get('etag');
  const sameVersion = validator?.startsWith('"') !== true || etag === null || etag === validator;
  return range !== null && Number(range[1]) === offset && sameVersion;
}

async function store(
  answer: Answer,
  request: DownloadRequest,
  part: string,
  progress: Progress,
  offset: number,
  watchdog: Watchdog,
): Promise<void> {
  progress.loaded = offset;
  try {
    await appendBody(part, answer.response, offset, (chunk, position) => {
      watchdog.touch();
      if (position === 0) refuseText(chunk, request.url);
      if (position + chunk.length > request.bytes) throw tooLong(request);
      progress.loaded = position + chunk.length;
      request.onProgress?.(progress.loaded, request.bytes);
    });
  } catch (error) {
    if (error instanceof ArcfaceError) {
      if (error.code === 'integrity' && progress.loaded > 0) await discard(part);
      throw error;
    }
    throw networkFailure(answer.url, error, watchdog);
  }
  if (progress.loaded < request.bytes) {
    throw new TransientFailure(
      `${request.url}: expected ${request.bytes} bytes, got ${progress.loaded}; the server stopped early`,
    );
  }
}

/** Reads the headers only: a refusal here leaves the part as it is. */
async function refuseOtherFile(
  response: Response,
  request: DownloadRequest,
  offset: number,
): Promise<void> {
  const type = response.headers.get('content-type') ?? '';
  const length = response.headers.get('content-length');
  const counted = length !== null && response.headers.get('content-encoding') === null;
  const total = offset + Number(length);
  let problem: string | null = null;
  if (/^text\/html|^application\/xhtml/i.test(type)) problem = 'a web page (HTML)';
  else if (counted && total !== request.bytes) problem = `a file of ${total} bytes`;
  if (problem === null) return;
  await response.body?.cancel();
  throw new ArcfaceError(
    'integrity',
    `${request.url}: expected a file of ${request.bytes} bytes, got ${problem}; the file is no longer there, or a login or download page stands before it`,
  );
}

/** The first bytes of a model are never text; pages and pointers come with any content type. */
function refuseText(chunk: Uint8Array, url: string): void {
  const start = Buffer.from(chunk.subarray(0, 64)).toString('latin1').trimStart().toLowerCase();
  const isPage = start.startsWith('<!doctype') || start.startsWith('<html');
  const isPointer = start.startsWith('version https://git-lfs');
  if (!isPage && !isPointer) return;
  const got = isPage ? 'a web page (HTML)' : 'a Git LFS pointer';
  throw new ArcfaceError('integrity', `${url}: expected the file itself, got ${got}`);
}

function tooLong(request: DownloadRequest): ArcfaceError {
  return new ArcfaceError(
    'integrity',
    `${request.url}: expected ${request.bytes} bytes, got more; this is another file, it was not kept`,
  );
}

function refusal({ response, url }: Answer, request: DownloadRequest): Error {
  const { status } = response;
  const where = url === request.url ? url : `${request.url} (redirected to ${new URL(url).host})`;
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const retryAfterMs = retryAfter(response.headers.get('retry-after'));
    return new TransientFailure(`${where}: the server is busy or broken (HTTP ${status})`, {
      retryAfterMs,
    });
  }
  const words = STATUS_WORDS[status] ?? 'an unexpected answer';
  return new ArcfaceError('io', `${where}: expected the file, got HTTP ${status}: ${words}`);
}

const STATUS_WORDS: Readonly<Record<number, string>> = {
  401: 'the server wants a login; give another address with --url',
  403: 'the server refuses; give another address with --url',
  404: 'there is no such file any more; give another address with --url',
  410: 'the file was removed for good; give another address with --url',
};

async function discard(part: string): Promise<void> {
  await rm(part, { force: true });
  await forgetValidator(part);
}
