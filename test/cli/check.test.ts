/** `convert --check`: crops of all kinds of places, and what is said of the embeddings. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { convert } from '../../src/cli/commands/convert.ts';
import { readCrops } from '../../src/cli/crops.ts';
import type { ArcfaceError } from '../../src/errors.ts';
import { mulberry32 } from '../support/graphs.ts';
import { floats, node, onnxFile } from '../support/onnx-files.ts';
import { bool, bytes3, list, pickle, tuple } from '../support/pickle-writer.ts';
import { pngOf } from '../support/png.ts';

const root = mkdtempSync(join(tmpdir(), 'arcface-check-'));
const crops = join(root, 'crops');
const model = join(root, 'model.onnx');
const output = join(root, 'out.safetensors');
let printed = '';

/** Blocks of 16 pixels, black or white at random. */
function blocks(seed: number, size = 112): Uint8Array {
  const random = mulberry32(seed);
  const values = Array.from({ length: 49 }, () => (random() < 0.5 ? 0 : 255));
  const at = (x: number, y: number): number => values[7 * (y >> 4) + (x >> 4)] ?? 0;
  return pngOf(size, (x, y) => [at(x, y), at(x, y), at(x, y)]);
}

beforeAll(() => {
  mkdirSync(join(crops, 'somebody'), { recursive: true });
  for (let i = 0; i < 12; i++) writeFileSync(join(crops, `${i}.png`), blocks(i));
  writeFileSync(join(crops, 'somebody', 'else.PNG'), blocks(50));
  writeFileSync(join(crops, 'again.png'), blocks(0));
  writeFileSync(join(crops, 'readme.txt'), 'no picture');
  // One pixel of each block, and 32 random sums of them.
  const network = onnxFile(
    [
      node('Conv', ['x', 'w'], 'conv', { strides: { ints: [16, 16] } }),
      node('Flatten', ['conv'], 'flat'),
      node('Gemm', ['flat', 'm', 'b'], 'y', { transB: { int: 1 } }),
    ],
    [
      floats('w', [1, 3, 1, 1], [1, 0, 0]),
      floats('m', [32, 49]),
      floats('b', [32], new Array(32).fill(0.1)),
    ],
    { inputs: [{ name: 'x', dims: [1, 3, 112, 112] }] },
  );
  writeFileSync(model, network);
});
beforeEach(() => {
  printed = '';
  vi.spyOn(console, 'log').mockImplementation((line: string) => {
    printed += `${line}\n`;
  });
});
afterAll(() => rmSync(root, { recursive: true }));

async function failure(work: Promise<unknown>): Promise<ArcfaceError> {
  return work.then(
    () => expect.unreachable('this was refused before'),
    (error: ArcfaceError) => error,
  );
}

describe('crops', () => {
  it('are the distinct pictures of a folder and the folders in it', async () => {
    const all = await readCrops(crops, 100);
    expect(all).toHaveLength(13);
    expect(new Set(all.map((data) => data.length))).toEqual(new Set([4 * 112 * 112]));
    expect(await readCrops(crops, 5)).toHaveLength(5);
  });

  it('are those of an lfw.bin, each once', async () => {
    const path = join(root, 'pairs.bin');
    const pictures = [blocks(1), blocks(2), blocks(1), blocks(3)].map(bytes3);
    writeFileSync(path, pickle(4, tuple(list(...pictures), list(bool(true), bool(false)))));
    expect(await readCrops(path, 100)).toHaveLength(3);
  });

  it('are refused by name: other sizes, none at all, no such place', async () => {
    const other = join(root, 'other');
    mkdirSync(other);
    expect(await failure(readCrops(other, 9))).toMatchObject({
      code: 'bad_dataset',
      message: expect.stringMatching(
        /expected aligned 112x112 crops \(.jpg, .png\), got none among 0/,
      ),
    });
    writeFileSync(join(other, 'large.png'), blocks(1, 160));
    expect(await failure(readCrops(other, 9))).toMatchObject({
      code: 'bad_picture',
      message: expect.stringMatching(/large.png: expected an aligned 112x112 crop, got 160x160/),
    });
    expect(await failure(readCrops(join(root, 'nowhere'), 9))).toMatchObject({ code: 'io' });
  });
});

describe('convert --check', () => {
  it('says that embeddings depend on the picture', async () => {
    await convert.run([model, '-o', output, '--check', crops]);
    expect(printed).toMatch(
      /^check: cosine of a crop and itself upside down .* 13 crops\): embeddings depend/m,
    );
    expect(printed).not.toMatch(/^warning/m);
  });

  it('warns where they hardly do, and has the numbers in --json', async () => {
    // Divided by a million, all that is left of the sums is the bias.
    const wrong = [model, '-o', output, '--std', '1e6', '--check', crops];
    await convert.run(wrong);
    expect(printed).toMatch(
      /^warning: pictures all look alike: .*upside down 1.000, .*crops 1.000 .*--mean/m,
    );
    printed = '';
    await convert.run([...wrong, '--json']);
    const { check } = JSON.parse(printed);
    expect(check).toMatchObject({ verdict: 'all alike', pictures: 13 });
    expect(check.upsideDown).toBeGreaterThan(0.999);
  });

  it('is refused before any work where the weights cannot be read again', async () => {
    const error = await failure(convert.run([model, '-o', '/dev/null', '--check', crops]));
    expect(error).toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/^--check: expected weights in a file, to be read again/),
    });
  });
});

const Y1 = '../shared/fixtures/y1/model-symbol.json';
const FEATURE = 'node_modules/faceplugin-face-recognition-js/model/fr_feature.onnx';
const FOLDS = '../shared/data/lfw-folds-1-5.bin';
const missing = [Y1, FOLDS, FEATURE].filter((path) => !existsSync(path));
const skipped = process.env.SKIP_SLOW
  ? 'SKIP_SLOW is set'
  : missing.map((path) => `${path} is absent`).join(', ');
if (skipped) console.warn(`convert --check on trained networks is skipped: ${skipped}`);

describe.skipIf(skipped !== '')('convert --check on trained networks', () => {
  const checked = (source: string, ...options: string[]) => {
    const args = [
      'dist/cli/main.js',
      'convert',
      source,
      '-o',
      output,
      '--check',
      FOLDS,
      '--json',
      ...options,
    ];
    return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  };

  it.each([
    // The graph of y1 normalises: raw pixels, -1..1 again, and (x - 127.5) alone in place of its own.
    ['y1', Y1, [], 'told apart'],
    ['y1 normalised twice', Y1, ['--mean', '127.5', '--std', '127.5'], 'all alike'],
    ['y1 without normalisation', Y1, ['--mean', '-0.99609375', '--std', '0.0078125'], 'all alike'],
    ['fr_feature', FEATURE, ['--mean', '127', '--std', '128', '--trained-on', 'bgr'], 'told apart'],
    ['fr_feature on raw pixels', FEATURE, ['--mean', '0', '--std', '1'], 'all alike'],
    [
      'fr_feature normalised twice',
      FEATURE,
      ['--mean', '16383.75', '--std', '16256.25'],
      'all alike',
    ],
  ])(
    'of %s',
    (_, source, options, verdict) => {
      const { check, evidence } = checked(source, ...options);
      expect(check.verdict).toBe(verdict);
      expect(check.pictures).toBe(40);
      // As measured, with room for other pictures: docs/numerics.md.
      if (verdict === 'told apart') expect(check.upsideDown).toBeLessThan(0.15);
      else expect(check.upsideDown).toBeGreaterThan(0.8);
      expect(evidence.pictures).toBeGreaterThan(150);
    },
    300_000,
  );
});
