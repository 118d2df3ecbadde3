/** Answers of a server that are not the published file, told by status, headers and first bytes. */

import { AddressFault } from './address-fault.ts';
import type { Answer } from './http.ts';
import { retryAfter, TransientFailure } from './retry.ts';

interface Expected {
  readonly url: string;
  readonly bytes: number | undefined;
  readonly unverified?: string | undefined;
}

/** By the headers alone: a refusal here leaves the part as it is. */
export function sizeProblem(
  response: Response,
  { url, bytes, unverified }: Expected,
  offset: number,
): AddressFault | undefined {
  const type = response.headers.get('content-type') ?? '';
  const length = response.headers.get('content-length');
  const counted = length !== null && response.headers.get('content-encoding') === null;
  const total = offset + Number(length);
  const expected = bytes === undefined ? 'the file itself' : `a file of ${bytes} bytes`;
  if (/^text\/html|^application\/xhtml/i.test(type)) {
    return new AddressFault(
      'integrity',
      `${url}: expected ${expected}, got a web page (HTML); ${GONE}`,
    );
  }
  if (bytes === undefined || !counted || total === bytes) return undefined;
  const way =
    unverified === undefined
      ? GONE
      : `that size is unverified (${unverified}): with --sha256 and the hash that those who publish the file state, the size is not compared`;
  return new AddressFault(
    'integrity',
    `${url}: expected ${expected}, got a file of ${total} bytes; ${way}`,
  );
}

const GONE = 'the file is no longer there, or a login or download page stands before it';

/** The first bytes of a model are never text; pages and pointers come with any content type. */
export function refuseText(chunk: Uint8Array, url: string): void {
  const start = Buffer.from(chunk.subarray(0, 64)).toString('latin1').trimStart().toLowerCase();
  const isPage = start.startsWith('<!doctype') || start.startsWith('<html');
  const isPointer = start.startsWith('version https://git-lfs');
  if (!isPage && !isPointer) return;
  const got = isPage ? 'a web page (HTML)' : 'a Git LFS pointer';
  throw new AddressFault('integrity', `${url}: expected the file itself, got ${got}`);
}

/** Of a status that brings no file: to be tried again, or not. */
export function refusal({ response, url }: Answer, asked: string): Error {
  const { status } = response;
  const where = url === asked ? url : `${asked} (redirected to ${new URL(url).host})`;
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const retryAfterMs = retryAfter(response.headers.get('retry-after'));
    return new TransientFailure(`${where}: the server is busy or broken (HTTP ${status})`, {
      retryAfterMs,
    });
  }
  const words = STATUS_WORDS[status] ?? 'an unexpected answer';
  return new AddressFault('io', `${where}: expected the file, got HTTP ${status}: ${words}`);
}

const STATUS_WORDS: Readonly<Record<number, string>> = {
  401: 'the server wants a login; give another address with --url',
  403: 'the server refuses; give another address with --url',
  404: 'there is no such file any more; give another address with --url',
  410: 'the file was removed for good; give another address with --url',
};
