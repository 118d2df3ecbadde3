import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DownloadRequest, download } from '../../../src/cli/fetch/download.ts';
import { retryAfter } from '../../../src/cli/fetch/retry.ts';
import { ArcfaceError, type ErrorCode } from '../../../src/errors.ts';
import { type Behaviour, type HostileServer, startServer } from '../../support/hostile-server.ts';

const file = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7919) >> 3);
const other = file.map((byte) => byte ^ 255);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const quick = {
  failures: 4,
  leastBytes: 1,
  attempts: 20,
  firstDelayMs: 1,
  longestDelayMs: 10,
  longestRetryAfterMs: 1500,
};

const pace = { windowMs: 400, windowBytes: 400 };

let folder: string;
let server: HostileServer;
const path = (): string => join(folder, 'model.bin');
const part = (): string => `${path()}.part`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arcface-fetch-'));
});
afterEach(async () => {
  await server?.close();
  rmSync(folder, { recursive: true });
});

async function run(
  script: readonly Behaviour[],
  changes: Partial<DownloadRequest> = {},
): Promise<'downloaded' | 'present'> {
  server = await startServer(...script);
  return download({
    url: server.url,
    path: path(),
    bytes: file.length,
    sha256: sha256(file),
    retry: quick,
    pace,
    ...changes,
  });
}

/** The refusal; whatever happened, nothing may carry the final name. */
async function refusal(
  code: ErrorCode,
  script: readonly Behaviour[],
  changes: Partial<DownloadRequest> = {},
): Promise<string> {
  const error = await run(script, changes).then(
    () => new Error('expected a refusal'),
    (reason: unknown) => reason,
  );
  expect(readdirSync(folder)).not.toContain('model.bin');
  expect(error).toBeInstanceOf(ArcfaceError);
  expect(error).toMatchObject({ code });
  return (error as ArcfaceError).message;
}

const kept = (): Uint8Array => new Uint8Array(readFileSync(path()));

