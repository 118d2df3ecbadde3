/** `bench` downloads nothing unasked, and leaves no process behind. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const fileOf = (path: string): string => pathToFileURL(path).href;
const PEERS = fileOf('bench/lib/peers.mjs');

describe('the peers of the bench', () => {
  it('are downloaded after --yes or a yes, and never otherwise', async () => {
    const { requireConsent } = await import(PEERS);
    const answered = (text: string) => async (question: string) => {
      expect(question).toContain('700 MB');
      return text;
    };
    await requireConsent(true, undefined);
    await requireConsent(false, answered(' Yes\n'));
    await requireConsent(false, answered('y'));
    for (const ask of [undefined, answered(''), answered('no'), answered('yesterday')]) {
      await expect(requireConsent(false, ask)).rejects.toThrow(/about 700 MB.*--yes.*--peers none/);
    }
  });
});

const isWindows = process.platform === 'win32';
if (isWindows) console.warn('skipped: signals are those of POSIX systems');

describe.skipIf(isWindows)('a program that the command line runs', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'arcface-bench-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A bench that starts a process of its own and waits; both write down who they are. */
  const BENCH = `
    import { spawn } from 'node:child_process';
    import { writeFileSync } from 'node:fs';
    import { endChildrenWithThis, tracked } from '${fileOf('bench/lib/children.mjs')}';
    endChildrenWithThis();
    const child = tracked(spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']));
    writeFileSync(process.argv[2], JSON.stringify([process.pid, child.pid]));
    setInterval(() => {}, 1000);
  `;

  function isAlive(pid: number): boolean {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  }

  async function until(isTrue: () => boolean): Promise<void> {
    for (let i = 0; i < 2000 && !isTrue(); i++) await new Promise((done) => setTimeout(done, 10));
    expect(isTrue()).toBe(true);
  }

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
    'ends with it after %s, and so does what that program started',
    async (signal) => {
      const [script, pids] = [join(folder, 'bench.mjs'), join(folder, 'pids.json')];
      writeFileSync(script, BENCH);
      const code = `import { runProgram } from '${fileOf('dist/cli/child.js')}';
        process.exitCode = await runProgram('${script}', ['${pids}']);`;
      const parent = spawn(process.execPath, ['--input-type=module', '-e', code]);
      const ended = new Promise((resolve) => parent.once('exit', (_, by) => resolve(by)));
      const read = (): number[] => JSON.parse(readFileSync(pids, 'utf8'));
      await until(() => {
        try {
          return read().every(isAlive);
        } catch {
          return false;
        }
      });
      parent.kill(signal);
      expect(await ended).toBe(signal);
      await until(() => !read().some(isAlive));
    },
  );

  it('gives its exit code', async () => {
    const script = join(folder, 'ends.mjs');
    writeFileSync(script, 'process.exit(7)');
    const code = `import { runProgram } from '${fileOf('dist/cli/child.js')}';
      process.exitCode = await runProgram('${script}', []);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', code]);
    expect(await new Promise((resolve) => parent.once('exit', resolve))).toBe(7);
  });
});
