import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadModel } from '../../src/engine/load.ts';
import { type EmbedOptions, MAX_BATCH } from '../../src/engine/model.ts';
import type { Face } from '../../src/image/face.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import {
  bitsOf,
  IR_TINY,
  irTinyWeights,
  noiseFace,
  synthWeights,
} from '../support/engine-files.ts';
import { tinyModel } from '../support/synth-graph.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const fixtureAbsent = !existsSync(IR_TINY);
if (fixtureAbsent) console.warn(`skipped: ${IR_TINY} is absent`);
const tiny = synthWeights(tinyModel());
const faces = [1, 2, 3, 4, 5].map(noiseFace);
const [face] = faces as [Face];

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
    ['a symbol as faces', Symbol('faces'), {}],
    ['a symbol as options', faces, Symbol('options')],
    ['a signal without a prototype', faces, { signal: Object.create(null) }],
  ])('refuses %s', async (_, batch, options) => {
    using model = await loadModel(tiny);
    const call = model.embedBatch(batch as Face[], options as EmbedOptions);
    await expect(call).rejects.toMatchObject({ code: 'bad_argument' });
  });

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

  it('measures every layer when asked to', async () => {
    using model = await loadModel(tiny);
    expect(model.profile).toBeUndefined();
    const plain = await model.embed(face);
    expect(bitsOf(await model.embed(face, { profile: true }))).toEqual(bitsOf(plain));
    expect(model.profile?.map((layer) => layer.name)).toEqual(
      model.plan().layers.map((layer) => layer.name),
    );
    for (const { ms } of model.profile ?? []) expect(ms).toBeGreaterThanOrEqual(0);
  });
});
