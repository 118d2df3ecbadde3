import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MAX_BATCH } from '../../src/engine/model.ts';
import type { EmbedOptions } from '../../src/engine/options.ts';
import { parseWeightsHeader } from '../../src/formats/safetensors.ts';
import type { Face, PixelFace } from '../../src/image/face.ts';
import { loadModel } from '../../src/index.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import {
  bitsOf,
  IR_TINY,
  irTinyWeights,
  noiseFace,
  synthWeights,
} from '../support/engine-files.ts';
import { codeOf } from '../support/outcome.ts';
import { tinyModel } from '../support/synth-graph.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const fixtureAbsent = !existsSync(IR_TINY);
if (fixtureAbsent) console.warn(`skipped: ${IR_TINY} is absent`);
const tiny = synthWeights(tinyModel());
const faces = [1, 2, 3, 4, 5].map(noiseFace);
const [face] = faces as [Face];

function bytesOf(seed: number): Uint8Array {
  return Uint8Array.from({ length: 112 * 112 * 3 }, (_, i) => (i * (i + seed)) % 251);
}

function byteFace(data: Uint8Array): PixelFace {
  return { data, width: 112, height: 112, channels: 'rgb' };
}

const networks: [string, () => Uint8Array][] = [
  ['tiny', () => tiny],
  ['mobilefacenet', () => synthWeights(synthesize('mobilefacenet', 1))],
];
if (!fixtureAbsent) networks.push(['ir-tiny', irTinyWeights]);