describe('download', () => {
  it('stores the file under its name, reports progress, and leaves nothing else behind', async () => {
    const seen: number[] = [];
    const onProgress = (loaded: number, total: number | undefined): void => {
      expect(total).toBe(file.length);
      seen.push(loaded);
    };
    expect(await run([{ serve: { bytes: file, etag: '"1"' } }], { onProgress })).toBe('downloaded');
    expect(kept()).toEqual(file);
    expect(readdirSync(folder)).toEqual(['model.bin']);
    expect(seen.at(-1)).toBe(file.length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it('asks nothing of the server when the right file is already there', async () => {
    writeFileSync(path(), file);
    expect(await run([{ status: 500 }])).toBe('present');
    expect(server.requests).toHaveLength(0);
  });

  it('does not overwrite a file with other content', async () => {
    writeFileSync(path(), 'mine');
    await expect(run([{ serve: { bytes: file } }])).rejects.toThrow(/other content/);
    expect(readFileSync(path(), 'utf8')).toBe('mine');
  });

  it.each([
    ['an ETag', { etag: '"1"' }],
    ['a date', { lastModified: 'Tue, 01 Feb 2022 00:00:00 GMT' }],
    ['neither', {}],
  ])('goes on after a cut, with %s as the validator', async (_, version) => {
    await run([
      { serve: { bytes: file, ...version, cutAfter: 60_000 } },
      { serve: { bytes: file, ...version, cutAfter: 50_000 } },
      { serve: { bytes: file, ...version } },
    ]);
    expect(kept()).toEqual(file);
    expect(server.ranges[0]).toBeUndefined();
    expect(server.ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(
      true,
    );
  });

  it('goes on in a later run', async () => {
    await refusal('io', [
      { serve: { bytes: file, etag: '"1"', cutAfter: 90_000 } },
      { status: 503 },
    ]);
    expect(readdirSync(folder).sort()).toEqual(['model.bin.part', 'model.bin.part.version']);
    await server.close();
    await run([{ serve: { bytes: file, etag: '"1"' } }]);
    expect(kept()).toEqual(file);
    expect(server.ranges).toEqual([expect.stringMatching(/^bytes=[1-9]/)]);
    expect(server.requests[0]?.headers['if-range']).toBe('"1"');
  });

  it('starts again when the server ignores the range', async () => {
    await run([
      { serve: { bytes: file, cutAfter: 60_000 } },
      { serve: { bytes: file, ignoreRange: true } },
    ]);
    expect(kept()).toEqual(file);
  });

  it('starts again when the file changed between two pieces', async () => {
    await run([
      { serve: { bytes: other, etag: '"old"', cutAfter: 60_000 } },
      { serve: { bytes: file, etag: '"new"' } },
    ]);
    expect(kept()).toEqual(file);
  });

  it('starts again when the server mixes versions in spite of If-Range', async () => {
    await run([
      { serve: { bytes: other, etag: '"old"', cutAfter: 60_000 } },
      { serve: { bytes: file, etag: '"new"', ignoreIfRange: true } },
    ]);
    expect(kept()).toEqual(file);
  });

  it('starts once more when pieces of two versions went unnoticed', async () => {
    await run([{ serve: { bytes: other, cutAfter: 60_000 } }, { serve: { bytes: file } }]);
    expect(kept()).toEqual(file);
    expect(server.ranges.at(-1)).toBeUndefined();
  });

  it('does not write a piece to the wrong place', async () => {
    await run([
      { serve: { bytes: file, cutAfter: 60_000 } },
      { serve: { bytes: file, shiftRange: 1000 } },
      { serve: { bytes: file } },
    ]);
    expect(kept()).toEqual(file);
  });

  it('starts again from a part that is longer than the file', async () => {
    writeFileSync(part(), new Uint8Array(file.length + 5));
    await run([{ serve: { bytes: file } }]);
    expect(kept()).toEqual(file);
  });

  it('starts again from a part that is damaged on disk', async () => {
    writeFileSync(part(), other);
    await run([{ serve: { bytes: file } }]);
    expect(kept()).toEqual(file);
  });

  it('goes on after a stall', async () => {
    await run([{ serve: { bytes: file, stallAfter: 70_000 } }, { serve: { bytes: file } }]);
    expect(kept()).toEqual(file);
    expect(server.ranges[1]).toMatch(/^bytes=[1-9]/);
  });

  it('goes on after a trickle, which is too slow to wait for', async () => {
    await run([
      { serve: { bytes: file, stallAfter: 70_000, trickleMs: 20 } },
      { serve: { bytes: file } },
    ]);
    expect(kept()).toEqual(file);
    expect(server.ranges[1]).toMatch(/^bytes=[1-9]/);
  });

  it('gives up on a server that only trickles, and says so', async () => {
    const trickling = { serve: { bytes: file, stallAfter: 1, trickleMs: 20 } };
    const retry = { ...quick, leastBytes: 400 };
    const message = await refusal('io', [trickling], { retry });
    expect(message).toContain('no or hardly any data for a while');
    expect(server.requests).toHaveLength(quick.failures);
    expect(readdirSync(folder)).toContain('model.bin.part');
  });

  it('waits and tries again when the server is busy, as long as Retry-After says', async () => {
    const started = performance.now();
    await run([
      { status: 503, headers: { 'retry-after': '1' } },
      { status: 429 },
      { serve: { bytes: file } },
    ]);
    expect(performance.now() - started).toBeGreaterThanOrEqual(990);
    expect(kept()).toEqual(file);
  });

  it('does not wait longer than a person would', async () => {
    const message = await refusal('io', [{ status: 503, headers: { 'retry-after': '7200' } }]);
    expect(message).toContain('7200 seconds');
    expect(server.requests).toHaveLength(1);
  });

  it('gives up after failures without progress, keeps what arrived and says so', async () => {
    const message = await refusal('io', [{ status: 502 }]);
    expect(message).toContain('HTTP 502');
    expect(message).toContain('run the same command again');
    expect(server.requests).toHaveLength(quick.failures);
  });

  it('gives up on a server that sends a little and cuts for ever', async () => {
    await refusal('io', [{ serve: { bytes: file, cutAfter: 100 } }]);
    expect(server.requests.length).toBeLessThanOrEqual(quick.attempts);
  });

  it.each([404, 403, 410, 401])('ends at once with words at HTTP %i', async (status) => {
    const message = await refusal('io', [{ status, body: 'no' }]);
    expect(message).toContain(`HTTP ${status}`);
    expect(message).toContain('--url');
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['by its type', { type: 'text/html; charset=utf-8' }],
    ['by its first bytes', { type: 'application/octet-stream' }],
    ['by its first bytes, without a length', { chunked: true }],
  ])('recognises a web page %s, and keeps the part that had arrived', async (_, header) => {
    writeFileSync(part(), file.subarray(0, 1000));
    const page = new Uint8Array(file.length).fill(32);
    page.set(new TextEncoder().encode('\n<!DOCTYPE html><title>Sign in</title>'));
    const message = await refusal('integrity', [
      { serve: { bytes: page, ignoreRange: true, ...header } },
    ]);
    expect(message).toContain('HTML');
    expect(new Uint8Array(readFileSync(part()))).toEqual(file.subarray(0, 1000));
  });

  it('recognises a Git LFS pointer', async () => {
    const pointer = new TextEncoder().encode(
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
    );
    const message = await refusal('integrity', [{ serve: { bytes: pointer, chunked: true } }]);
    expect(message).toContain('LFS pointer');
  });

  it('refuses another size before it is downloaded', async () => {
    const message = await refusal('integrity', [{ serve: { bytes: file.subarray(0, 5000) } }]);
    expect(message).toContain('got a file of 5000 bytes');
  });

  it('refuses more bytes than there should be, without a length', async () => {
    const longer = new Uint8Array(file.length * 3);
    await refusal('integrity', [{ serve: { bytes: longer, chunked: true } }]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('goes on when the body is shorter than the server announced', async () => {
    await run([
      { serve: { bytes: file.subarray(0, 150_000), announce: file.length, cutAfter: 150_000 } },
      { serve: { bytes: file } },
    ]);
    expect(kept()).toEqual(file);
  });

  it('refuses a wrong hash, says both, and keeps nothing', async () => {
    const message = await refusal('integrity', [{ serve: { bytes: other } }]);
    expect(message).toContain(sha256(file));
    expect(message).toContain(sha256(other));
    expect(readdirSync(folder)).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  it('follows redirects and refuses loops', async () => {
    await run([
      { status: 302, headers: { location: '/next' } },
      { status: 308, headers: { location: '/there' } },
      { serve: { bytes: file } },
    ]);
    expect(server.requests.map((request) => request.url)).toEqual([
      '/model.bin',
      '/next',
      '/there',
    ]);
    rmSync(path());
    await server.close();
    const message = await refusal('io', [{ status: 301, headers: { location: '/model.bin' } }]);
    expect(message).toContain('loop');
    expect(server.requests.length).toBeLessThan(20);
  });

  it.each(['ftp://example.org/x', 'file:///etc/passwd', 'javascript:1'])(
    'refuses a redirect to %s',
    async (location) => {
      const message = await refusal('io', [{ status: 302, headers: { location } }]);
      expect(message).toContain('http');
    },
  );

  it('says that there is no network or nobody answers', async () => {
    server = await startServer({ status: 200 });
    const { url } = server;
    await server.close();
    const request = { url, path: path(), bytes: 5, sha256: sha256(other), retry: quick };
    await expect(download(request)).rejects.toThrow(/nothing answers there/);
    const unknown = { ...request, url: 'http://no-such-host.invalid/x' };
    await expect(download(unknown)).rejects.toThrow(/is there a network/);
  });

  it.each<[string, (path: string) => void, RegExp]>([
    ['a link', (path) => symlinkSync(join(folder, 'mine'), path), /got a link; move it away/],
    ['a second name of a file', (path) => linkSync(join(folder, 'mine'), path), /another name too/],
    ['a folder', (path) => mkdirSync(path), /got a directory; move it away/],
    ['a pipe', (path) => void spawnSync('mkfifo', [path]), /got a pipe; move it away/],
  ])('touches nothing where %s stands for the part or its validator', async (_, make, message) => {
    writeFileSync(join(folder, 'mine'), 'mine');
    for (const path of [part(), `${part()}.version`]) {
      make(path);
      expect(await refusal('io', [{ serve: { bytes: file } }])).toMatch(message);
      expect(server.requests).toHaveLength(0);
      expect(readFileSync(join(folder, 'mine'), 'utf8')).toBe('mine');
      await server.close();
      rmSync(path, { recursive: true });
    }
  });

  it.each<[string, () => void, RegExp]>([
    ['a folder', () => mkdirSync(path()), /got a directory; move it away/],
    ['a pipe', () => void spawnSync('mkfifo', [path()]), /got a pipe; move it away/],
    ['a dead link', () => symlinkSync('/nowhere/x', path()), /a link that leads nowhere; move it/],
  ])('replaces no %s that has the name of the file', async (_, make, message) => {
    make();
    await expect(run([{ serve: { bytes: file } }])).rejects.toThrow(message);
    expect(server.requests).toHaveLength(0);
    expect(readdirSync(folder)).toEqual(['model.bin']);
  });

  it('replaces no file that appears while it downloads', async () => {
    const onProgress = (): void => writeFileSync(path(), 'mine');
    await expect(run([{ serve: { bytes: file } }], { onProgress })).rejects.toThrow(
      /expected no such file, got one meanwhile/,
    );
    expect(readFileSync(path(), 'utf8')).toBe('mine');
  });

  it('refuses to start without space for the file', async () => {
    const message = await refusal('io', [{ serve: { bytes: file } }], { bytes: 2 ** 52 });
    expect(message).toContain('free space');
    expect(server.requests).toHaveLength(0);
  });

  it('says which path could not be written', async () => {
    await expect(
      run([{ serve: { bytes: file } }], { path: join(folder, 'missing', 'model.bin') }),
    ).rejects.toMatchObject({ code: 'io', message: expect.stringContaining('missing') });
  });
});

describe('a file whose size and hash a third party states', () => {
  const unverified = 'a card of somebody else';

  it('is kept aside when the hash differs, and taken without the network once it is given', async () => {
    const message = await refusal('integrity', [{ serve: { bytes: other } }], { unverified });
    expect(message).toContain(`is unverified (${unverified})`);
    expect(message).toContain(`kept as ${part()}`);
    expect(message).toContain(`--sha256 ${sha256(other)}`);
    expect(new Uint8Array(readFileSync(part()))).toEqual(other);
    await server.close();
    await run([{ status: 500 }], { sha256: sha256(other), bytes: undefined });
    expect(server.requests).toHaveLength(0);
    expect(kept()).toEqual(other);
    expect(readdirSync(folder)).toEqual(['model.bin']);
  });

  it('says that the size need not be right either', async () => {
    const short = file.subarray(0, 5000);
    const message = await refusal('integrity', [{ serve: { bytes: short } }], { unverified });
    expect(message).toMatch(/that size is unverified \(a card of somebody else\): with --sha256/);
    await server.close();
    await run([{ serve: { bytes: short } }], { sha256: sha256(short), bytes: undefined });
    expect(kept()).toEqual(short);
  });

  it('goes on where it stopped, also when only the server knows the size', async () => {
    const etag = '"1"';
    await run(
      [
        { serve: { bytes: file, etag, cutAfter: 60_000 } },
        { serve: { bytes: file, etag, cutAfter: 60_000, chunked: true } },
        { serve: { bytes: file, etag } },
      ],
      { bytes: undefined },
    );
    expect(kept()).toEqual(file);
    expect(server.ranges.slice(1).every((range) => /^bytes=[1-9]/.test(range ?? ''))).toBe(true);
  });

  it('still wants the hash that was given', async () => {
    const message = await refusal('integrity', [{ serve: { bytes: other } }], { bytes: undefined });
    expect(message).toContain('it was not kept');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('retryAfter', () => {
  it('reads seconds and dates, nothing else', () => {
    const now = Date.parse('2024-01-01T00:00:00Z');
    expect(retryAfter('3', now)).toBe(3000);
    expect(retryAfter('Mon, 01 Jan 2024 00:01:00 GMT', now)).toBe(60_000);
    expect(retryAfter('Mon, 01 Jan 2023 00:00:00 GMT', now)).toBe(0);
    expect(retryAfter('soon', now)).toBeUndefined();
    expect(retryAfter(null, now)).toBeUndefined();
  });
});
