import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'arcface-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A .npy of zeros. */
function npy(descr: string, shape: number[], itemBytes: number): Buffer {
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const head = Buffer.from(`\x93NUMPY\x01\0\0\0${dict.padEnd(117)}\n`, 'latin1');
  head.writeUInt16LE(118, 8);
  return Buffer.concat([head, Buffer.alloc(itemBytes * shape.reduce((a, b) => a * b, 1))]);
}

const pictures = JSON.parse(
  readFileSync(new URL('../fixtures/pictures.json', import.meta.url), 'utf8'),
) as { pictures: { name: string; base64: string }[] };
const jpeg = Buffer.from(pictures.pictures[0]?.base64 as string, 'base64');

describe('the command line', () => {
  it('prints the version of the package', () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    );
    expect(run('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('lists every command with --help, and on stderr as wrong usage without arguments', () => {
    const help = run('--help');
    expect(help.status).toBe(0);
    for (const name of [
      'convert',
      'inspect',
      'embed',
      'compare',
      'evaluate',
      'synth',
      'fetch',
      'bench',
    ]) {
      expect(help.stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
    }
    expect(run()).toEqual({ status: 2, stdout: '', stderr: help.stdout });
  });

  it.each(['embed', 'compare', 'bench'])('explains %s with --help, wherever it stands', (name) => {
    const { status, stdout } = run(name, '--help');
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^usage: arcface-wasm ${name} `));
    expect(run('help', name).stdout).toBe(stdout);
    expect(run(name, 'x', '-h').stdout).toBe(stdout);
  });

  it.each([
    ['emebd', /did you mean embed\?/],
    ['comp', /did you mean compare\?/],
    ['toString', /expected a command \(convert, .*\), got 'toString'$/m],
    ['../main', /expected a command/],
  ])('refuses the unknown command %s with exit code 2', (name, message) => {
    const { status, stdout, stderr } = run(name);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });

  it.each<[string[], RegExp]>([
    [['embed'], /expected a weights file and at least one face/],
    [['embed', 'w', 'a.png', '--frobnicate'], /'--frobnicate'/],
    [['embed', 'w', 'a.png', '--threads', 'many'], /--threads: expected a number, got 'many'/],
    [
      ['embed', 'w', 'a.png', '--threads', '-1'],
      /--threads: expected a whole number from 1 to 64, or auto, got '-1'/,
    ],
    [['embed', 'w', 'a.png', '--threads', '65'], /--threads: expected .* 1 to 64, .* got '65'/],
    [['embed', 'w', 'a.png', '--isa', 'avx'], /--isa: expected auto, simd, relaxed, got 'avx'/],
    [['embed', 'w', 'a.png', '--landmarks', '1,2,x'], /--landmarks: expected numbers/],
    [
      ['embed', 'w', 'a.png', 'b.png', '--landmarks', '1,2'],
      /--landmarks: expected it once for each of 2 faces/,
    ],
    [['compare', 'w', 'a.png'], /expected a weights file and two faces, got 2 arguments/],
  ])('answers %j with what is wrong, the usage, and exit code 2', (args, message) => {
    const { status, stdout, stderr } = run(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr).toContain(`usage: arcface-wasm ${args[0]} `);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it.each<[string, () => string, RegExp]>([
    [
      'a missing picture',
      () => join(folder, 'none.jpg'),
      /none\.jpg: expected a readable file, but it does not exist/,
    ],
    ['a directory', () => folder, /it is a directory/],
    [
      'a picture that is no picture',
      () => file('text.png', 'hello, world'),
      /text\.png: expected a JPEG or PNG picture, got 12 bytes/,
    ],
    [
      'a picture that was cut off',
      () => file('half.jpg', jpeg.subarray(0, 500)),
      /half\.jpg: JPEG: .* it is cut off/,
    ],
    [
      'a crop of the wrong size',
      () => file('small.jpg', jpeg),
      /small\.jpg: expected an aligned 112x112 crop, got 37x29; give --landmarks/,
    ],
    [
      '.npy of doubles',
      () => file('f8.npy', npy('<f8', [1, 3, 112, 112], 8)),
      /f8\.npy: expected dtype uint8 .* got '<f8'/,
    ],
    [
      '.npy of another shape',
      () => file('hw.npy', npy('|u1', [100, 100, 3], 1)),
      /hw\.npy: expected uint8 \(112, 112, 3\) .* got uint8 \(100, 100, 3\)/,
    ],
    [
      '.npy of floats in pixel order',
      () => file('hwc.npy', npy('<f4', [112, 112, 3], 4)),
      /got float32 \(112, 112, 3\)/,
    ],
    ['text called .npy', () => file('text.npy', 'hello'), /text\.npy: expected the magic bytes/],
  ])('refuses %s with exit code 1 and no stack', (_, path, message) => {
    const { status, stdout, stderr } = run('compare', 'weights.safetensors', path(), path());
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('shows the whole error with ARCFACE_DEBUG', () => {
    const { stderr } = spawnSync(process.execPath, [main, 'compare', 'w', 'none.jpg', 'none.jpg'], {
      encoding: 'utf8',
      env: { ...process.env, ARCFACE_DEBUG: '1' },
    });
    expect(stderr).toMatch(/^ +at /m);
  });

  it('ends quietly when its output is closed early', () => {
    const script = `"${process.execPath}" "${main}" embed --help | true; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect([stdout, stderr]).toEqual(['0\n', '']);
  });
});
