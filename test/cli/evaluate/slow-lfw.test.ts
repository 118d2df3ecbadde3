import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const CLI = 'dist/cli/main.js';
const FOLDS = '../shared/data/lfw-folds-1-5.bin';
const Y1 = '../shared/fixtures/y1/model-symbol.json';
const FEATURE = 'node_modules/faceplugin-face-recognition-js/model/fr_feature.onnx';
const needed = [FOLDS, Y1, FEATURE, 'dist/cli/commands/convert.js', 'dist/index.js'];
const missing = needed.filter((path) => !existsSync(path));
if (missing.length > 0) console.warn(`${missing.join(', ')} absent: accuracy on LFW is skipped`);

describe.skipIf(missing.length > 0)('accuracy on LFW folds 1 to 5', () => {
  let folder: string;
  const cli = (...args: string[]): string =>
    execFileSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });
  const evaluate = (weights: string, ...options: string[]) =>
    JSON.parse(cli('evaluate', join(folder, weights), FOLDS, '--json', ...options));

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'arcface-lfw-'));
    cli('convert', Y1, '-o', join(folder, 'y1.safetensors'));
    const scale = ['--mean', '127', '--std', '128'];
    cli('convert', FEATURE, '-o', join(folder, 'feature.safetensors'), ...scale);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['y1', 'y1.safetensors', [], 0.991, 'as-given'],
    ['y1 with flip', 'y1.safetensors', ['--flip'], 0.9913, 'as-given'],
    ['fr_feature', 'feature.safetensors', [], 0.981, 'swapped'],
    ['fr_feature with flip', 'feature.safetensors', ['--flip'], 0.981, 'swapped'],
  ])(
    'is what onnxruntime reaches with %s, and the channel order is recognised',
    (_, weights, options, accuracy, verdict) => {
      const result = evaluate(weights, ...options);
      expect(result.folds).toHaveLength(5);
      expect(Math.abs(result.accuracy - accuracy)).toBeLessThanOrEqual(0.001);
      expect(result.channelOrder.verdict).toBe(verdict);
    },
    600_000,
  );

  it('recognises y1 fed BGR as swapped', () => {
    expect(evaluate('y1.safetensors', '--bgr', '--limit', '600').channelOrder.verdict).toBe(
      'swapped',
    );
  }, 600_000);
});
