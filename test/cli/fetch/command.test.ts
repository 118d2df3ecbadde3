import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fetch } from '../../../src/cli/commands/fetch.ts';
import { convertFile } from '../../../src/cli/conversion.ts';
import { findModel, readManifest } from '../../../src/cli/fetch/manifest.ts';
import { parseWeightsHeader } from '../../../src/formats/safetensors.ts';
import { type HostileServer, startServer } from '../../support/hostile-server.ts';
import { smallNetwork } from '../../support/onnx-files.ts';

let folder: string;
let out: string[];
let err: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arcface-command-'));
  [out, err] = [[], []];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void out.push(text));
  vi.spyOn(console, 'error').mockImplementation((text: string) => void err.push(text));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

describe('the fetch command', () => {
  it('lists what is published, with size, address and licence notes', async () => {
    await fetch.run([]);
    expect(out.join('\n')).toContain('face-recognition-resnet100-arcface\n');
    expect(out.join('\n')).toContain('243.5 MB');
    expect(out.join('\n')).toContain('dead at www.dropbox.com');
    expect(out.join('\n')).toContain('non-commercial research');
    expect(out.join('\n')).toMatch(
      /^auraface-v1\n.*\n.*260\.7 MB, 512 numbers.*\n {2}commercial use: yes, see/,
    );
    expect(out.join('\n')).toContain('size and SHA-256 unverified');
  });

  it('lists as one JSON document', async () => {
    await fetch.run(['--json']);
    expect(JSON.parse(out[0] ?? '')).toContainEqual(
      expect.objectContaining({ name: 'arcfaceresnet100-8' }),
    );
  });

  it.each([
    ['an unknown name', ['r100']],
    [
      'a hash for a file whose publishers state it',
      ['arcfaceresnet100-8', '--sha256', 'a'.repeat(64)],
    ],
    ['a hash that is none', ['auraface-v1', '--sha256', 'abc']],
    ['two names', ['mobilefacenet-y1', 'arcfaceresnet100-8']],
    ['an unknown dtype', ['mobilefacenet-y1', '--dtype', 'f64']],
    [
      'one address for two files',
      ['mobilefacenet-y1', '--accept-licence', '--url', 'http://127.0.0.1/x'],
    ],
  ])('refuses %s as wrong usage', async (_, args) => {
    await expect(fetch.run([...args, '--dir', folder])).rejects.toMatchObject({ code: 'usage' });
  });

  it('shows the licence note and downloads nothing until it is accepted', async () => {
    await expect(fetch.run(['mobilefacenet-y1', '--dir', folder])).rejects.toMatchObject({
      code: 'licence',
      message: expect.stringContaining('--accept-licence'),
    });
    expect(err.join('\n')).toContain('non-commercial research');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says what to do about the file whose address is dead', async () => {
    const name = 'face-recognition-resnet100-arcface';
    await expect(fetch.run([name, '--accept-licence', '--dir', folder])).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/Dropbox[\s\S]*243\.5 MB, SHA-256 eab0e5bc[\s\S]*--url/),
    });
  });

  it('never takes a file of another kind for the weights, and never replaces it', async () => {
    const output = join(folder, 'mobilefacenet-y1.safetensors');
    writeFileSync(output, 'mine');
    const run = fetch.run(['mobilefacenet-y1', '--dir', folder, '--accept-licence']);
    await expect(run).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/y1\.safetensors: expected no such file .* move it away$/),
    });
    expect(readFileSync(output, 'utf8')).toBe('mine');
  });
});

