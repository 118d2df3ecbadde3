import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { synth } from '../../src/cli/commands/synth.ts';
import { ArcfaceError } from '../../src/errors.ts';
import { importOnnx } from '../../src/formats/onnx/import.ts';

describe('synth', () => {
  let folder = '';
  let printed: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'arcface-synth-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  beforeEach(() => {
    printed = [];
    vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  });
  afterEach(() => vi.restoreAllMocks());

  it('writes an importable network and says that it recognises nobody', async () => {
    const path = join(folder, 'm.onnx');
    await synth.run(['mobilefacenet', '--seed', '4', '-o', path]);
    const bytes = await readFile(path);
    expect(importOnnx(bytes).graph.nodes.filter((node) => node.op === 'conv')).toHaveLength(49);
    expect(printed.join(' ')).toMatch(/seed 4.*4153652 bytes.*speed and exactness only/s);
  });

  it('replaces an existing file by the same bytes for the same seed', async () => {
    const path = join(folder, 'again.onnx');
    await writeFile(path, 'old');
    await synth.run(['mobilefacenet', '--seed=4', '--output', path]);
    expect((await readFile(path)).equals(await readFile(join(folder, 'm.onnx')))).toBe(true);
    expect(await readdir(folder)).not.toContainEqual(expect.stringMatching(/part$/));
  });

  it('leaves nothing behind when it cannot write', async () => {
    const path = join(folder, 'folder.onnx');
    await mkdir(path);
    const run = synth.run(['mobilefacenet', '--seed', '1', '-o', path]);
    await expect(run).rejects.toMatchObject({ code: 'io' });
    expect(await readdir(folder)).not.toContainEqual(expect.stringMatching(/part$/));
  });

  it.each([
    ['no architecture', ['--seed', '1', '-o', 'x.onnx']],
    ['an unknown architecture', ['r101', '--seed', '1', '-o', 'x.onnx']],
    ['two architectures', ['r18', 'r34', '--seed', '1', '-o', 'x.onnx']],
    ['no seed', ['r18', '-o', 'x.onnx']],
    ['a seed that is no integer', ['r18', '--seed', '1.5', '-o', 'x.onnx']],
    ['a seed that is no number', ['r18', '--seed', 'one', '-o', 'x.onnx']],
    ['no output', ['r18', '--seed', '1']],
    ['an unknown option', ['r18', '--seed', '1', '-o', 'x.onnx', '--fast']],
  ])('refuses %s as wrong usage', async (_, args) => {
    const error = await synth.run(args).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ArcfaceError);
    expect(error).toMatchObject({ code: 'usage' });
  });
});
