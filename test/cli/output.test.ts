/** What commands write: nothing of the user's is overwritten unasked, and names mean what a shell means. */

import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type OutputRules, planOutput, writeFileAtomically } from '../../src/cli/output.ts';
import { ArcfaceError } from '../../src/errors.ts';

let folder: string;
let path: string;
let input: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arcface-output-'));
  path = join(folder, 'out.npy');
  input = join(folder, 'input.png');
  writeFileSync(path, 'before');
  writeFileSync(input, 'mine');
});
afterEach(() => rmSync(folder, { recursive: true }));

const isWindows = process.platform === 'win32';
const isRoot = process.getuid?.() === 0;
if (isRoot) console.warn('skipped: root may write to read-only files');
if (isWindows) console.warn('skipped: pipes, devices and modes are those of POSIX systems');

function rules(changes: Partial<OutputRules> = {}): OutputRules {
  return { option: '--output', inputs: [input], endings: ['.npy', '.json'], ...changes };
}

function linked(link: typeof linkSync): string {
  link(input, join(folder, 'link.npy'));
  return join(folder, 'link.npy');
}

async function write(to: string, bytes: Uint8Array | string = 'after'): Promise<void> {
  await (await planOutput(to, rules())).write(bytes);
}

describe('writeFileAtomically', () => {
  it('replaces a file and leaves nothing beside it', async () => {
    await writeFileAtomically(path, Uint8Array.of(1, 2, 3));
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
    expect(readdirSync(folder).sort()).toEqual(['input.png', 'out.npy']);
  });

  it('writes pieces as they are made', async () => {
    await writeFileAtomically(path, [Uint8Array.of(1, 2), Uint8Array.of(3)]);
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  });

  it('leaves the existing file intact when a piece fails, and passes the error on', async () => {
    function* pieces(): Generator<Uint8Array> {
      yield Uint8Array.of(9, 9, 9);
      throw new ArcfaceError('bad_model', 'model: broken');
    }
    await expect(writeFileAtomically(path, pieces())).rejects.toThrow('model: broken');
    expect(readFileSync(path, 'utf8')).toBe('before');
    expect(readdirSync(folder).sort()).toEqual(['input.png', 'out.npy']);
  });

  it('listens to signals only while it writes', async () => {
    let listening = 0;
    function* pieces(): Generator<Uint8Array> {
      listening = process.listenerCount('SIGTERM');
      yield Uint8Array.of(1);
    }
    const before = process.listenerCount('SIGTERM');
    await writeFileAtomically(path, pieces());
    expect([listening, process.listenerCount('SIGTERM')]).toEqual([before + 1, before]);
  });
});

describe('planOutput', () => {
  it.each<[string, () => string]>([
    ['its own name', () => input],
    ['a relative name', () => relative(process.cwd(), input)],
    ['another spelling', () => join(folder, 'sub', '..', 'input.png')],
    ['a symbolic link', () => linked(symlinkSync)],
    ['a hard link', () => linked(linkSync)],
  ])('never writes over a file that is read, by %s', async (_, name) => {
    mkdirSync(join(folder, 'sub'));
    await expect(planOutput(name(), rules())).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(
        /^--output: expected a file that is not read, got .*input\.png/s,
      ),
    });
    expect(readFileSync(input, 'utf8')).toBe('mine');
  });

  it('knows an input that is itself a link to the output', async () => {
    symlinkSync(path, join(folder, 'face.npy'));
    const inputs = [input, join(folder, 'face.npy')];
    await expect(planOutput(path, rules({ inputs }))).rejects.toThrow(/not read/);
  });

  it('takes the format from the ending, and refuses the ending of another', async () => {
    const endingOf = async (name: string) => (await planOutput(join(folder, name), rules())).ending;
    expect(await endingOf('a.npy')).toBe('.npy');
    expect(await endingOf('a.JSON')).toBe('.json');
    expect(await endingOf('plain')).toBe('.npy');
    expect(await endingOf('a.v2')).toBe('.npy');
    await expect(endingOf('r50.onnx')).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(
        /^--output: expected a name ending in \.npy or \.json, got .*r50\.onnx, which says an ONNX model$/,
      ),
    });
  });

  it.each<[string, () => string, RegExp]>([
    ['a folder that does not exist', () => join(folder, 'none', 'a'), /there is no folder .*none$/],
    ['a place below a file', () => join(path, 'a'), /a part of its path is a file/],
    ['a folder', () => folder, /expected a place to write to, but it is a directory/],
    ['a name that ends as a folder', () => `${path}/`, /got a folder's name/],
    ['nothing', () => '', /expected the file to write, got an empty name/],
  ])('refuses %s before any work is done', async (_, place, message) => {
    await expect(planOutput(place(), rules())).rejects.toThrow(message);
    expect(readdirSync(folder).sort()).toEqual(['input.png', 'out.npy']);
  });

  it.skipIf(isRoot)('refuses a file that is read-only', async () => {
    chmodSync(path, 0o444);
    await expect(planOutput(path, rules())).rejects.toThrow(/permission was denied/);
  });
});

