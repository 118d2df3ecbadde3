/**
 * Runs the built command line, or a script over the built library, where what it does is seen: in empty folders
 * for the working directory, home and temporary files, with every attempt to reach a network on record.
 */

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeNpy } from '../../src/formats/npy.ts';
import { smallNetwork } from './onnx-files.ts';
import { pngOf } from './png.ts';
import { pixels } from './synth-graph.ts';

const ROOT = resolve('.');
const CLI = join(ROOT, 'dist/cli/main.js');
const HOOKS = pathToFileURL(join(ROOT, 'test/support/no-network.mjs')).href;
const SIDE = 112;

export interface Place {
  readonly root: string;
  /** Inputs: model.onnx, face.npy, people/, pairs.txt; and what commands may write. */
  readonly inputs: string;
  readonly outputs: string;
  remove(): void;
}

/** A model, faces, and empty folders. */
export function makePlace(): Place {
  const root = mkdtempSync(join(tmpdir(), 'arcface-observed-'));
  const [inputs, outputs] = [join(root, 'in'), join(root, 'out')];
  for (const name of ['in', 'out', 'cwd', 'home', 'tmp']) mkdirSync(join(root, name));
  writeFileSync(join(inputs, 'model.onnx'), smallNetwork());
  writeFileSync(join(inputs, 'face.npy'), writeNpy(pixels(1), [1, 3, SIDE, SIDE]));
  for (const [name, count] of [
    ['Ann', 2],
    ['Bob', 2],
  ] as const) {
    mkdirSync(join(inputs, 'people', name), { recursive: true });
    for (let i = 1; i <= count; i++) {
      writeFileSync(join(inputs, 'people', name, `${name}_000${i}.png`), crop(i));
    }
  }
  const pairs = 'Ann 1 2\nBob 1 2\nAnn 1 Bob 1\nAnn 2 Bob 2\n';
  writeFileSync(join(inputs, 'pairs.txt'), pairs);
  return { root, inputs, outputs, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export interface Observed {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Attempts to reach a network. */
  readonly network: readonly string[];
}

export function runCli(place: Place, args: readonly string[], options: RunOptions = {}): Observed {
  return runNode(place, [CLI, ...args], options);
}

/** An ES module over the built package, which it imports by `ARCFACE`. */
export function runScript(place: Place, script: string, options: RunOptions = {}): Observed {
  const path = join(place.inputs, 'script.mjs');
  const library = pathToFileURL(join(ROOT, 'dist/index.js')).href;
  writeFileSync(path, script.replaceAll('ARCFACE', library));
  return runNode(place, [path], options);
}

interface RunOptions {
  /** What stands in front of `node`: a tracer. */
  readonly before?: readonly string[];
  /** Of Node. */
  readonly flags?: readonly string[];
}

function runNode(place: Place, args: readonly string[], { before = [], flags = [] }: RunOptions) {
  const log = join(place.root, 'network.log');
  rmSync(log, { force: true });
  const [program = '', ...rest] = [
    ...before,
    process.execPath,
    '--import',
    HOOKS,
    ...flags,
    ...args,
  ];
  const { status, stdout, stderr } = spawnSync(program, rest, {
    encoding: 'utf8',
    cwd: join(place.root, 'cwd'),
    env: {
      PATH: process.env.PATH,
      HOME: join(place.root, 'home'),
      TMPDIR: join(place.root, 'tmp'),
      NETWORK_LOG: log,
    },
  });
  const network = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  return { status, stdout, stderr, network };
}

/** Every file and folder below the place, but for the record of the observer. */
export function filesIn({ root }: Place): string[] {
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return found.filter((path) => path !== 'network.log').sort();
}

/** An aligned crop of noise. */
function crop(seed: number): Uint8Array {
  const planes = pixels(seed);
  const at = (x: number, y: number, c: number): number =>
    planes[(c * SIDE + y) * SIDE + x] as number;
  return pngOf(SIDE, (x, y) => [at(x, y, 0), at(x, y, 1), at(x, y, 2)]);
}
