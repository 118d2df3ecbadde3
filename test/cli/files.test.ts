import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readBytes, writeFileAtomically } from '../../src/cli/files.ts';
import { ArcfaceError } from '../../src/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'arcface-files-'));
const path = join(folder, 'out.bin');
beforeEach(() => writeFileSync(path, 'before'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('writeFileAtomically', () => {
  it('replaces a file and leaves nothing beside it', async () => {
    await writeFileAtomically(path, Uint8Array.of(1, 2, 3));
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
    expect(readdirSync(folder)).toEqual(['out.bin']);
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
    expect(readdirSync(folder)).toEqual(['out.bin']);
  });

  it('refuses a path that cannot be written and says why', async () => {
    const failure = async (target: string): Promise<ArcfaceError> =>
      writeFileAtomically(target, 'x').then(
        () => Promise.reject(new Error('written')),
        (error: ArcfaceError) => error,
      );
    for (const target of [join(folder, 'none', 'a'), join(path, 'a'), folder]) {
      const error = await failure(target);
      expect(error).toBeInstanceOf(ArcfaceError);
      expect([error.code, error.message.startsWith(`${target}: expected a place`)]).toEqual([
        'io',
        true,
      ]);
    }
    expect(readdirSync(folder)).toEqual(['out.bin']);
  });
});

describe('readBytes', () => {
  it('names a file that does not exist', async () => {
    await expect(readBytes(join(folder, 'none'))).rejects.toThrow(
      /none: expected a readable file, but it does not exist/,
    );
  });
});
