import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNpy } from '../../src/formats/npy.ts';
import { cosineSimilarity } from '../../src/similarity.ts';
import { node, onnxFile, floats as tensor } from '../support/onnx-files.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const fixture = fileURLToPath(new URL('../../../shared/fixtures/ir-tiny/', import.meta.url));
const input = join(fixture, 'input.npy');

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function ok(...args: string[]): string {
  const { status, stdout, stderr } = run(...args);
  expect({ status, stderr }, args.join(' ')).toEqual({ status: 0, stderr: '' });
  return stdout;
}

function floats(path: string): Float32Array {
  return readNpy(readFileSync(path), path).data as Float32Array;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] as number))));
}

if (!existsSync(input)) console.warn('skipped: the ir-tiny fixture is not beside the repository');

describe.skipIf(!existsSync(input))('embed and compare', () => {
  const folder = mkdtempSync(join(tmpdir(), 'arcface-embed-'));
  const weights = join(folder, 'ir-tiny.safetensors');
  const other = join(folder, 'other.npy');
  beforeAll(() => {
    ok('convert', join(fixture, 'ir-tiny.onnx'), '-o', weights);
    const bytes = readFileSync(input);
    // Another face: the same picture, brighter in its last plane.
    for (let at = bytes.length - 4 * 112 * 112; at < bytes.length; at += 4) {
      bytes.writeFloatLE(0.5 * bytes.readFloatLE(at) + 100, at);
    }
    writeFileSync(other, bytes);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('give the reference embedding within 1e-5, as text, JSON and .npy alike', () => {
    const expected = floats(join(fixture, 'fc1.npy'));
    const output = join(folder, 'out.npy');
    const text = ok('embed', weights, input, '--output', output).trim().split('\t');
    const json = JSON.parse(ok('embed', weights, input, '--json'));
    const written = floats(output);
    expect(largestDifference(written, expected)).toBeLessThanOrEqual(1e-5);
    expect(text[0]).toBe(input);
    expect(Float32Array.from((text[1] as string).split(' '), Number)).toEqual(written);
    expect(Float32Array.from(json.faces[0].embedding)).toEqual(written);
    expect(json.faces[0].norm).toBeCloseTo(Math.hypot(...written), 6);
    expect(json.model).toMatchObject({ dtype: 'f32', isa: 'simd', threads: 1 });
  });

  it('write one row per face, and the same bits alone and together', () => {
    const output = join(folder, 'two.npy');
    ok('embed', weights, input, other, '--output', output);
    const both = readNpy(readFileSync(output));
    const features = both.shape[1] as number;
    expect(both.shape[0]).toBe(2);
    ok('embed', weights, other, '--output', output);
    expect(both.data.slice(features)).toEqual(floats(output));
  });

  it('name the face whose numbers are at fault', () => {
    const bytes = readFileSync(input);
    bytes.writeFloatLE(Number.NaN, bytes.length - 4);
    const broken = join(folder, 'broken.npy');
    writeFileSync(broken, bytes);
    for (const [command, ...faces] of [
      ['embed', input, broken, other],
      ['compare', other, broken],
    ] as const) {
      const { status, stderr } = run(command, weights, ...faces);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^.*broken\.npy: face\.data\[37631\]: expected /);
    }
  });

  it('never write over a file that they read', () => {
    const { status, stderr } = run('embed', weights, input, '-o', weights);
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^--output: expected a file that is not read, got .*ir-tiny\.safetensors/,
    );
    expect(readFileSync(weights).length).toBeGreaterThan(100_000);
  });

  it('print one row per face, whatever it is called', () => {
    const names = ['a.npy\t0.5 0.5\nb.npy', '\x1b[2K.npy', 'plain é.npy'];
    const faces = names.map((name) => {
      writeFileSync(join(folder, name), readFileSync(input));
      return join(folder, name);
    });
    const rows = ok('embed', weights, ...faces)
      .trimEnd()
      .split('\n')
      .map((row) => row.split('\t'));
    expect(rows.map((cells) => cells.length)).toEqual([2, 2, 2]);
    const named = rows.map(([name = '']) => (name.startsWith('"') ? JSON.parse(name) : name));
    expect(named).toEqual(faces);
    const json = ok('embed', weights, ...faces, '--json');
    expect(json).not.toContain('\x1b');
    expect(JSON.parse(json).faces.map(({ file }: { file: string }) => file)).toEqual(faces);
  });

  it('write the format that the ending says', () => {
    const [json, text, npy] = ['o.json', 'o.txt', 'o.npy'].map((name) => join(folder, name));
    for (const output of [json, text, npy]) ok('embed', weights, input, '-o', output as string);
    const document = JSON.parse(readFileSync(json as string, 'utf8'));
    const values = Float32Array.from(document.faces[0].embedding);
    expect(values).toEqual(floats(npy as string));
    const [, numbers = ''] = readFileSync(text as string, 'utf8')
      .trimEnd()
      .split('\t');
    expect(Float32Array.from(numbers.split(' '), Number)).toEqual(values);
    const { status, stderr } = run('embed', weights, input, '-o', join(folder, 'o.png'));
    expect(status).toBe(2);
    expect(stderr).toMatch(/^--output: expected a name ending in \.npy or \.json or \.txt, got/);
  });

  it('read a face from a pipe, and refuse devices and folders as faces and as weights', () => {
    const [command] = [`"${process.execPath}" "${main}" embed "${weights}"`];
    const piped = spawnSync('bash', ['-c', `cat "${input}" | ${command} /dev/stdin`], {
      encoding: 'utf8',
    });
    expect(piped.stdout.split('\t')[1]).toBe(ok('embed', weights, input).split('\t')[1]);
    for (const [first, second, message] of [
      [weights, '/dev/zero', /^\/dev\/zero: expected a readable file, but it is a device\n$/],
      ['/dev/zero', input, /^\/dev\/zero: expected a readable file, but it is a device\n$/],
      [folder, input, /expected a readable file, but it is a directory\n$/],
      [weights, folder, /expected a readable file, but it is a directory\n$/],
    ] as const) {
      const { status, stderr } = run('embed', first, second);
      expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
    }
  });

  it('refuse a large picture by its header: nothing of it is decoded', () => {
    const header = Buffer.alloc(25);
    header.write('IHDR', 0, 'latin1');
    header.writeUInt32BE(8192, 4);
    header.writeUInt32BE(8192, 8);
    header.set([8, 6, 0, 0, 0], 12);
    const chunk = (type: string, data: Buffer): Buffer => {
      const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
      const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
      length.writeUInt32BE(data.length);
      check.writeUInt32BE(crc32(body));
      return Buffer.concat([length, body, check]);
    };
    const path = join(folder, 'large.png');
    // No scanline is there: whoever decodes it would say so.
    writeFileSync(
      path,
      Buffer.concat([
        Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
        chunk('IHDR', header.subarray(4, 17)),
        chunk('IDAT', Buffer.alloc(16)),
        chunk('IEND', Buffer.alloc(0)),
      ]),
    );
    const { status, stderr } = run('embed', weights, path);
    expect(status).toBe(1);
    expect(stderr).toMatch(/large\.png: expected an aligned 112x112 crop, got 8192x8192/);
  });

  it('run weights beyond the limits with --no-limits, which is what their refusal says', async () => {
    const heavy = join(folder, 'heavy.safetensors');
    const onnx = join(folder, 'heavy.onnx');
    const conv = { kernel_shape: { ints: [1, 1] } };
    const nodes = [
      node('Conv', ['x', 'w'], 'wide', conv),
      node('GlobalAveragePool', ['wide'], 'pooled'),
      node('Flatten', ['pooled'], 'flat'),
    ];
    // 8192 channels over 112x112: 411 MB of activations.
    const tensors = [tensor('w', [8192, 3, 1, 1])];
    writeFileSync(
      onnx,
      onnxFile(nodes, tensors, { inputs: [{ name: 'x', dims: [1, 3, 112, 112] }] }),
    );
    ok('convert', onnx, '-o', heavy);
    const { status, stderr } = run('embed', heavy, input);
    expect(status).toBe(1);
    expect(stderr).toMatch(/heavy\.safetensors: .*\(command line: --no-limits\)/);
    expect(ok('embed', heavy, input, '--no-limits')).toMatch(/\t[-\d. ]+\n$/);
  });

  it('normalise on request', () => {
    const { faces } = JSON.parse(ok('embed', weights, input, '--json', '--normalize', '--flip'));
    expect(Math.hypot(...faces[0].embedding)).toBeCloseTo(1, 6);
  });

  it('see other channels with --bgr', () => {
    const embedding = (...flags: string[]): number[] =>
      JSON.parse(ok('embed', weights, other, '--json', ...flags)).faces[0].embedding;
    expect(largestDifference(embedding(), embedding('--bgr'))).toBeGreaterThan(1e-3);
  });

  it('print the cosine beside every published threshold', () => {
    const json = JSON.parse(ok('compare', weights, input, other, '--json'));
    const [a, b] = JSON.parse(ok('embed', weights, input, other, '--json')).faces;
    expect(json.cosine).toBeCloseTo(cosineSimilarity(a.embedding, b.embedding), 6);
    expect(json.cosine).toBeLessThan(1);
    for (const { cosine, same } of json.thresholds) expect(same).toBe(json.cosine >= cosine);
    const text = ok('compare', weights, input, input);
    expect(text).toMatch(/^cosine 1\.000000\n/);
    expect(text).toMatch(/same +0\.4000 +Open Model Zoo/);
  });

  it.each<[string, () => string[], RegExp]>([
    [
      'weights that do not exist',
      () => [join(folder, 'none.safetensors'), input],
      /none\.safetensors/,
    ],
    [
      'weights that are no weights',
      () => [input, input],
      /input\.npy: expected weights that `convert` wrote, got a NumPy array/,
    ],
    [
      'weights that were cut off',
      () => {
        const cut = join(folder, 'cut.safetensors');
        writeFileSync(cut, readFileSync(weights).subarray(0, -64));
        return [cut, input];
      },
      /cut\.safetensors: weights file: tensor "[^\n]*expected data that ends within/,
    ],
    [
      'an output in a folder that does not exist',
      () => [weights, input, '--output', join(folder, 'no', 'o.npy')],
      /o\.npy: expected a place to write to/,
    ],
  ])('refuse %s with one line and exit code 1', (_, args, message) => {
    const { status, stdout, stderr } = run('embed', ...args());
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/unexpected error|^ +at /m);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