describe('a model', () => {
  it.each(networks)('gives the bits of five single runs for five faces: %s', async (_, weights) => {
    using model = await loadModel(weights());
    const together = await model.embedBatch(faces);
    expect(together).toHaveLength(5);
    for (const [i, one] of faces.entries()) {
      expect(bitsOf(together[i] as Float32Array)).toEqual(bitsOf(await model.embed(one)));
    }
  });

  it('takes more faces than fit one run, and none', async () => {
    using model = await loadModel(tiny);
    const many = Array.from({ length: 2 * MAX_BATCH + 1 }, (_, i) => faces[i % 5] as Face);
    const got = await model.embedBatch(many);
    const singles = await Promise.all(faces.map((one) => model.embed(one)));
    expect(got.map(bitsOf)).toEqual(many.map((_, i) => bitsOf(singles[i % 5] as Float32Array)));
    expect(await model.embedBatch([])).toEqual([]);
  });

  it('adds the embedding of the mirrored face on request', async () => {
    using model = await loadModel(tiny);
    const data = new Float32Array(3 * 112 * 112);
    const source = (face as { data: Float32Array }).data;
    for (let row = 0; row < 3 * 112; row++) {
      data.set(source.slice(row * 112, row * 112 + 112).reverse(), row * 112);
    }
    const [plain, mirrored] = await model.embedBatch([
      face,
      { data, layout: 'nchw', channels: 'rgb' },
    ]);
    const sum = (plain as Float32Array).map((v, i) => v + (mirrored?.[i] as number));
    expect(bitsOf(await model.embed(face, { flip: true }))).toEqual(bitsOf(sum));
    expect(bitsOf(plain as Float32Array)).not.toEqual(bitsOf(mirrored as Float32Array));
    const batch = await model.embedBatch(faces, { flip: true });
    expect(bitsOf(batch[0] as Float32Array)).toEqual(bitsOf(sum));
  });

  it('gives vectors of length 1 on request', async () => {
    using model = await loadModel(tiny);
    const unit = await model.embed(face, { normalize: true });
    const plain = await model.embed(face);
    expect(Math.hypot(...unit)).toBeCloseTo(1, 6);
    expect(Math.hypot(...plain)).not.toBeCloseTo(1, 2);
    const norm = Math.hypot(...plain);
    for (const [i, value] of unit.entries()) {
      expect(value).toBeCloseTo((plain[i] as number) / norm, 6);
    }
  });

  it('answers calls that overlap as if they came one by one', async () => {
    using model = await loadModel(tiny);
    const alone = [];
    for (const one of faces) alone.push(bitsOf(await model.embed(one)));
    const calls = [4, 0, 3, 1, 2, 0, 4].map((i) => ({ i, result: model.embed(faces[i] as Face) }));
    const batch = model.embedBatch(faces);
    for (const { i, result } of calls) expect(bitsOf(await result)).toEqual(alone[i]);
    expect((await batch).map(bitsOf)).toEqual(alone);
  });

  it('keeps results apart: one call does not change what another returned', async () => {
    using model = await loadModel(tiny);
    const first = await model.embed(face);
    const before = bitsOf(first);
    await model.embed(faces[1] as Face);
    expect(bitsOf(first)).toEqual(before);
  });

  it('goes on after a call that failed', async () => {
    using model = await loadModel(tiny);
    const bad = { data: new Uint8Array(5), width: 112, height: 112, channels: 'rgb' } as const;
    const [first, second, third] = await Promise.allSettled([
      model.embed(face),
      model.embed(bad),
      model.embed(face),
    ]);
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'bad_picture' } });
    expect(first.status).toBe('fulfilled');
    expect(third).toEqual(first);
  });

  it.each<[string, unknown, unknown]>([
    ['no array', face, {}],
    ['no options', faces, null],
    ['options that are text', faces, 'flip'],
    ['a signal that is none', faces, { signal: 1 }],
    ['flip that is text', faces, { flip: 'false' }],
    ['normalize that is a number', faces, { normalize: 1 }],
    ['profile that is null', faces, { profile: null }],
    ['a symbol as faces', Symbol('faces'), {}],
    ['a symbol as options', faces, Symbol('options')],
    ['a signal without a prototype', faces, { signal: Object.create(null) }],
  ])('refuses %s', async (_, batch, options) => {
    using model = await loadModel(tiny);
    const call = model.embedBatch(batch as Face[], options as EmbedOptions);
    await expect(call).rejects.toMatchObject({ code: 'bad_argument' });
  });

  it('embeds each face as it is when the call is made, whatever happens to it later', async () => {
    using model = await loadModel(tiny);
    const [first, second] = [bytesOf(1), bytesOf(2)];
    const [one, two] = [await model.embed(byteFace(first)), await model.embed(byteFace(second))];
    const buffer = first.slice();
    const list = [byteFace(buffer)];
    const options = { flip: false };
    const calls = [model.embedBatch(list, options), model.embed(byteFace(buffer))];
    buffer.set(second);
    calls.push(model.embed(byteFace(buffer)));
    list.push(byteFace(second));
    options.flip = true;
    const [[batch], early, late] = (await Promise.all(calls)) as [
      [Float32Array],
      ...(typeof one)[],
    ];
    for (const [got, expected] of [
      [batch, one],
      [early, one],
      [late, two],
    ] as const) {
      expect(bitsOf(got as Float32Array)).toEqual(bitsOf(expected));
    }
  });

  it('takes a face of a Node Buffer, whose slice is no copy, as it is at the call', async () => {
    using model = await loadModel(tiny);
    const data = Buffer.from(bytesOf(1));
    const expected = bitsOf(await model.embed(byteFace(data)));
    const call = model.embed(byteFace(data));
    data.fill(0);
    expect(bitsOf(await call)).toEqual(expected);
  });

  it('refuses a list with one bad face, by its place, before anything runs', async () => {
    using model = await loadModel(tiny);
    const many: Face[] = Array.from({ length: 60 }, (_, i) => faces[i % 5] as Face);
    many[50] = { ...byteFace(bytesOf(1)), channels: 'gbr' as 'rgb' };
    await expect(model.embedBatch(many, { profile: true })).rejects.toMatchObject({
      code: 'bad_picture',
      message: expect.stringMatching(/^faces\[50\]\.channels: expected .* got 'gbr'/),
    });
    expect(model.profile).toBeUndefined();
  });

  it('refuses a list with a hole', async () => {
    using model = await loadModel(tiny);
    const holed = [face, face, face];
    delete holed[1];
    await expect(model.embedBatch(holed)).rejects.toMatchObject({
      code: 'bad_picture',
      message: expect.stringMatching(/^faces\[1\]: expected .* got undefined/),
    });
  });

  it('ends a long call between two runs when a timer fires its signal', async () => {
    using model = await loadModel(tiny);
    const many = Array.from({ length: 100 * MAX_BATCH }, () => face);
    const controller = new AbortController();
    const call = model.embedBatch(many, { signal: controller.signal });
    setTimeout(() => controller.abort());
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
  });

  it('rejects an empty call whose signal fired', async () => {
    using model = await loadModel(tiny);
    const call = model.embedBatch([], { signal: AbortSignal.abort() });
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
  });

  it('refuses an embedding that is not finite', async () => {
    const overflowing = tiny.slice();
    const { tensors, dataOffset } = parseWeightsHeader(tiny, tiny.length);
    for (const { offset, bytes } of tensors) {
      new Float32Array(overflowing.buffer, dataOffset + offset, bytes / 4).fill(3e38);
    }
    using model = await loadModel(overflowing);
    await expect(model.embed(face)).rejects.toMatchObject({
      code: 'bad_weights',
      message: expect.stringContaining('expected finite numbers'),
    });
  });

  it.each([0, -1, 1.5, MAX_BATCH + 1, Number.NaN, '2', null, Symbol('2')])(
    'has no plan for a batch of %s',
    async (batch) => {
      using model = await loadModel(tiny);
      expect(codeOf(() => model.plan(batch as number))).toBe('bad_argument');
      expect(model.plan(MAX_BATCH).batch).toBe(MAX_BATCH);
    },
  );

  it('does not start a call whose signal fired', async () => {
    using model = await loadModel(tiny);
    const signal = AbortSignal.abort();
    await expect(model.embed(face, { signal })).rejects.toMatchObject({ code: 'aborted' });
    const controller = new AbortController();
    const call = model.embedBatch([...faces, ...faces], { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
    await expect(model.embed(face)).resolves.toHaveLength(16);
  });

  it('refuses calls once it is disposed, and those that wait', async () => {
    const model = await loadModel(tiny);
    const waiting = model.embed(face);
    model.dispose();
    model.dispose();
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    await expect(model.embed(face)).rejects.toMatchObject({ code: 'closed' });
  });

  it('says out_of_memory when memory cannot grow, and still takes single faces', async () => {
    using model = await loadModel(synthWeights(tinyModel()));
    const before = bitsOf(await model.embed(face));
    vi.spyOn(WebAssembly.Memory.prototype, 'grow').mockImplementation(() => {
      throw new RangeError('WebAssembly.Memory.grow(): Maximum memory size exceeded');
    });
    await expect(model.embedBatch(faces)).rejects.toMatchObject({ code: 'out_of_memory' });
    expect(bitsOf(await model.embed(face))).toEqual(before);
    vi.restoreAllMocks();
    expect((await model.embedBatch(faces)).map(bitsOf)[0]).toEqual(before);
  });

  it('takes no more memory with every call', async () => {
    const memories: WebAssembly.Memory[] = [];
    const { Memory } = WebAssembly;
    vi.spyOn(WebAssembly, 'Memory').mockImplementation(function make(descriptor) {
      const memory = new Memory(descriptor);
      memories.push(memory);
      return memory;
    });
    using model = await loadModel(tiny);
    await model.embedBatch(faces);
    const [memory] = memories as [WebAssembly.Memory];
    const bytes = memory.buffer.byteLength;
    for (let i = 0; i < 50; i++) await model.embed(faces[i % 5] as Face);
    await model.embedBatch(faces);
    expect(memories).toHaveLength(1);
    expect(memory.buffer.byteLength).toBe(bytes);
  });

  it('measures every layer, under its name and kernel of the plan, when asked to', async () => {
    using model = await loadModel(tiny);
    expect(model.profile).toBeUndefined();
    const plain = await model.embed(face);
    expect(bitsOf(await model.embed(face, { profile: true }))).toEqual(bitsOf(plain));
    const named = (layers: readonly { name: string; kernel: string }[] = []) =>
      layers.map(({ name, kernel }) => [name, kernel]);
    expect(named(model.profile)).toEqual(named(model.plan().layers));
    for (const { ms } of model.profile ?? []) expect(ms).toBeGreaterThanOrEqual(0);
  });
});
