/** No network unless an address is given: every attempt is on record, and the system's own calls where they can be traced. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makePlace, runCli, runScript } from '../support/observed-run.ts';
import { EVERY_CALL, everyCommand } from './commands.ts';

const place = makePlace();
afterAll(() => place.remove());

const STRACE = [
  'strace',
  '-f',
  '-qq',
  '-e',
  'trace=%network',
  '-o',
  join(place.root, 'strace.log'),
];
const traced = spawnSync(STRACE[0] as string, [...STRACE.slice(1), process.execPath, '-e', '0']);
if (traced.status !== 0)
  console.warn('system calls are not traced: strace is absent or not allowed');

describe('without an address', () => {
  it('no command reaches for a network, or listens', () => {
    for (const { args } of everyCommand(place)) {
      const { status, stderr, network } = runCli(place, args);
      expect([args[0], status, stderr, network]).toEqual([args[0], 0, expect.any(String), []]);
    }
  });

  it('no call of the library does', () => {
    const path = join(place.outputs, 'w.safetensors');
    const script = EVERY_CALL.replace('process.argv.slice(2)', JSON.stringify([path]));
    const { status, stderr, network } = runScript(place, script);
    expect([status, stderr, network]).toEqual([0, '', []]);
  });

  it.skipIf(traced.status !== 0)('the system is asked for no internet socket', () => {
    for (const { args } of everyCommand(place).filter(({ args: [name] }) => name !== 'synth')) {
      const { status } = runCli(place, args, { before: STRACE });
      expect([args[0], status]).toEqual([args[0], 0]);
      const calls = readFileSync(join(place.root, 'strace.log'), 'utf8');
      expect(calls.match(/.*AF_INET.*/g)).toBeNull();
    }
  });
});

describe('with an address', () => {
  it('the library asks that address, and the record shows it', () => {
    // Whether somebody answers there or not.
    const script = `
      import { loadModel } from 'ARCFACE';
      const { code } = await loadModel(new URL('http://127.0.0.1:40404/w.safetensors')).catch((error) => error);
      console.log(code);
    `;
    const { stdout, network } = runScript(place, script);
    expect(stdout).toMatch(/^(io|bad_weights)$/m);
    expect(network).toEqual(expect.arrayContaining(['fetch', 'connect']));
  });
});
