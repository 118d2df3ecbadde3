import { afterEach, describe, expect, it, vi } from 'vitest';
import { get } from '../../../src/cli/fetch/http.ts';
import { startWatchdog } from '../../../src/cli/fetch/watchdog.ts';

afterEach(() => vi.unstubAllGlobals());

/** What a request for https://example.org/a ends with when it is redirected to `location`. */
async function redirected(location: string): Promise<string> {
  const watchdog = startWatchdog({ windowMs: 1000, windowBytes: 1 });
  vi.stubGlobal('fetch', async (url: URL) =>
    url.href === 'https://example.org/a'
      ? new Response(null, { status: 302, headers: { location } })
      : new Response('here'),
  );
  try {
    return (await get('https://example.org/a', {}, watchdog)).url;
  } finally {
    watchdog.stop();
  }
}

describe('get', () => {
  it('refuses a step from https to http, except to this machine', async () => {
    await expect(redirected('http://example.org/b')).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('anyone on the way'),
    });
    await expect(redirected('http://127.0.0.1.example.org/b')).rejects.toThrow(/refused/);
    expect(await redirected('http://127.0.0.1:8080/b')).toBe('http://127.0.0.1:8080/b');
    expect(await redirected('http://localhost/b')).toBe('http://localhost/b');
    expect(await redirected('https://elsewhere.org/b')).toBe('https://elsewhere.org/b');
    expect(await redirected('/c')).toBe('https://example.org/c');
  });

  it.each(['http://[', 'https://example.org:99999/', 'https:///', '\\\\\\'])(
    'says that a redirect to %j leads nowhere',
    async (location) => {
      await expect(redirected(location)).rejects.toMatchObject({
        code: 'io',
        message: expect.stringMatching(
          /^https:\/\/example\.org\/a: its redirect: expected an address/,
        ),
      });
    },
  );

  it('refuses an address that is none', async () => {
    const watchdog = startWatchdog({ windowMs: 1000, windowBytes: 1 });
    await expect(get('nowhere', {}, watchdog)).rejects.toMatchObject({ code: 'io' });
    await expect(get('https://me:secret@example.org/', {}, watchdog)).rejects.toThrow(
      /expected an address without a name or password, got one with$/,
    );
    watchdog.stop();
  });
});