describe.skipIf(isWindows)('links, modes, pipes and devices', () => {
  it('a link stays a link, and its target is replaced', async () => {
    mkdirSync(join(folder, 'elsewhere'));
    const target = join(folder, 'elsewhere', 'target.npy');
    const link = join(folder, 'link.npy');
    symlinkSync(join('elsewhere', 'target.npy'), link);
    // At first it leads to a file that is not there yet.
    for (const text of ['first', 'second']) {
      await write(link, text);
      expect(readFileSync(target, 'utf8')).toBe(text);
      expect(readlinkSync(link)).toBe(join('elsewhere', 'target.npy'));
    }
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual(['target.npy']);
  });

  it('a link is followed from where it really lies', async () => {
    mkdirSync(join(folder, 'real', 'inner'), { recursive: true });
    symlinkSync(join('real', 'inner'), join(folder, 'short'));
    symlinkSync(join('..', 'target.npy'), join(folder, 'real', 'inner', 'link.npy'));
    await write(join(folder, 'short', 'link.npy'));
    expect(readFileSync(join(folder, 'real', 'target.npy'), 'utf8')).toBe('after');
    expect(readdirSync(folder).sort()).toEqual(['input.png', 'out.npy', 'real', 'short']);
  });

  it('a name that every object has is a name', async () => {
    const place = join(folder, 'constructor');
    await write(place);
    const before = process.cwd();
    process.chdir(folder);
    await write('toString').finally(() => process.chdir(before));
    expect(readdirSync(folder).sort()).toEqual(['constructor', 'input.png', 'out.npy', 'toString']);
  });

  it('links in a circle are refused', async () => {
    symlinkSync(join(folder, 'b'), join(folder, 'a'));
    symlinkSync(join(folder, 'a'), join(folder, 'b'));
    await expect(write(join(folder, 'a'))).rejects.toThrow(/its links lead in a circle/);
  });

  it.each([0o600, 0o640, 0o755, 0o666])('a file keeps its mode %o', async (mode) => {
    chmodSync(path, mode);
    await write(path);
    expect(statSync(path).mode & 0o777).toBe(mode);
  });

  it('a new file has the mode that the umask leaves', async () => {
    for (const umask of [0o022, 0o077]) {
      const before = process.umask(umask);
      const fresh = join(folder, `fresh-${umask}.npy`);
      await write(fresh).finally(() => process.umask(before));
      expect(statSync(fresh).mode & 0o777).toBe(0o666 & ~umask);
    }
  });

  it('a pipe is written to and stays a pipe', async () => {
    const pipe = join(folder, 'pipe');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    const reader = spawn('cat', [pipe]);
    let got = '';
    reader.stdout.on('data', (piece) => {
      got += piece;
    });
    const ended = new Promise((resolve) => reader.stdout.once('close', resolve));
    await write(pipe, 'through');
    await ended;
    expect(got).toBe('through');
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['input.png', 'out.npy', 'pipe']);
  });

  it('/dev/null takes anything, /dev/full is a full disk', async () => {
    await write('/dev/null');
    await expect(write('/dev/full')).rejects.toMatchObject({
      code: 'io',
      message: '/dev/full: expected a place to write to, but the disk is full',
    });
    const link = join(folder, 'full.npy');
    symlinkSync('/dev/full', link);
    await expect(write(link)).rejects.toThrow(/full\.npy: .* the disk is full/);
    expect(existsSync('/dev/full')).toBe(true);
  });
});
