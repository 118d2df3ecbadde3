/** Weights stored as f16 and q8: loading, the same bits however they are run, and what is refused. */

import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../dist/entries/node.js';
import { parseWeightsHeader } from '../../src/formats/safetensors.ts';
import { validateNetwork } from '../../src/graph/validate-network.ts';
import { cosineSimilarity } from '../../src/similarity.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { bitsOf, noiseFace, synthWeights } from '../support/engine-files.ts';

const faces = [1, 2, 3, 4, 5].map(noiseFace);
const model = synthesize('mobilefacenet', 3);
const plain = synthWeights(model);

async function embedAll(weights: Uint8Array<ArrayBuffer>, options = {}): Promise<Float32Array[]> {
  const loaded = await loadModel(weights, options);
  const embeddings = await loaded.embedBatch(faces);
  loaded.dispose();
  return embeddings;
}

describe.each(['f16', 'q8'] as const)('%s weights', (dtype) => {
  const weights = synthWeights(model, dtype);
  const header = parseWeightsHeader(weights, weights.length);
  let reference: Float32Array[];

  beforeAll(async () => {
    reference = await embedAll(weights);
  });

  /** The file with the bytes of a number put at the start, the middle or the end of a tensor. */
  function damaged(role: string, at: number, write: (view: DataView, offset: number) => void) {
    const tensors = header.tensors.filter(({ spec }) => spec.role === role && spec.dtype !== 'q8');
    const { offset, bytes, name } = tensors[Math.floor(at * (tensors.length - 1))] as never as {
      offset: number;
      bytes: number;
      name: string;
    };
    const copy = weights.slice();
    const inside = Math.floor(at * (bytes / 4 - 1)) * 4;
    write(new DataView(copy.buffer), header.dataOffset + offset + inside);
    return { copy, name };
  }

  it('take half or a third of the file, and are named in info and contract', async () => {
    expect(weights.length / plain.length).toBeLessThan(dtype === 'f16' ? 0.56 : 0.34);
    const loaded = await loadModel(weights);
    expect(loaded.info.dtype).toBe(dtype);
    expect(loaded.info.contract).toMatch(new RegExp(`:${dtype}$`));
    expect(loaded.info.weightsBytes).toBe(header.dataBytes);
    loaded.dispose();
  });

  it('give embeddings close to those of f32', async () => {
    const exact = await embedAll(plain);
    const least = dtype === 'f16' ? 0.999999 : 0.9985;
    exact.forEach((embedding, i) => {
      const cosine = cosineSimilarity(embedding, reference[i] as Float32Array);
      expect(cosine).toBeGreaterThan(least);
      expect(cosine).toBeLessThan(1);
    });
  });

  it('give the same bits alone, in a batch, and with 1 to 4 threads', async () => {
    for (const threads of [1, 2, 3, 4]) {
      const loaded = await loadModel(weights, { threads });
      for (const [i, face] of faces.entries()) {
        expect(bitsOf(await loaded.embed(face))).toEqual(bitsOf(reference[i] as Float32Array));
      }
      const batch = await loaded.embedBatch(faces);
      expect(batch.map(bitsOf)).toEqual(reference.map(bitsOf));
      loaded.dispose();
    }
  });

  it.each([
    ['zero', 0],
    ['negative', -0.01],
    ['subnormal', 2 ** -127],
    ['NaN', Number.NaN],
    ['infinite', Number.POSITIVE_INFINITY],
    ['beyond 2^15', 2 ** 15 + 1],
  ])('are refused with a scale that is %s, with the tensor', async (_, scale) => {
    for (const at of [0, 0.5, 1]) {
      const { copy, name } = damaged('weight_scale', at, (view, offset) => {
        view.setFloat32(offset, scale, true);
      });
      await expect(loadModel(copy)).rejects.toMatchObject({
        code: 'bad_weights',
        message: expect.stringMatching(`scales from 2\\^-126 to 2\\^15.*"${name}"`),
      });
    }
  });

  it('are refused with a half or float that is not finite', async () => {
    for (const at of [0, 0.5, 1]) {
      const { copy } = damaged('weight', at, (view, offset) => view.setInt32(offset, -1, true));
      await expect(loadModel(copy)).rejects.toMatchObject({
        code: 'bad_weights',
        message: expect.stringContaining('NaN or infinity'),
      });
    }
  });

  it.each([
    [
      'a dtype that the network does not state',
      `"dtype":"${dtype === 'f16' ? 'F16' : 'I8'}"`,
      '"dtype":"U8"',
    ],
    ['another dtype for the file than its weights have', `"dtype":"${dtype}"`, '"dtype":"f32"'],
    ['an unknown dtype in the network', `\\"dtype\\":\\"${dtype}\\"`, '\\"dtype\\":\\"q3\\"'],
    ['a shape of another size', '"shape":[16,1,64,8]', '"shape":[16,1,32,8]'],
  ])('are refused with %s', async (_, from, to) => {
    const text = new TextDecoder('latin1').decode(weights.subarray(8, header.dataOffset));
    expect(text).toContain(from);
    const changed = Uint8Array.from(
      text.replace(from, to).slice(0, text.length).padEnd(text.length),
      (c) => c.charCodeAt(0),
    );
    const copy = weights.slice();
    copy.set(changed, 8);
    await expect(loadModel(copy)).rejects.toMatchObject({ code: 'bad_weights' });
  });
});

it.each(['f16', 'q8'])('%s is refused for a stem, whose rows fill no cache lines', (dtype) => {
  const { network } = parseWeightsHeader(plain, plain.length);
  const ops = network.ops.map((op, i) => (i === 0 ? { ...op, dtype } : op));
  const refused = /ops\[0\].dtype: expected none for a product whose rows fill no cache lines, got/;
  expect(() => validateNetwork({ ...network, ops })).toThrow(refused);
});
