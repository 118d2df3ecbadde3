import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FetchOptions, fetchModel } from '../../../src/cli/fetch/fetch-model.ts';
import { requireLicence } from '../../../src/cli/fetch/licence.ts';
import {
  findModel,
  type Mirror,
  type PublishedModel,
  parseManifest,
  readManifest,
} from '../../../src/cli/fetch/manifest.ts';
import { writeZip } from '../../support/archives.ts';
import { type HostileServer, startServer } from '../../support/hostile-server.ts';

const bytes = writeZip([{ path: 'x/model.params', bytes: new Uint8Array(1000).fill(7) }]);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const retry = {
  failures: 2,
  attempts: 5,
  firstDelayMs: 1,
  longestDelayMs: 2,
  longestRetryAfterMs: 10,
};

const published = (urls: readonly Mirror[]): PublishedModel => ({
  name: 'm',
  summary: '',
  framework: 'mxnet',
  inputOrder: 'rgb',
  embedding: 512,
  parts: [
    {
      file: 'm.zip',
      bytes: bytes.length,
      sha256,
      urls,
      archive: {
        type: 'zip',
        maxBytes: 2000,
        entries: [{ match: 'model.params', as: 'm.params' }],
      },
    },
  ],
  convert: null,
  accuracy: [],
  licence: 'x',
  source: '',
  notes: null,
});
const mirror = (url: string | null, status: Mirror['status'] = 'unverified'): Mirror => ({
  url,
  status,
  note: 'the reason',
});

let folder: string;
let server: HostileServer;
const options = (changes: Partial<FetchOptions> = {}): FetchOptions => ({
  folder,
  retry,
  ...changes,
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arcface-model-'));
  server = await startServer({ serve: { bytes } });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

describe('fetchModel', () => {
  it('downloads and unpacks into a folder that it makes', async () => {
    const inside = join(folder, 'a', 'b');
    const result = await fetchModel(published([mirror(server.url)]), options({ folder: inside }));
    expect(result).toEqual({
      downloads: [join(inside, 'm.zip')],
      unpacked: [join(inside, 'm.params')],
      made: [join(inside, 'm.zip'), join(inside, 'm.params')],
    });
    expect(readFileSync(join(inside, 'm.params'))).toHaveLength(1000);
  });

  it('tries the next address when one fails, the ended ones last', async () => {
    const broken = await startServer({ status: 404 });
    const notes: string[] = [];
    await fetchModel(
      published([mirror(server.url, 'ended'), mirror(broken.url)]),
      options({ onNote: (text) => notes.push(text) }),
    );
    expect(broken.requests).toHaveLength(1);
    expect(notes.join()).toContain('HTTP 404');
    await broken.close();
  });

  it('says what every address answered when all fail', async () => {
    const broken = await startServer({ status: 404 });
    const gone = await startServer({ status: 410 });
    await expect(
      fetchModel(published([mirror(broken.url), mirror(gone.url)]), options()),
    ).rejects.toThrow(/HTTP 404[\s\S]*HTTP 410/);
    await broken.close();
    await gone.close();
  });

  it('names reason, size and hash when no address is known, and takes a file put there', async () => {
    const model = published([mirror(server.url, 'dead'), mirror(null)]);
    await expect(fetchModel(model, options())).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining(
        `the reason). If you have the file (0.0 MB, SHA-256 ${sha256})`,
      ),
    });
    expect(server.requests).toHaveLength(0);
    writeFileSync(join(folder, 'm.zip'), bytes);
    const first = await fetchModel(model, options());
    expect(first.unpacked).toEqual([join(folder, 'm.params')]);
    expect(first.made).toEqual([join(folder, 'm.params')]);
    expect((await fetchModel(model, options())).made).toEqual([]);
  });

  it('takes --url instead, and still wants the published bytes', async () => {
    const model = published([mirror(null, 'dead')]);
    await fetchModel(model, options({ url: server.url }));
    rmSync(join(folder, 'm.zip'));
    const liar = await startServer({ serve: { bytes: bytes.map((b) => b ^ 1) } });
    await expect(fetchModel(model, options({ url: liar.url }))).rejects.toMatchObject({
      code: 'integrity',
    });
    expect(readdirSync(folder)).toEqual(['m.params']);
    await liar.close();
  });
});

