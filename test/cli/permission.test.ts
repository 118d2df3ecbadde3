/**
 * Commands under Node's permission model, which lets them write into one folder: that is enough for them, and
 * nothing else is written. Of `fetch` every connection is recorded besides.
 */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/formats/npy.ts';
import { startServer } from '../support/hostile-server.ts';
import { smallNetwork } from '../support/onnx-files.ts';
import { bool, bytes3, list, pickle, tuple } from '../support/pickle-writer.ts';
import { pngOf } from '../support/png.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'arcface-promises-'));
const at = (name: string): string => join(folder, name);
/** The only place where the commands may write. */
const outputs = at('out');
const out = (name: string): string => join(outputs, name);
const [model, weights, face, bin] = [at('m.onnx'), at('w.safetensors'), at('a.npy'), at('lfw.bin')];
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes every name that is looked up and every connection into a file, which is opened beforehand. */
const RECORDER = `
  import { openSync, writeSync } from 'node:fs';
  import { createRequire, syncBuiltinESMExports } from 'node:module';
  const require = createRequire(import.meta.url);
  const log = openSync(process.env.NETWORK_LOG, 'a');
  const note = (what) => writeSync(log, what + '\\n');
  const net = require('node:net');
  const dns = require('node:dns');
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = function (...args) {
    const [first] = args.flat();
    note('connect ' + (first?.port ?? first));
    return connect.apply(this, args);
  };
  const { lookup } = dns;
  dns.lookup = (name, ...rest) => {
    note('lookup ' + name);
    return lookup(name, ...rest);
  };
  const { send } = require('node:dgram').Socket.prototype;
  require('node:dgram').Socket.prototype.send = function (...args) {
    note('datagram');
    return send.apply(this, args);
  };
  syncBuiltinESMExports();
`;
const PERMISSION =
  Number(process.versions.node.split('.')[0]) >= 24 ? '--permission' : '--experimental-permission';

interface Ending {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly network: string[];
}

async function run(program: string, ...args: string[]): Promise<Ending> {
  const log = out('network.log');
  writeFileSync(log, '');
  const flags = [
    PERMISSION,
    '--no-warnings',
    '--allow-fs-read=*',
    `--allow-fs-write=${join(outputs, '*')}`,
    '--import',
    pathToFileURL(at('recorder.mjs')).href,
  ];
  const child = spawn(process.execPath, [...flags, program, ...args], {
    cwd: folder,
    env: { ...process.env, NETWORK_LOG: log },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const network = readFileSync(log, 'utf8').split('\n').filter(Boolean);
  rmSync(log);
  return { status, stdout, stderr, network };
}

beforeAll(async () => {
  mkdirSync(outputs);
  writeFileSync(at('recorder.mjs'), RECORDER);
  writeFileSync(model, smallNetwork());
  const planes = Float32Array.from({ length: 3 * 112 * 112 }, (_, i) => (i * 7) % 256);
  writeFileSync(face, writeNpy(planes, [1, 3, 112, 112]));
  const picture = bytes3(pngOf(112, (x) => [x, 90, 200 - x]));
  const other = bytes3(pngOf(112, (x) => [200 - x, 10, x]));
  const pictures = list(picture, picture, picture, other);
  writeFileSync(bin, pickle(3, tuple(pictures, list(bool(true), bool(false)))));
  const { status } = await run(main, 'convert', model, '-o', out('w.safetensors'));
  expect(status).toBe(0);
  writeFileSync(weights, readFileSync(out('w.safetensors')));
  rmSync(out('w.safetensors'));
});

describe('the watch itself', () => {
  it('sees a file written elsewhere, a name looked up and a connection made', async () => {
    const script = at('breaks.mjs');
    const server = await startServer({ status: 200 });
    const code = `
      import { writeFileSync } from 'node:fs';
      await fetch('${server.url.replace('127.0.0.1', 'localhost')}');
      try { writeFileSync('${at('elsewhere')}', 'x'); } catch (error) { console.log(error.code); }
    `;
    writeFileSync(script, code);
    const { stdout, network } = await run(script);
    await server.close();
    expect(stdout).toBe('ERR_ACCESS_DENIED\n');
    expect(network.join()).toMatch(/connect \d+/);
  });
});

describe('commands that may write into one folder', () => {
  const inputs = [
    'a.npy',
    'breaks.mjs',
    'lfw.bin',
    'm.onnx',
    'out',
    'recorder.mjs',
    'w.safetensors',
  ];

  it.each<[string, string[]]>([
    ['c.safetensors', ['convert', model, '-o', out('c.safetensors')]],
    ['e.npy', ['embed', weights, face, '-o', out('e.npy')]],
    ['r.html', ['evaluate', weights, bin, '--report', out('r.html')]],
    ['s.onnx', ['synth', 'mobilefacenet', '--seed', '1', '-o', out('s.onnx')]],
  ])('%s is written, and nothing besides', async (written, args) => {
    const { status, stderr, network } = await run(main, ...args);
    expect({ status, stderr, network }).toEqual({ status: 0, stderr: '', network: [] });
    expect(readdirSync(outputs)).toEqual([written]);
    expect(readdirSync(folder).sort()).toEqual(inputs);
    rmSync(out(written));
  });

  it('fetch asks the address that it was given, and writes into its folder alone', async () => {
    const bytes = smallNetwork();
    const server = await startServer({ serve: { bytes } });
    const urls = [{ url: server.url, status: 'unverified', note: 'a test' }];
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const parts = [{ file: 'small.onnx', bytes: bytes.length, sha256, urls }];
    const models = [{ name: 'small', parts, convert: 'small.onnx', licence: 'x' }];
    const licences = { x: { note: 'For tests only.', source: 'a test' } };
    const manifest = at('manifest.json');
    writeFileSync(
      manifest,
      JSON.stringify({ format: 'arcface-wasm-manifest/1', licences, models }),
    );
    const { status, network } = await run(
      main,
      ...['fetch', 'small', '--accept-licence', '--dir', outputs, '--manifest', manifest],
    );
    await server.close();
    rmSync(manifest);
    const { port } = new URL(server.url);
    expect(status).toBe(0);
    expect([...new Set(network)]).toEqual([`connect ${port}`]);
    expect(readdirSync(outputs)).toEqual(['small.safetensors']);
    expect(readdirSync(folder).sort()).toEqual(inputs);
    rmSync(out('small.safetensors'));
  });
});
