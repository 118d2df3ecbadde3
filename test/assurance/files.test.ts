/** No write outside what was named, and no read either: folders are compared, and Node's permissions hold it. */

import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { filesIn, makePlace, runCli, runScript } from '../support/observed-run.ts';
import { EVERY_CALL, everyCommand } from './commands.ts';

const place = makePlace();
afterAll(() => place.remove());

const weights = join(place.outputs, 'w.safetensors');
const MAJOR = Number(process.versions.node.split('.')[0]);
/** The package, what stands beside the observer, and the folders of the inputs: nothing else of the disk. */
const READABLE = ['dist', 'package.json', 'weights', 'test/support'].map((path) => resolve(path));
const PERMISSIONS = [
  MAJOR >= 23 ? '--permission' : '--experimental-permission',
  '--no-warnings',
  '--allow-worker',
  ...[...READABLE, place.inputs, place.outputs].map((path) => `--allow-fs-read=${path}`),
];

describe('the command line', () => {
  it('writes what it was told to write, and leaves nothing else anywhere', () => {
    for (const { args, writes } of everyCommand(place)) {
      const before = filesIn(place);
      const { status, stderr } = runCli(place, args);
      expect([args[0], status, stderr]).toEqual([args[0], 0, expect.any(String)]);
      const after = filesIn(place);
      expect([args[0], after.filter((path) => !before.includes(path))]).toEqual([args[0], writes]);
      expect(before.filter((path) => !after.includes(path))).toEqual([]);
    }
  });

  it('leaves nothing when it refuses', () => {
    const before = filesIn(place);
    const { status } = runCli(place, [
      ...['convert', join(place.inputs, 'face.npy'), '-o', join(place.outputs, 'n.safetensors')],
    ]);
    expect(status).toBe(1);
    expect(filesIn(place)).toEqual(before);
  });

  it('works where Node may write nothing and read the package and the inputs only', () => {
    for (const { args, writes } of everyCommand(place)) {
      if (writes.length > 0) continue;
      const { status, stderr } = runCli(place, args, { flags: PERMISSIONS });
      expect([args[0], status, stderr]).toEqual([args[0], 0, expect.any(String)]);
    }
    // The permissions are no empty words.
    const [convert] = everyCommand(place);
    expect(runCli(place, convert?.args ?? [], { flags: PERMISSIONS }).status).toBe(1);
  });
});

describe('the library', () => {
  const script = EVERY_CALL.replace('process.argv.slice(2)', JSON.stringify([weights]));

  it('writes nothing', () => {
    runScript(place, '');
    const before = filesIn(place);
    expect(runScript(place, script)).toMatchObject({ status: 0, stderr: '' });
    expect(filesIn(place)).toEqual(before);
  });

  it('works where Node may write nothing and read the package and the weights only', () => {
    const { status, stderr } = runScript(place, script, { flags: PERMISSIONS });
    expect([status, stderr]).toEqual([0, '']);
  });
});
