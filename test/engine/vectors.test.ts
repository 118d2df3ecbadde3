/** `vectors: 256`: refused with the reason where the engine has none, and the same bits where it has. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../dist/entries/node.js';
import { synthesize } from '../../src/synth/architectures.ts';
import { noiseFace, synthWeights } from '../support/engine-files.ts';
import { HOW_TO_INSTALL, nodeOf } from '../support/runtimes.ts';

const weights = synthWeights(synthesize('r18', 5));
const folder = mkdtempSync(join(tmpdir(), 'vectors-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const node = nodeOf(24);
const canPair = node !== undefined && process.arch === 'x64';
if (!canPair) console.warn(`256-bit vectors are not tested: no Node 24 on x64; ${HOW_TO_INSTALL}`);

/** Embeds each face alone and all as a batch, with and without pairs; prints the bits. */
const PROGRAM = `
import { readFileSync } from 'node:fs';
import { loadModel } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
const paths = JSON.parse(process.argv[2]);
const faces = JSON.parse(readFileSync(paths.faces, 'utf8')).map((values) => {
  return { data: Float32Array.from(values), layout: 'nchw', channels: 'rgb' };
});
const hex = (e) => Buffer.from(e.buffer, e.byteOffset, e.byteLength).toString('hex');
const results = [];
for (const options of [{ vectors: 128 }, { vectors: 256 }, { vectors: 256, threads: 2 }]) {
  const model = await loadModel(paths.weights, options);
  const embeddings = [];
  for (const face of faces) embeddings.push(await model.embed(face));
  embeddings.push(...(await model.embedBatch(faces)));
  results.push({ vectors: model.info.vectors, bits: embeddings.map(hex) });
  await model.dispose();
}
console.log(JSON.stringify(results));
`;

describe('vectors', () => {
  it.each([64, '256', true, null])('refuses %j', async (vectors) => {
    await expect(loadModel(weights, { vectors } as never)).rejects.toMatchObject({
      code: 'bad_argument',
      message: expect.stringContaining('options.vectors: expected 128 or 256'),
    });
  });

  it('is 128 where nothing is asked', async () => {
    const model = await loadModel(weights);
    expect(model.info).toMatchObject({ vectors: 128, reason: undefined });
    await model.dispose();
  });

  it.runIf(Number.parseInt(process.versions.node, 10) < 24)(
    'is 128, with the reason, in a Node whose engine cannot pair',
    async () => {
      const model = await loadModel(weights, { vectors: 256 });
      expect(model.info.vectors).toBe(128);
      expect(model.info.reason).toMatch(
        /^128-bit vectors instead of 256: Node .* Node 24 or newer$/,
      );
      await model.dispose();
    },
  );

  it.runIf(canPair)(
    'gives the same bits with 256 in Node 24, alone, in batches and with threads',
    async () => {
      const paths = { weights: join(folder, 'w.safetensors'), faces: join(folder, 'faces.json') };
      writeFileSync(paths.weights, weights);
      const faces = [1, 2, 3].map((seed) => [...noiseFace(seed).data]);
      writeFileSync(paths.faces, JSON.stringify(faces));
      writeFileSync(join(folder, 'run.mjs'), PROGRAM);
      const text = execFileSync(node as string, [join(folder, 'run.mjs'), JSON.stringify(paths)], {
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
      });
      const [plain, single, threads] = JSON.parse(text);
      expect([plain.vectors, single.vectors, threads.vectors]).toEqual([128, 256, 256]);
      expect(single.bits).toEqual(plain.bits);
      expect(threads.bits).toEqual(plain.bits);
      const here = await loadModel(weights);
      const own = await here.embed(noiseFace(1));
      const bytes = new Uint8Array(own.buffer, own.byteOffset, own.byteLength);
      expect(plain.bits[0]).toBe(Buffer.from(bytes).toString('hex'));
      await here.dispose();
    },
  );
});
