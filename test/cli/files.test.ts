import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MAX_FILE_BYTES, readBytes, readHead, requireFile } from '../../src/cli/files.ts';

const folder = mkdtempSync(join(tmpdir(), 'arcface-files-'));
const file = join(folder, 'in.bin');
writeFileSync(
  file,
  Uint8Array.from({ length: 1000 }, (_, i) => i),
);
afterAll(() => rmSync(folder, { recursive: true }));

const isWindows = process.platform === 'win32';
if (isWindows) console.warn('skipped: pipes and devices are those of POSIX systems');

function pipe(name: string): string {
  const path = join(folder, name);
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  return path;
}

describe('readBytes', () => {
  it('reads a whole file', async () => {
    expect((await readBytes(file))[999]).toBe(999 & 255);
    expect(await readBytes(file)).toHaveLength(1000);
  });

  it('says what is wrong with a file that does not exist, and with a folder', async () => {
    await expect(readBytes(join(folder, 'none'))).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/none: expected a readable file, but it does not exist$/),
    });
    await expect(readBytes(folder)).rejects.toThrow(/but it is a directory$/);
    await expect(readBytes(join(file, 'x'))).rejects.toThrow(/a part of its path is a file$/);
  });

  it('says that an address is no file', async () => {
    await expect(readBytes('https://example.org/face.jpg')).rejects.toThrow(
      /^https:\/\/example\.org\/face\.jpg: expected a file, got an address; download it first/,
    );
  });

  it('refuses a file by its size before it reads it, however large', async () => {
    const huge = join(folder, 'huge.png');
    writeFileSync(huge, '');
    truncateSync(huge, 2 ** 40);
    await expect(readBytes(huge)).rejects.toThrow(/at most 2147\.5 MB, got 1099511\.6 MB/);
    await expect(readBytes(file, 999)).rejects.toMatchObject({ code: 'io' });
    expect(await readBytes(file, 1000)).toHaveLength(1000);
    expect(MAX_FILE_BYTES).toBeLessThan(2 ** 31);
    rmSync(huge);
  });
});

describe.skipIf(isWindows)('what is no file', () => {
  it.each(['/dev/zero', '/dev/null', '/dev/full'])('%s is refused at once', async (path) => {
    for (const read of [readBytes, requireFile, (one: string) => readHead(one, 8)]) {
      await expect(read(path)).rejects.toMatchObject({
        code: 'io',
        message: `${path}: expected a readable file, but it is a device`,
      });
    }
  });

  it('a socket is refused', async () => {
    const path = join(folder, 'socket');
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once('listening', resolve));
    await expect(readBytes(path)).rejects.toThrow(/it is a socket$/);
    server.close();
  });

  it('a pipe is read to its end, also one that is slow', async () => {
    const path = pipe('slow');
    const writer = spawn('sh', ['-c', `{ printf abc; sleep 0.2; printf def; } > "${path}"`]);
    const ended = new Promise((resolve) => writer.once('exit', resolve));
    // By then the writer waits for a reader.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(Buffer.from(await readBytes(path)).toString()).toBe('abcdef');
    await ended;
  });

  it('a pipe that nobody writes to does not hang', async () => {
    const path = pipe('idle');
    await expect(readBytes(path)).rejects.toThrow(/a pipe that somebody writes to, got none$/);
    await expect(requireFile(path)).rejects.toThrow(/it is a pipe; write it to a file first$/);
    await expect(readHead(path, 8)).rejects.toThrow(/it is a pipe/);
  });

  it('a pipe without end is given up at the limit', async () => {
    const path = pipe('endless');
    const writer = spawn('sh', ['-c', `exec cat /dev/zero > "${path}"`]);
    const ended = new Promise((resolve) => writer.once('exit', resolve));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(readBytes(path, 1e6)).rejects.toThrow(/at most 1\.0 MB/);
    await ended;
  });
});

describe('readHead', () => {
  it('gives the start and the size', async () => {
    expect(await readHead(file, 4)).toEqual({ bytes: Uint8Array.of(0, 1, 2, 3), size: 1000 });
    expect((await readHead(file, 5000)).bytes).toHaveLength(1000);
  });
});
