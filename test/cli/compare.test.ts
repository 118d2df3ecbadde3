import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { compare } from '../../src/cli/commands/compare.ts';
import { convert } from '../../src/cli/commands/convert.ts';
import { embed } from '../../src/cli/commands/embed.ts';
import { inspect } from '../../src/cli/commands/inspect.ts';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';
import { alignFace } from '../../src/image/align.ts';
import { decodePicture } from '../../src/image/decode.ts';
import { loadModel } from '../../src/index.ts';
import { cosineSimilarity } from '../../src/similarity.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { onnxOfSynth } from '../../src/synth/onnx.ts';
import { joined, smallNetwork } from '../support/onnx-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'arcface-compare-'));
const at = (name: string): string => join(folder, name);
const weights = at('small.safetensors');
const seeded = at('seeded.safetensors');
const swapped = at('swapped.safetensors');
const [faceA, faceB, photo] = [at('a.npy'), at('b.npy'), at('photo.png')];
const landmarks = [12, 10, 24, 10.5, 18, 16, 13, 22, 23, 22.5];
const other = landmarks.map((value, i) => (i % 2 ? value : value + 3));

let printed: string[] = [];
beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => rmSync(folder, { recursive: true }));

function pixels(seed: number): Float32Array {
  return Float32Array.from({ length: 3 * 112 * 112 }, (_, i) => (i * (seed + (i >> 7))) % 256);
}

beforeAll(async () => {
  const silent = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  writeFileSync(at('small.onnx'), smallNetwork());
  writeFileSync(at('seeded.onnx'), joined(onnxOfSynth(synthesize('mobilefacenet', 1), 'zoo')));
  await convert.run([at('small.onnx'), '-o', weights]);
  await convert.run([at('small.onnx'), '-o', swapped, '--input', 'bgr']);
  await convert.run([at('seeded.onnx'), '-o', seeded]);
  silent.mockRestore();
  writeFileSync(faceA, writeNpy(pixels(31), [1, 3, 112, 112]));
  writeFileSync(faceB, writeNpy(pixels(57), [1, 3, 112, 112]));
  const fixtures = readFileSync(new URL('../fixtures/pictures.json', import.meta.url), 'utf8');
  const { pictures } = JSON.parse(fixtures) as { pictures: { name: string; base64: string }[] };
  const png = pictures.find(({ name }) => name === 'PNG RGB')?.base64 as string;
  writeFileSync(photo, Buffer.from(png, 'base64'));
});

async function result(...args: string[]) {
  printed = [];
  await compare.run([...args, '--json']);
  return JSON.parse(printed[0] as string);
}

/** The embedding of one face as a file. */
async function embedding(name: string, ...args: string[]): Promise<string> {
  await embed.run([...args, '-o', at(name)]);
  return at(name);
}

describe('compare with seeded weights', () => {
  it('shows the number and says that it means nothing; no threshold is compared', async () => {
    await compare.run([seeded, faceA, faceB]);
    expect(printed.join('\n')).toMatch(
      /^cosine -?[01]\.\d{6}\n\nThese weights are seeded random numbers: .* means nothing\. No threshold/,
    );
    expect(printed.join('\n')).not.toMatch(/same|different|0\.4078/);
    const json = await result(seeded, faceA, faceB);
    expect(json).toMatchObject({ training: 'none', thresholds: [] });
    expect(json.notes.join()).toContain('means nothing');
  });

  it('has no verdict on their embeddings either', async () => {
    const a = await embedding('sa.npy', seeded, faceA);
    const b = await embedding('sb.json', seeded, faceB);
    const json = await result(a, b);
    expect(json).toMatchObject({ training: 'none', thresholds: [] });
    expect(json.cosine).toBeCloseTo((await result(seeded, faceA, faceB)).cosine, 6);
  });

  it('is what inspect and convert say, too', async () => {
    await inspect.run([seeded]);
    await inspect.run([at('seeded.onnx')]);
    await convert.run([at('seeded.onnx'), '-o', at('again.safetensors')]);
    await inspect.run([weights]);
    const said = printed.map((text) => text.includes('These weights are seeded random numbers'));
    expect(said).toEqual([true, true, true, false]);
  });
});

