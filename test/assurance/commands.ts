/** Every command once, as it is used, with what it writes; and the library. */

import { join } from 'node:path';
import type { Place } from '../support/observed-run.ts';

export interface Use {
  readonly args: readonly string[];
  /** Files that appear, from the place's root. */
  readonly writes: readonly string[];
}

/** In this order: later ones read what the first writes. */
export function everyCommand({ inputs, outputs }: Place): readonly Use[] {
  const model = join(inputs, 'model.onnx');
  const weights = join(outputs, 'w.safetensors');
  const face = join(inputs, 'face.npy');
  const crop = join(inputs, 'people', 'Ann', 'Ann_0001.png');
  const pairs = ['--pairs', join(inputs, 'pairs.txt'), '--images', join(inputs, 'people')];
  const synth = ['synth', 'mobilefacenet', '--seed', '1', '-o', join(outputs, 's.onnx')];
  return [
    { args: ['convert', model, '-o', weights], writes: ['out/w.safetensors'] },
    { args: ['inspect', model], writes: [] },
    { args: ['inspect', weights, '--json'], writes: [] },
    { args: ['embed', weights, face, '--threads', '2'], writes: [] },
    { args: ['embed', weights, face, '-o', join(outputs, 'e.npy')], writes: ['out/e.npy'] },
    { args: ['compare', weights, face, crop], writes: [] },
    { args: ['evaluate', weights, ...pairs], writes: [] },
    { args: synth, writes: ['out/s.onnx'] },
    { args: ['fetch'], writes: [] },
    { args: ['--help'], writes: [] },
  ];
}

/** The library on bytes, a path and a stream, with one thread and two. */
export const EVERY_CALL = `
  import { readFileSync } from 'node:fs';
  import { alignFace, cosineSimilarity, l2Normalize, loadModel } from 'ARCFACE';
  const [path] = process.argv.slice(2);
  const bytes = readFileSync(path);
  const data = new Uint8Array(3 * 112 * 112).fill(90);
  const face = { data, width: 112, height: 112, channels: 'rgb' };
  for (const source of [path, new Uint8Array(bytes), new Blob([bytes]), new Blob([bytes]).stream()]) {
    for (const threads of source === path ? [1, 2] : [1]) {
      const model = await loadModel(source, { threads });
      const [a, b] = await model.embedBatch([face, face], { flip: true });
      if (!(cosineSimilarity(l2Normalize(a), b) > 0.999)) process.exitCode = 1;
      await model.dispose();
    }
  }
  alignFace(face, [38.3, 51.7, 73.5, 51.5, 56, 71.7, 41.5, 92.4, 70.7, 92.2]);
`;