describe('requireLicence', () => {
  const manifest = parseManifest(
    JSON.stringify({
      format: 'arcface-wasm-manifest/1',
      licences: { x: { note: 'research only', source: 'README' } },
      models: [published([])],
    }),
  );
  const model = findModel(manifest, 'm');
  const shown: string[] = [];
  const ask = (answer: string) => async (): Promise<string> => answer;
  const show = (text: string): void => void shown.push(text);

  it('shows the note in any case and goes on after yes', async () => {
    await requireLicence(model, manifest, { accepted: true, ask: null, show });
    await requireLicence(model, manifest, { accepted: false, ask: ask(' Yes\n'), show });
    expect(shown).toHaveLength(2);
    expect(shown.every((text) => text.includes('research only'))).toBe(true);
  });

  it.each([
    ['without a terminal', null],
    ['after no', ask('no')],
    ['after an empty line', ask('')],
  ])('refuses %s', async (_, asked) => {
    await expect(
      requireLicence(model, manifest, { accepted: false, ask: asked, show }),
    ).rejects.toMatchObject({ code: 'licence' });
  });
});

describe('the manifest of the package', () => {
  it('lists files with sizes, hashes, licence notes, sources, and honest address states', async () => {
    const manifest = await readManifest();
    expect(manifest.models.length).toBeGreaterThan(5);
    for (const model of manifest.models) {
      expect(model.source).not.toBe('');
      expect(manifest.licences[model.licence]?.note).toMatch(/research/);
      expect(model.accuracy.every(({ percent, source }) => percent > 80 && source !== '')).toBe(
        true,
      );
      for (const { url, status, note } of model.parts.flatMap((part) => part.urls)) {
        expect(['unverified', 'ended', 'dead']).toContain(status);
        expect(note).not.toBe('');
        if (url !== null) expect(new URL(url).protocol).toBe('https:');
        if (status === 'unverified') expect(url).not.toBeNull();
      }
      const files = model.parts.flatMap((p) => [
        p.file,
        ...(p.archive?.entries ?? []).map((e) => e.as),
      ]);
      if (model.convert !== null) expect(files).toContain(model.convert);
    }
  });

  it('names the network of the Open Model Zoo page with its archive', async () => {
    const model = findModel(await readManifest(), 'face-recognition-resnet100-arcface');
    expect(model.parts[0]).toMatchObject({
      bytes: 243494890,
      sha256: 'eab0e5bcca81c070f56ffb11a1c32d7b2e574a8bb94f32590e7b48b355c13d1f',
    });
  });
});

describe('parseManifest', () => {
  const whole = { format: 'arcface-wasm-manifest/1', licences: { x: {} }, models: [published([])] };
  const withPart = (part: object): string =>
    JSON.stringify({
      ...whole,
      models: [{ ...published([]), parts: [{ ...published([]).parts[0], ...part }] }],
    });
  it.each([
    ['other JSON', '{}'],
    ['null', 'null'],
    ['no JSON', '<html>'],
    ['a file outside the folder', withPart({ file: '../x' })],
    ['a hash that is none', withPart({ sha256: 'abc' })],
    ['a size that is none', withPart({ bytes: -1 })],
    [
      'an unpacked file outside',
      withPart({ archive: { type: 'zip', maxBytes: 1, entries: [{ match: 'a', as: '/etc/a' }] } }),
    ],
    ['a name twice', JSON.stringify({ ...whole, models: [published([]), published([])] })],
    ['an unknown licence', JSON.stringify({ ...whole, licences: {} })],
  ])('refuses %s', (_, text) => {
    expect(() => parseManifest(text)).toThrow(/^manifest: expected/);
  });

  it('names the models there are when asked for another', () => {
    const manifest = parseManifest(JSON.stringify(whole));
    expect(() => findModel(manifest, 'r100')).toThrow(/expected one of m, got "r100"/);
  });
});
