/**
 * One published file onto disk. Receives its addresses, size and SHA-256; writes `<file>.part`, goes on
 * where an earlier run stopped, and gives the file its name only after the hash fits. Refuses web pages,
 * other sizes and other hashes, and never replaces anything.
 *
 * What stays on disk: after a cut, a stall or a full disk the `.part` stays (the next run resumes it);
 * after wrong content it is removed, because resuming it could never succeed.
 */

import { rm } from 'node:fs/promises';
import { ArcfaceError } from '../../errors.ts';
import { AddressFault } from './address-fault.ts';
import { checkFreeSpace, fileSha256 } from './disk.ts';
import { type Answer, get, networkFailure } from './http.ts';
import { giveName, isFileThere } from './own-file.ts';
import { appendBody, forgetValidator, partSize, readValidator } from './part-file.ts';
import { refusal, refuseText, sizeProblem } from './refusals.ts';
import { DEFAULT_RETRY, type RetryLimits, TransientFailure, withRetry } from './retry.ts';
import { DEFAULT_PACE, type Pace, startWatchdog, type Watchdog } from './watchdog.ts';

export interface DownloadRequest {
  readonly url: string;
  /** The final name; `<path>.part` holds what has arrived. */
  readonly path: string;
  /** Its size; undefined where only the server can say. */
  readonly bytes: number | undefined;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Who states size and hash, where those who publish the file do not. */
  readonly unverified?: string | undefined;
  readonly onProgress?: (loaded: number, total: number | undefined) => void;
  readonly onRetry?: (message: string, delayMs: number) => void;
  readonly pace?: Pace;
  readonly retry?: RetryLimits;
}

/** How the bytes of the `.part` came together. */
interface Progress {
  loaded: number;
  /** The last answer was the rest of what had arrived before. */
  resumed: boolean;
  /** The whole file's size, once it is known. */
  total: number | undefined;
}

/** No published network is larger; a server that says nothing of its size is stopped here. */
const MAX_BYTES = 2 ** 31;

/** 'present' if the right file was already there. Throws ArcfaceError 'io' or 'integrity'. */
export async function download(request: DownloadRequest): Promise<'downloaded' | 'present'> {
  if (await isFileThere(request.path)) {
    if ((await fileSha256(request.path)) === request.sha256) return 'present';
    throw new ArcfaceError(
      'io',
      `${request.path}: expected no such file or the published one, got a file with other content; move it away`,
    );
  }
  const part = `${request.path}.part`;
  const loaded = await partSize(part);
  const progress: Progress = { loaded, resumed: loaded > 0, total: request.bytes };
  const isWhole = loaded > 0 && request.bytes === undefined && (await isRight(request, part));
  if (!isWhole) await loadTwice(request, part, progress);
  await giveName(part, request.path);
  await forgetValidator(part);
  return 'downloaded';
}

/** Pieces of two versions, or a part that was damaged on disk, are loaded once more from the start. */
async function loadTwice(
  request: DownloadRequest,
  part: string,
  progress: Progress,
): Promise<void> {
  await checkFreeSpace(request.path, (request.bytes ?? 0) - progress.loaded);
  await loadAll(request, part, progress);
  if (await isRight(request, part)) return;
  if (progress.resumed) {
    await discard(part);
    Object.assign(progress, { loaded: 0, resumed: false });
    await loadAll(request, part, progress);
    if (await isRight(request, part)) return;
  }
  throw await wrongHash(request, part);
}

async function isRight(request: DownloadRequest, part: string): Promise<boolean> {
  return (await fileSha256(part)) === request.sha256;
}

/** What was stated by a third party may be wrong itself: then the file stays, and its hash can be given. */
async function wrongHash(request: DownloadRequest, part: string): Promise<ArcfaceError> {
  const actual = await fileSha256(part);
  const got = `${request.url}: expected SHA-256 ${request.sha256}, got ${actual}`;
  if (request.unverified === undefined) {
    await discard(part);
    return new AddressFault('integrity', `${got}; this is another file, it was not kept`);
  }
  return new AddressFault(
    'integrity',
    `${got}. The expected one is unverified (${request.unverified}), so the file is not used, and kept ` +
      `as ${part}. If those who publish it state ${actual}, run the same command with --sha256 ${actual}`,
  );
}

async function loadAll(request: DownloadRequest, part: string, progress: Progress): Promise<void> {
  await withRetry(
    () => loadOnce(request, part, progress),
    () => progress.loaded,
    request.retry ?? DEFAULT_RETRY,
    (failure, delayMs) => request.onRetry?.(failure.message, delayMs),
  );
}

/** One request from where the part ends. Returns when the part has its full size. */
async function loadOnce(request: DownloadRequest, part: string, progress: Progress): Promise<void> {
  progress.loaded = await partSize(part);
  if (progress.loaded > (request.bytes ?? MAX_BYTES)) {
    await discard(part);
    progress.loaded = 0;
  }
  if (progress.loaded === request.bytes) return;
  const watchdog = startWatchdog(request.pace ?? DEFAULT_PACE);
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
    if (response.status !== 206 && response.status !== 416) throw refusal(answer, request.url);
    await discard(part);
    throw new TransientFailure(`${request.url}: the file changed on the server, starting again`);
  }
  const offset = isRest ? progress.loaded : 0;
  const problem = sizeProblem(response, request, offset);
  if (problem !== undefined) {
    await response.body?.cancel();
    throw problem;
  }
  progress.resumed = isRest;
  progress.total = request.bytes ?? statedTotal(response, offset);
  await store(answer, request, part, progress, offset, watchdog);
}

/** Does a 206 answer start where the part ends, and is it of the same version of the file? */
function continues(response: Response, offset: number, validator: string | null): boolean {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  const etag = response.headers.get('etag');
  const sameVersion = validator?.startsWith('"') !== true || etag === null || etag === validator;
  return range !== null && Number(range[1]) === offset && sameVersion;
}

function statedTotal(response: Response, offset: number): number | undefined {
  const length = response.headers.get('content-length');
  return length === null ? undefined : offset + Number(length);
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
      watchdog.touch(chunk.length);
      if (position === 0) refuseText(chunk, request.url);
      if (position + chunk.length > (request.bytes ?? MAX_BYTES)) throw tooLong(request);
      progress.loaded = position + chunk.length;
      request.onProgress?.(progress.loaded, progress.total);
    });
  } catch (error) {
    if (error instanceof ArcfaceError) {
      if (error.code === 'integrity' && progress.loaded > 0) await discard(part);
      throw error;
    }
    throw networkFailure(answer.url, error, watchdog);
  }
  if (progress.loaded < (progress.total ?? 1)) {
    throw new TransientFailure(
      `${request.url}: expected ${progress.total ?? 'some'} bytes, got ${progress.loaded}; the server stopped early`,
    );
  }
}

function tooLong(request: DownloadRequest): AddressFault {
  return new AddressFault(
    'integrity',
    `${request.url}: expected ${request.bytes ?? `at most ${MAX_BYTES}`} bytes, got more; this is another file, it was not kept`,
  );
}

async function discard(part: string): Promise<void> {
  await rm(part, { force: true });
  await forgetValidator(part);
}
