import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Archive } from '../../../src/cli/fetch/manifest.ts';
import { unpack } from '../../../src/cli/fetch/unpack.ts';
import { ArcfaceError } from '../../../src/errors.ts';
import { writeTar, writeTarGz, writeZip } from '../../support/archives.ts';

const params = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 5);
const symbol = new TextEncoder().encode('{"nodes":[]}');
const wanted = [
  { match: 'model-0000.params', as: 'm-0000.params' },
  { match: 'model-symbol.json', as: 'm-symbol.json' },
];
const zip: Archive = { type: 'zip', maxBytes: 400_000, entries: wanted };
const tar: Archive = { type: 'tar.gz', maxBytes: 400_000, entries: wanted };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arcface-unpack-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(bytes: Uint8Array, archive: Archive): Promise<string[]> {
  const path = join(folder, 'archive');
  writeFileSync(path, bytes);
  return (await unpack(path, archive, folder)).map((file) => file.path);
}

async function refusal(bytes: Uint8Array, archive: Archive): Promise<string> {
  const error = await run(bytes, archive).then(
    () => new Error('expected a refusal'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ArcfaceError);
  expect((error as ArcfaceError).code).toBe('integrity');
  expect(readdirSync(folder)).toEqual(['archive']);
  return (error as ArcfaceError).message;
}

const expectBoth = (paths: readonly string[]): void => {
  expect(paths).toEqual([join(folder, 'm-0000.params'), join(folder, 'm-symbol.json')]);
  expect(new Uint8Array(readFileSync(paths[0] ?? ''))).toEqual(params);
  expect(new Uint8Array(readFileSync(paths[1] ?? ''))).toEqual(symbol);
  expect(readdirSync(folder).sort()).toEqual(['archive', 'm-0000.params', 'm-symbol.json']);
};

describe('unpack', () => {
  const both = writeZip([
    { path: 'model-symbol.json', bytes: symbol },
    { path: 'model-0000.params', bytes: params },
  ]);

  it('says which files were there already', async () => {
    writeFileSync(join(folder, 'm-symbol.json'), symbol);
    const path = join(folder, 'archive');
    writeFileSync(path, both);
    expect((await unpack(path, zip, folder)).map(({ made }) => made)).toEqual([true, false]);
  });

  it('never replaces a file with other content, nor what is no file', async () => {
    writeFileSync(join(folder, 'm-symbol.json'), 'mine');
    await expect(run(both, zip)).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/m-symbol\.json: expected no such file .* move it away$/),
    });
    expect(readFileSync(join(folder, 'm-symbol.json'), 'utf8')).toBe('mine');
    rmSync(join(folder, 'm-symbol.json'));
    mkdirSync(join(folder, 'm-symbol.json'));
    await expect(run(both, zip)).rejects.toThrow(/got a directory; move it away/);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

describe('unpack a zip', () => {
  it('takes stored and deflated entries, whatever folder they are in', async () => {
    expectBoth(
      await run(
        writeZip(
          [
            { path: 'model-r100-ii/', bytes: new Uint8Array(0), stored: true },
            { path: 'model-r100-ii/model-symbol.json', bytes: symbol, stored: true },
            { path: '__MACOSX/model-r100-ii/._model-0000.params', bytes: symbol },
            { path: 'model-r100-ii/model-0000.params', bytes: params },
          ],
          'made by hand',
        ),
        zip,
      ),
    );
  });

  it('never writes where the archive says', async () => {
    expectBoth(
      await run(
        writeZip([
          { path: '../../model-0000.params', bytes: params },
          { path: '/etc/model-symbol.json', bytes: symbol },
        ]),
        zip,
      ),
    );
  });

  const good = { path: 'model-0000.params', bytes: params };
  const other = { path: 'model-symbol.json', bytes: symbol };
  it.each([
    ['a missing entry', writeZip([good]), 'model-symbol.json'],
    [
      'two entries of a name',
      writeZip([good, { ...other, path: 'a/model-symbol.json' }, other]),
      'second',
    ],
    ['a wrong CRC', writeZip([{ ...good, lie: { crc: 1 } }, other]), 'CRC'],
    ['more bytes than announced', writeZip([{ ...good, lie: { bytes: 1000 } }, other]), 'got more'],
    ['fewer bytes than announced', writeZip([{ ...good, lie: { bytes: 300_001 } }, other]), 'CRC'],
    ['more than the bound', writeZip([{ ...good, lie: { bytes: 500_000 } }, other]), '400000'],
    ['an offset outside', writeZip([{ ...good, lie: { offset: 0xfffffff0 } }, other]), 'zip'],
    ['an offset into data', writeZip([{ ...good, lie: { offset: 500 } }, other]), 'place'],
    ['a packed size outside', writeZip([{ ...good, lie: { packed: 0xfffffff0 } }, other]), 'place'],
    ['encryption', writeZip([{ ...good, lie: { flags: 1 } }, other]), 'another kind'],
    ['another method', writeZip([{ ...good, lie: { method: 14 } }, other]), 'another kind'],
    [
      'damaged deflate data',
      writeZip([{ ...good, stored: true, lie: { method: 8 } }, other]),
      'deflate',
    ],
    ['no archive', new TextEncoder().encode('<html>'.repeat(20)), 'directory'],
    ['an empty file', new Uint8Array(0), 'zip'],
    ['four bytes', new Uint8Array(4), 'directory'],
  ])('refuses %s', async (_, bytes, words) => {
    expect(await refusal(bytes, zip)).toContain(words);
  });

  it('refuses a zip cut anywhere', async () => {
    const bytes = writeZip([{ ...good, bytes: params.subarray(0, 300) }, other]);
    for (let end = 0; end < bytes.length; end++) await refusal(bytes.subarray(0, end), zip);
  });
});

describe('unpack a tar.gz', () => {
  const model = { path: 'model/model-0000.params', bytes: params };
  const entries = [
    { path: 'model/', bytes: new Uint8Array(0), type: '5' },
    { path: 'pax', bytes: new TextEncoder().encode('20 path=whatever.txt\n'), type: 'x' },
    { path: 'model/test_data_set_0/input_0.pb', bytes: params.subarray(0, 5000) },
    model,
    { path: 'model/model-symbol.json', bytes: symbol },
  ];

  it('takes the wanted files and skips the others', async () => {
    expectBoth(await run(writeTarGz(entries), tar));
  });

  it('takes the one file of an ending', async () => {
    const archive: Archive = { ...tar, entries: [{ match: '*.params', as: 'x.params' }] };
    expect(await run(writeTarGz(entries), archive)).toEqual([join(folder, 'x.params')]);
  });

  it.each([
    ['a missing entry', writeTarGz(entries.slice(0, 4)), 'model-symbol.json'],
    ['a damaged header', writeTarGz([{ ...model, lie: { checksum: 1 } }]), 'checksum'],
    ['a size beyond the bound', writeTarGz([{ ...model, lie: { size: '77777777777' } }]), '400000'],
    ['a size that is none', writeTarGz([{ ...model, lie: { size: 'aaaaaaaaaaa' } }]), 'NaN'],
    ['an archive without its end', gzipSync(writeTar(entries).subarray(0, -1024)), 'cut'],
    ['a cut gzip', writeTarGz(entries).subarray(0, 5000), 'gzip'],
    ['no gzip', new TextEncoder().encode('<html>'), 'gzip'],
    [
      'endless zeros after a file',
      gzipSync(Buffer.concat([writeTar([{ path: 'a', bytes: new Uint8Array(900_000) }])])),
      '400000',
    ],
  ])('refuses %s', async (_, bytes, words) => {
    expect(await refusal(bytes, tar)).toContain(words);
  });
});
