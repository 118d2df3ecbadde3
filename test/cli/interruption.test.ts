/** A command that is ended from outside, and one whose output has no room. */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startServer } from '../support/hostile-server.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const isWindows = process.platform === 'win32';
if (isWindows) console.warn('skipped: signals and devices are those of POSIX systems');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arcface-interrupted-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Starts a command and ends it by `signal` as soon as the file that it writes has begun. */
async function interrupted(
  signal: NodeJS.Signals,
  ...args: string[]
): Promise<{ signal: NodeJS.Signals | null; started: boolean }> {
  const before = new Set(readdirSync(folder));
  const child = spawn(process.execPath, [main, ...args], { stdio: 'ignore' });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('exit', (_, by) => resolve(by));
  });
  const hasBegun = (): boolean => readdirSync(folder).some((name) => !before.has(name));
  while (!hasBegun() && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const started = child.exitCode === null;
  child.kill(signal);
  return { signal: await ended, started };
}

describe.skipIf(isWindows)('a command that is interrupted', () => {
  let model: string;
  let models: string;
  beforeAll(() => {
    models = mkdtempSync(join(tmpdir(), 'arcface-models-'));
    model = join(models, 'r18.onnx');
    const { status } = spawnSync(process.execPath, [main, 'synth', 'r18', '--seed=1', '-o', model]);
    expect(status).toBe(0);
    return () => rmSync(models, { recursive: true });
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'synth leaves nothing behind after %s, and has ended by it',
    async (signal) => {
      const output = join(folder, 'r34.onnx');
      const end = await interrupted(signal, 'synth', 'r34', '--seed', '1', '-o', output);
      expect(end).toEqual({ signal, started: true });
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'convert leaves what was there whole and nothing beside it after %s',
    async (signal) => {
      const output = join(folder, 'r18.safetensors');
      writeFileSync(output, 'before');
      const end = await interrupted(signal, 'convert', model, '-o', output);
      expect(end).toEqual({ signal, started: true });
      expect(readdirSync(folder)).toEqual(['r18.safetensors']);
      expect(readFileSync(output, 'utf8')).toBe('before');
    },
  );
});

describe.skipIf(isWindows)('a fetch that is interrupted', () => {
  it('keeps what has arrived for the next run, and gives its lock back', async () => {
    const bytes = new Uint8Array(100_000).fill(7);
    const server = await startServer({ serve: { bytes, stallAfter: 50_000 } });
    const urls = [{ url: server.url, status: 'unverified', note: 'a test' }];
    const parts = [{ file: 'm.onnx', bytes: bytes.length, sha256: '0'.repeat(64), urls }];
    const models = [{ name: 'm', parts, convert: 'm.onnx', licence: 'x' }];
    const licences = { x: { note: 'For tests only.', source: 'a test' } };
    const format = 'arcface-wasm-manifest/1';
    writeFileSync(join(folder, 'list.json'), JSON.stringify({ format, licences, models }));
    const child = spawn(
      process.execPath,
      [
        main,
        'fetch',
        'm',
        '--accept-licence',
        '--dir',
        folder,
        '--manifest',
        join(folder, 'list.json'),
      ],
      { stdio: 'ignore' },
    );
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    const part = join(folder, 'm.onnx.part');
    const hasArrived = (): boolean => existsSync(part) && readFileSync(part).length === 50_000;
    while (!hasArrived() && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(readdirSync(folder).sort()).toEqual(['.m.lock', 'list.json', 'm.onnx.part']);
    child.kill('SIGTERM');
    expect(await ended).toBe('SIGTERM');
    expect(readdirSync(folder).sort()).toEqual(['list.json', 'm.onnx.part']);
    await server.close();
  });
});

describe.skipIf(isWindows)('standard output', () => {
  function shell(line: string): { stdout: string; stderr: string } {
    const cli = `"${process.execPath}" "${main}"`;
    const script = line.replaceAll('CLI', cli);
    return spawnSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' });
  }

  it('on a full disk is a sentence and exit code 1', () => {
    const { stdout, stderr } = shell('CLI embed --help > /dev/full; echo $?');
    expect(stdout).toBe('1\n');
    expect(stderr).toBe('standard output: expected to write the result, but the disk is full\n');
  });

  it('with nowhere to say so either is exit code 1', () => {
    expect(shell('CLI embed --help > /dev/full 2>/dev/full; echo $?').stdout).toBe('1\n');
    expect(shell('CLI nonsense 2>/dev/full; echo $?').stdout).toBe('1\n');
  });

  it('that nobody reads to its end is no fault', () => {
    const { stdout, stderr } = shell('CLI fetch --json | head -c 1; echo $PIPESTATUS');
    expect([stdout, stderr]).toEqual(['[0\n', '']);
  });

  it.each(['/dev/stdout', '/dev/fd/1', '-'])(
    'as the output %s has the file and nothing else; the report is on stderr',
    (name) => {
      shell('CLI synth mobilefacenet --seed 1 -o m.onnx');
      const direct = shell(`CLI convert m.onnx -o ${name} > through.safetensors; echo $? >&2`);
      const { stderr } = shell('CLI convert m.onnx -o file.safetensors >&2');
      expect(readFileSync(join(folder, 'through.safetensors'))).toEqual(
        readFileSync(join(folder, 'file.safetensors')),
      );
      expect(direct.stderr.replace(`${name}:`, 'file.safetensors:')).toBe(`${stderr}0\n`);
      expect(readdirSync(folder).sort()).toEqual([
        'file.safetensors',
        'm.onnx',
        'through.safetensors',
      ]);
    },
  );
});
