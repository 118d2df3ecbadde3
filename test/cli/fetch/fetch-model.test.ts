import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
import { type Behaviour, type HostileServer, startServer } from '../../support/hostile-server.ts';

const bytes = writeZip([{ path: 'x/model.params', bytes: new Uint8Array(1000).fill(7) }]);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const retry = {
  failures: 2,
  leastBytes: 1,
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
  preprocessing: null,
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

  it.each<[string, Behaviour]>([
    ['redirects to nowhere', { status: 302, headers: { location: 'http://[' } }],
    ['redirects in a loop', { status: 302, headers: { location: '/model.bin' } }],
    ['has another file', { serve: { bytes: new Uint8Array(bytes.length) } }],
    ['has a file of another size', { serve: { bytes: new Uint8Array(3) } }],
    ['has a page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }],
    ['is busy for ever', { status: 503 }],
  ])('tries the next address when one %s', async (_, behaviour) => {
    const broken = await startServer(behaviour);
    await fetchModel(published([mirror(broken.url), mirror(server.url)]), options());
    expect(readFileSync(join(folder, 'm.zip'))).toEqual(Buffer.from(bytes));
    await broken.close();
  });

  it('does not ask another address when the fault is in the folder', async () => {
    mkdirSync(join(folder, 'm.zip.part'));
    const both = published([mirror(server.url), mirror(server.url)]);
    await expect(fetchModel(both, options())).rejects.toThrow(
      /m\.zip\.part: expected a file of its own/,
    );
    expect(server.requests).toHaveLength(0);
  });

  it('wants one address for each file, in their order', async () => {
    const model = published([]);
    const two = { ...model, parts: [...model.parts, { ...model.parts[0], file: 'n.zip' }] };
    const urls = [server.url];
    await expect(fetchModel(two as PublishedModel, options({ urls }))).rejects.toMatchObject({
      code: 'usage',
      message: '--url: expected 2 addresses, one each for m.zip, n.zip, got 1',
    });
    await expect(fetchModel(model, options({ urls: ['here'] }))).rejects.toThrow(
      /^--url: expected an address, got 'here'$/,
    );
  });

  it('takes a hash only in place of one that is unverified', async () => {
    const model = published([mirror(server.url)]);
    const given = options({ sha256 });
    await expect(fetchModel(model, given)).rejects.toMatchObject({ code: 'usage' });
    const parts = model.parts.map((part) => {
      return { ...part, sha256: '0'.repeat(64), unverified: 'somebody' };
    });
    await expect(fetchModel({ ...model, parts }, options())).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringContaining(`--sha256 ${sha256}`),
    });
    await fetchModel({ ...model, parts }, given);
    expect(server.requests).toHaveLength(1);
    expect(readdirSync(folder).sort()).toEqual(['m.params', 'm.zip']);
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
    await fetchModel(model, options({ urls: [server.url] }));
    rmSync(join(folder, 'm.zip'));
    const liar = await startServer({ serve: { bytes: bytes.map((b) => b ^ 1) } });
    await expect(fetchModel(model, options({ urls: [liar.url] }))).rejects.toMatchObject({
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
      licences: { x: { note: 'research only', source: 'README', commercialUse: false } },
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
      const licence = manifest.licences[model.licence];
      // A note that allows commercial use says under which terms, any other names the restriction.
      expect(licence?.note).toMatch(licence?.commercialUse ? /Apache License 2\.0/ : /research/);
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

  it('lists first what may be used commercially, and says who states its hash', async () => {
    const manifest = await readManifest();
    const [first] = manifest.models;
    expect(first?.name).toBe('auraface-v1');
    expect(first?.parts).toMatchObject([
      {
        bytes: 260694151,
        sha256: 'a7933ea5330113b01c9b60351d8f4c33003f145d8470ac5f0e52ee2effe25c60',
        unverified: expect.any(String),
      },
    ]);
    const allowed = manifest.models.filter(({ licence }) => {
      return manifest.licences[licence]?.commercialUse === true;
    });
    expect(allowed).toEqual([first]);
    // No note goes beyond its sources: none gives advice or weighs one statement against another.
    for (const { note } of Object.values(manifest.licences)) {
      expect(note).not.toMatch(/treat|should|stands above|safe|free to use/i);
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
  const whole = {
    format: 'arcface-wasm-manifest/1',
    licences: { x: { note: 'a', source: 'b' } },
    models: [published([])],
  };
  const withPart = (part: object): string =>
    JSON.stringify({
      ...whole,
      models: [{ ...published([]), parts: [{ ...published([]).parts[0], ...part }] }],
    });
  const withModel = (model: object): string =>
    JSON.stringify({ ...whole, models: [{ ...published([]), ...model }] });
  const withUrl = (url: object): string =>
    withPart({ urls: [{ url: 'https://a.org/b', status: 'unverified', note: 'n', ...url }] });
  const withArchive = (archive: object): string =>
    withPart({ archive: { ...published([]).parts[0]?.archive, ...archive } });
  const withLicence = (licence: unknown): string =>
    JSON.stringify({ ...whole, licences: { x: licence } });

  it.each([
    ['other JSON', '{}'],
    ['null', 'null'],
    ['no JSON', '<html>'],
    ['a list', '[]'],
    ['another format', JSON.stringify({ ...whole, format: 'x' })],
    ['models that are no list', JSON.stringify({ ...whole, models: {} })],
    ['a model that is none', JSON.stringify({ ...whole, models: [null] })],
    ['licences that are a list', JSON.stringify({ ...whole, licences: [] })],
    ['a licence without a note', withLicence({ source: 'b' })],
    ['a licence without a source', withLicence({ note: 'a' })],
    [
      'a licence that allows perhaps',
      withLicence({ note: 'a', source: 'b', commercialUse: 'yes' }),
    ],
    ['a name that is a path', withModel({ name: 'a/b' })],
    ['a name of a device', withModel({ name: 'nul' })],
    ['a summary that colours', withModel({ summary: '\x1b[31mred' })],
    ['another framework', withModel({ framework: 'tensorflow' })],
    ['another input order', withModel({ inputOrder: 'grb' })],
    ['a deviation of 0', withModel({ preprocessing: { mean: 0, std: 0 } })],
    ['a mean that is text', withModel({ preprocessing: { mean: '0', std: 1 } })],
    ['an embedding of -1 numbers', withModel({ embedding: -1 })],
    ['no parts', withModel({ parts: [] })],
    ['parts that are none', withModel({ parts: [1] })],
    ['a foreign file to convert', withModel({ convert: 'other.onnx' })],
    [
      'accuracy above 100 %',
      withModel({ accuracy: [{ dataset: 'd', percent: 101, source: 's' }] }),
    ],
    ['accuracy of nothing', withModel({ accuracy: [{ percent: 99, source: 's' }] })],
    ['notes that break lines', withModel({ notes: 'a\nb' })],
    ['a source that is a number', withModel({ source: 7 })],
    ['a file outside the folder', withPart({ file: '../x' })],
    ['a file of the name of the weights', withPart({ file: 'M.safetensors' })],
    ['a file of the name of a part', withPart({ file: 'm.zip.part' })],
    ['a hash that is none', withPart({ sha256: 'abc' })],
    ['a hash in capitals', withPart({ sha256: 'A'.repeat(64) })],
    ['a size that is none', withPart({ bytes: -1 })],
    ['a size that is no number', withPart({ bytes: '5' })],
    ['an unverified hash that nobody states', withPart({ unverified: true })],
    ['no addresses', withPart({ urls: undefined })],
    ['an address that is none', withUrl({ url: 'here' })],
    ['an address of a file', withUrl({ url: 'file:///etc/passwd' })],
    ['an address with a password', withUrl({ url: 'https://me:it@a.org/' })],
    ['an address that is a number', withUrl({ url: 7 })],
    ['another status', withUrl({ status: 'fine' })],
    ['an address without a note', withUrl({ note: undefined })],
    ['another archive', withArchive({ type: 'rar' })],
    ['an archive without a bound', withArchive({ maxBytes: 0 })],
    ['an archive without entries', withArchive({ entries: [] })],
    ['an unpacked file outside', withArchive({ entries: [{ match: 'a', as: '/etc/a' }] })],
    ['an unpacked file that matches nothing', withArchive({ entries: [{ as: 'a' }] })],
    [
      'a file that is unpacked onto the archive',
      withArchive({ entries: [{ match: 'a', as: 'm.ZIP' }] }),
    ],
    ['a name twice', JSON.stringify({ ...whole, models: [published([]), published([])] })],
    ['an unknown licence', JSON.stringify({ ...whole, licences: {} })],
    ['a licence that every object has', withModel({ licence: 'constructor' })],
  ])('refuses %s', (_, text) => {
    expect(() => parseManifest(text)).toThrow(/^manifest: expected/);
  });

  it('takes an entry that says no more than it must', () => {
    const { name, parts, licence } = published([]);
    const models = [{ name, licence, parts: [{ ...parts[0], archive: undefined }] }];
    const [model] = parseManifest(JSON.stringify({ ...whole, models })).models;
    expect(model).toMatchObject({ name: 'm', convert: null, notes: null, accuracy: [] });
  });

  it('names the models there are when asked for another', () => {
    const manifest = parseManifest(JSON.stringify(whole));
    expect(() => findModel(manifest, 'r100')).toThrow(/expected one of m, got "r100"/);
  });
});