describe('fetch of a model that is one ONNX file', () => {
  const bytes = smallNetwork();
  const part = {
    file: 'small.onnx',
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  let server: HostileServer;
  beforeEach(async () => {
    server = await startServer({ serve: { bytes } });
  });
  afterEach(() => server.close());

  function writeManifest(url: string): string {
    const urls = [{ url, status: 'unverified', note: 'a test' }];
    const model = {
      name: 'small',
      framework: 'onnx',
      inputOrder: 'rgb',
      parts: [{ ...part, urls }],
      convert: 'small.onnx',
      licence: 'x',
      source: 'the page of the model',
      notes: null,
    };
    const licences = { x: { note: 'For tests only.', source: 'its README' } };
    const manifest = join(folder, 'manifest.json');
    const format = 'arcface-wasm-manifest/1';
    writeFileSync(manifest, JSON.stringify({ format, licences, models: [model] }));
    return manifest;
  }

  function run(...flags: string[]): Promise<void> {
    const manifest = writeManifest(server.url);
    return fetch.run([
      'small',
      '--accept-licence',
      '--dir',
      folder,
      '--manifest',
      manifest,
      ...flags,
    ]);
  }

  it('removes the file that it downloaded once it is converted, unless told to keep it', async () => {
    await run();
    expect(readdirSync(folder).sort()).toEqual(['manifest.json', 'small.safetensors']);
    rmSync(join(folder, 'small.safetensors'));
    await run('--keep');
    expect(readdirSync(folder)).toContain('small.onnx');
  });

  it('hands the licence note and its source to the weights', async () => {
    await run();
    const weights = readFileSync(join(folder, 'small.safetensors'));
    const { metadata } = parseWeightsHeader(weights, weights.length);
    expect(metadata.licence).toBe('For tests only. (source: its README)');
    expect(out.join('\n')).toContain('licence: For tests only.');
  });

  it('prints what it did as one JSON document with --json', async () => {
    const weights = join(folder, 'small.safetensors');
    await run('--json', '--no-convert');
    await run('--json');
    await run('--json');
    const [fetched, converted, present] = out.map((text) => JSON.parse(text));
    const source = join(folder, 'small.onnx');
    expect(fetched).toMatchObject({ name: 'small', state: 'fetched', files: [source] });
    expect(converted).toMatchObject({ state: 'converted', files: [weights, source] });
    expect(converted.conversion).toMatchObject({ file: weights, inputOrder: 'rgb' });
    expect(present).toMatchObject({ state: 'present', files: [weights], conversion: null });
    expect(out).toHaveLength(3);
  });

  it('takes the published channel order, unless an option says otherwise', async () => {
    await run('--json', '--keep');
    rmSync(join(folder, 'small.safetensors'));
    await run('--json', '--keep', '--trained-on', 'bgr', '--mean', '1,2,3');
    const [published, asked] = out.map((text) => JSON.parse(text).conversion);
    expect(published.basis.order).toEqual({
      source: 'manifest',
      because: 'small is published with this order: it is RGB.',
    });
    expect(asked).toMatchObject({ trainedOn: 'bgr', preprocessing: { mean: [1, 2, 3] } });
    expect(asked.basis.conflicts.join()).toContain('small is published with this order');
  });

  it('refuses options of a conversion that make no sense before it downloads anything', async () => {
    await expect(run('--trained-on', 'grey')).rejects.toMatchObject({ code: 'usage' });
    await expect(run('--std', '0')).rejects.toMatchObject({ code: 'usage' });
    expect(server.requests).toHaveLength(0);
  });

  it('refuses a number format that is not built before it downloads anything', async () => {
    await expect(run('--dtype', 'int8')).rejects.toMatchObject({
      code: 'usage',
      message: "--dtype: expected f32, f16, q8, got 'int8'; take q8 for weights of 8 bits",
    });
    expect(server.requests).toHaveLength(0);
    expect(readdirSync(folder)).toEqual(['manifest.json']);
  });

  it('replaces nothing that is in the folder under one of its names', async () => {
    for (const name of ['small.onnx', 'small.onnx.part', 'small.safetensors', '.small.lock']) {
      const path = join(folder, name);
      mkdirSync(path);
      await expect(run()).rejects.toMatchObject({
        code: 'io',
        message: expect.stringContaining(`${path}: expected `),
      });
      expect(readdirSync(path)).toEqual([]);
      rmSync(path, { recursive: true });
    }
    writeFileSync(join(folder, 'small.onnx'), 'mine');
    await expect(run()).rejects.toThrow(/small\.onnx: .* other content; move it away/);
    expect(readFileSync(join(folder, 'small.onnx'), 'utf8')).toBe('mine');
    expect(server.requests).toHaveLength(0);
  });

  it('goes on where a process that is gone has left its lock', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const lock = join(folder, '.small.lock');
    writeFileSync(lock, JSON.stringify({ pid, host: hostname() }));
    await run();
    expect(readdirSync(folder)).toEqual(['manifest.json', 'small.safetensors']);
  });

  it('waits for another process, and then has nothing to do', async () => {
    await run('--no-convert', '--keep');
    const lock = join(folder, '.small.lock');
    writeFileSync(lock, JSON.stringify({ pid: process.pid, host: hostname() }));
    const second = run('--json');
    await new Promise((resolve) => setTimeout(resolve, 400));
    // What the other process would do.
    await convertFile(join(folder, 'small.onnx'), { output: join(folder, 'small.safetensors') });
    rmSync(lock);
    await second;
    expect(JSON.parse(out.at(-1) as string)).toMatchObject({ state: 'present' });
    expect(err.join()).toContain(`another process (${process.pid}) is at it; waiting`);
  });

  it('gives two processes at once one download and the same weights', async () => {
    const slow = await startServer({ serve: { bytes, stallAfter: 1000, trickleMs: 1 } });
    writeManifest(slow.url);
    const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
    const manifest = join(folder, 'manifest.json');
    const args = ['fetch', 'small', '--accept-licence', '--dir', folder, '--manifest', manifest];
    const codes = await Promise.all(
      [1, 2].map(async () => {
        const child = spawn(process.execPath, [main, ...args], { stdio: 'ignore' });
        return new Promise((resolve) => child.once('exit', resolve));
      }),
    );
    expect(codes).toEqual([0, 0]);
    expect(slow.requests).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(['manifest.json', 'small.safetensors']);
    await slow.close();
  });

  it('says of AuraFace what is allowed, whose word its hash is, and what to do if it differs', async () => {
    const published = findModel(await readManifest(), 'auraface-v1');
    const { licences } = await readManifest();
    const entry = (sha256: string) => ({
      ...published,
      parts: [
        {
          ...published.parts[0],
          bytes: bytes.length,
          sha256,
          urls: [{ url: server.url, status: 'unverified', note: 'a test' }],
        },
      ],
    });
    const manifest = join(folder, 'manifest.json');
    const format = 'arcface-wasm-manifest/1';
    const args = ['auraface-v1', '--accept-licence', '--dir', folder, '--manifest', manifest];
    writeFileSync(manifest, JSON.stringify({ format, licences, models: [entry('0'.repeat(64))] }));
    await expect(fetch.run(args)).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringContaining(`--sha256 ${part.sha256}`),
    });
    expect(err.join('\n')).toMatch(/Apache License 2\.0[\s\S]*its size and SHA-256 are unverified/);
    await fetch.run([...args, '--sha256', part.sha256]);
    expect(server.requests).toHaveLength(1);
    const weights = readFileSync(join(folder, 'auraface-v1.safetensors'));
    const { metadata } = parseWeightsHeader(weights, weights.length);
    expect(metadata.licence).toMatch(/^Its model card and LICENSE\.md .*Apache License 2\.0/);
    expect(metadata.licence).not.toMatch(/InsightFace/);
    expect(metadata.basis?.values.source).toBe('manifest');
    expect(metadata.basis?.order.source).toBe('manifest');
    expect(readdirSync(folder)).toEqual(['auraface-v1.safetensors', 'manifest.json']);
  });

  it('never removes a file that was there before', async () => {
    writeFileSync(join(folder, 'small.onnx'), bytes);
    await run();
    expect(server.requests).toHaveLength(0);
    expect(readdirSync(folder).sort()).toEqual([
      'manifest.json',
      'small.onnx',
      'small.safetensors',
    ]);
  });
});

const Y1 = '../shared/fixtures/y1';
if (!existsSync(Y1)) console.warn(`${Y1} is absent: its test is skipped`);

describe.skipIf(!existsSync(Y1))('the published MobileFaceNet', () => {
  it('is recognised by size and hash when its files are already in the folder', async () => {
    copyFileSync(join(Y1, 'model-0000.params'), join(folder, 'mobilefacenet-y1-0000.params'));
    copyFileSync(join(Y1, 'model-symbol.json'), join(folder, 'mobilefacenet-y1-symbol.json'));
    await fetch.run(['mobilefacenet-y1', '--accept-licence', '--no-convert', '--dir', folder]);
    expect(out.join().split('\n')).toHaveLength(2);
  });

  it('is known by its hash wherever it lies, so that its weights carry what its authors say', async () => {
    const output = join(folder, 'mine.safetensors');
    await convertFile(join(Y1, 'model-0000.params'), { output });
    const weights = readFileSync(output);
    const { metadata } = parseWeightsHeader(weights, weights.length);
    expect(metadata.licence).toMatch(/for non-commercial research purposes only, says its README/);
  });
});