describe('compare with landmarks', () => {
  it('aligns each picture by its own', async () => {
    const json = await result(
      ...[weights, photo, photo],
      ...['--landmarks', landmarks.join(), '--landmarks', other.join()],
    );
    const model = await loadModel(weights);
    const picture = await decodePicture(readFileSync(photo));
    const [a, b] = await model.embedBatch([
      alignFace(picture, landmarks),
      alignFace(picture, other),
    ]);
    model.dispose();
    expect(json.cosine).toBe(cosineSimilarity(a as Float32Array, b as Float32Array));
    expect(json.cosine).toBeLessThan(1);
  });

  it('does what the refusal of a photograph says', async () => {
    const failure = await compare.run([weights, photo, faceB]).catch((error: Error) => error);
    const message = (failure as Error).message;
    expect(message).toMatch(/got 37x29; give --landmarks x1,y1.* once for each face$/);
    const once = compare.run([weights, photo, faceB, '--landmarks', landmarks.join()]);
    await expect(once).rejects.toThrow(/expected it once for each of 2 faces.*none for an aligned/);
    await compare.run([
      ...[weights, photo, faceB],
      ...['--landmarks', landmarks.join(), '--landmarks', 'none'],
    ]);
    expect(printed[0]).toMatch(/^cosine /);
  });
});

describe('embeddings as files', () => {
  it('carry the contract of their network, as .npy and as JSON', async () => {
    const npy = await embedding('a1.npy', weights, faceA);
    const json = await embedding('a1.json', weights, faceA);
    await inspect.run([weights, '--json']);
    const { contract } = JSON.parse(printed.at(-1) as string);
    expect(readNpy(readFileSync(npy)).comment).toContain(contract);
    expect(JSON.parse(readFileSync(json, 'utf8')).model.contract).toBe(contract);
    expect((await result(npy, json)).cosine).toBeCloseTo(1, 12);
  });

  it('compare with each other and with faces as the faces do', async () => {
    const { cosine } = await result(weights, faceA, faceB);
    const [a, b] = [
      await embedding('a2.npy', weights, faceA),
      await embedding('b2.json', weights, faceB, '--normalize'),
    ];
    expect((await result(a, b)).cosine).toBeCloseTo(cosine, 6);
    expect((await result(weights, a, faceB)).cosine).toBeCloseTo(cosine, 6);
    expect((await result(weights, faceA, b)).notes).toEqual([]);
  });

  it('are refused when their contracts differ, though they are of equal length', async () => {
    const a = await embedding('a3.npy', weights, faceA);
    const b = await embedding('b3.npy', swapped, faceA);
    for (const pair of [
      [a, b],
      [swapped, a, faceB],
      [weights, faceA, b],
    ]) {
      await expect(compare.run(pair)).rejects.toMatchObject({
        code: 'bad_argument',
        message: expect.stringMatching(/expected embeddings of one contract, got arcface-wasm\/1:/),
      });
    }
  });

  it('that say nothing of their network are compared with a note, and mirrored ones too', async () => {
    const a = await embedding('a4.npy', weights, faceA);
    const silent = at('silent.npy');
    writeFileSync(silent, writeNpy(readNpy(readFileSync(a)).data as Float32Array, [1, 2]));
    const json = await result(a, silent);
    expect(json.cosine).toBeCloseTo(1, 12);
    expect(json.notes).toEqual([`${silent} does not say which network it is of.`]);
    const flipped = await embedding('a4f.json', weights, faceA, '--flip');
    expect((await result(a, flipped)).notes.join()).toContain('mirrored face added');
  });

  it.each<[string, () => Promise<string[]>, RegExp]>([
    [
      'several embeddings in one file',
      async () => [await embedding('two.npy', weights, faceA, faceB), faceA],
      /two\.npy: expected one embedding, got 2; embed each face into a file of its own/,
    ],
    [
      'JSON of something else',
      async () => {
        writeFileSync(at('x.json'), '{"a": 1}');
        return [at('x.json'), at('x.json')];
      },
      /x\.json: expected the JSON that `embed -o` writes, got a document without faces/,
    ],
    [
      'faces without weights',
      async () => [faceA, faceB],
      /expected a weights file and two faces, got 2 arguments; without weights, two embeddings/,
    ],
  ])('refuses %s', async (_, args, message) => {
    await expect(compare.run(await args())).rejects.toThrow(message);
  });

  const numpy = spawnSync('python3', ['-c', 'import numpy']).status === 0;
  if (!numpy) console.warn('skipped: python3 with numpy is not installed');

  it.skipIf(!numpy)('are read by numpy without a warning, the comment and all', async () => {
    const a = await embedding('a5.npy', weights, faceA);
    const code =
      'import numpy,sys; x=numpy.load(sys.argv[1]); print(x.dtype, x.shape, *x.ravel().tolist())';
    const { stdout, stderr } = spawnSync('python3', ['-W', 'error', '-c', code, a], {
      encoding: 'utf8',
    });
    const values = [...(readNpy(readFileSync(a)).data as Float32Array)];
    expect([stdout, stderr]).toEqual([`float32 (1, 2) ${values.join(' ')}\n`, '']);
  });
});
