/** The command itself: no verdict on random weights, and no report over a file that is read. */

import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { convert } from '../../../src/cli/commands/convert.ts';
import { evaluate } from '../../../src/cli/commands/evaluate.ts';
import { synthesize } from '../../../src/synth/architectures.ts';
import { onnxOfSynth } from '../../../src/synth/onnx.ts';
import { joined, smallNetwork } from '../../support/onnx-files.ts';
import { bool, bytes3, list, pickle, tuple } from '../../support/pickle-writer.ts';
import { pngOf } from '../../support/png.ts';

const folder = mkdtempSync(join(tmpdir(), 'arcface-evaluate-'));
const at = (name: string): string => join(folder, name);
const [seeded, weights, bin] = [at('seeded.safetensors'), at('w.safetensors'), at('lfw.bin')];

let printed: string[] = [];
beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => rmSync(folder, { recursive: true }));

const pictures = [1, 2, 3, 4].map((k) => pngOf(112, (x) => [(x * k) % 256, 40 * k, 200 - x]));

beforeAll(async () => {
  const silent = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  writeFileSync(at('seeded.onnx'), joined(onnxOfSynth(synthesize('mobilefacenet', 1), 'zoo')));
  writeFileSync(at('w.onnx'), smallNetwork());
  await convert.run([at('seeded.onnx'), '-o', seeded]);
  await convert.run([at('w.onnx'), '-o', weights]);
  silent.mockRestore();
  const pairs = [0, 1, 2, 3, 0, 2, 1, 3].map((i) => bytes3(pictures[i] as Uint8Array));
  const same = [bool(true), bool(false), bool(true), bool(false)];
  writeFileSync(bin, pickle(3, tuple(list(...pairs), list(...same))));
});

describe('evaluate with seeded weights', () => {
  const said = /These weights are seeded random numbers: .* means nothing\./;

  it('shows its figures, says that they mean nothing, and recommends no threshold', async () => {
    await evaluate.run([seeded, bin]);
    await evaluate.run([weights, bin]);
    const [random, other] = printed as [string, string];
    expect(random).toMatch(said);
    expect(random).toMatch(/^Accuracy: /m);
    expect(random).not.toMatch(/threshold|look alike/);
    expect(other).not.toMatch(said);
    expect(other).toMatch(/^best threshold: /m);
  });

  it('does so in JSON and in its report', async () => {
    await evaluate.run([seeded, bin, '--json', '--report', at('r.html')]);
    const json = JSON.parse(printed[0] as string);
    expect(json).toMatchObject({ threshold: null, channelOrder: null, differentCosine: null });
    expect(json.model.training).toBe('none');
    expect(json.notes[0]).toMatch(said);
    const report = readFileSync(at('r.html'), 'utf8');
    expect(report).toMatch(said);
    expect(report).not.toMatch(/>threshold 0/);
  });
});

describe('evaluate of what is no lfw.bin', () => {
  it.each<[string, () => string, RegExp]>([
    ['a picture', () => at('face.png'), /got a PNG picture; .*--pairs <list> --images <folder>$/],
    ['weights', () => weights, /got weights; they come before it$/],
    ['a folder', () => folder, /got a directory; of a folder of pictures: --pairs <list> --images/],
    ['text', () => at('notes.txt'), /expected a pickle of protocol 2 to 5/],
  ])('%s is told so', async (_, path, message) => {
    writeFileSync(at('face.png'), pictures[0] as Uint8Array);
    writeFileSync(at('notes.txt'), 'hello');
    await expect(evaluate.run([weights, path()])).rejects.toMatchObject({
      code: 'bad_dataset',
      message: expect.stringMatching(message),
    });
  });
});

describe('evaluate --report', () => {
  it('never writes over the weights, the pairs or a picture, whatever they are called', async () => {
    const images = at('images');
    mkdirSync(join(images, 'Ann'), { recursive: true });
    for (const [i, bytes] of pictures.entries()) {
      writeFileSync(join(images, 'Ann', `Ann_000${i + 1}.png`), bytes);
    }
    writeFileSync(at('pairs.txt'), 'Ann\t1\t2\nAnn\t3\t4\n');
    const fromList = ['--pairs', at('pairs.txt'), '--images', images];
    const report = at('link.html');
    for (const [input, args] of [
      [weights, [bin]],
      [bin, [bin]],
      [at('pairs.txt'), fromList],
      [join(images, 'Ann', 'Ann_0003.png'), fromList],
    ] as const) {
      for (const link of [linkSync, symlinkSync]) {
        link(input, report);
        const before = readFileSync(input);
        await expect(evaluate.run([weights, ...args, '--report', report])).rejects.toMatchObject({
          code: 'usage',
          message: expect.stringMatching(/^--report: expected a file that is not read, got/),
        });
        expect(readFileSync(input).equals(before)).toBe(true);
        rmSync(report);
      }
    }
  });
});
