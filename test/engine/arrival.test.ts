/** A large file goes on being read while the first face is computed: same bits, and every fault is told. */

import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { Arrival, bytesNeeded } from '../../src/engine/arrival.ts';
import { parseWeightsHeader } from '../../src/formats/safetensors.ts';
import { loadModel } from '../../src/index.ts';
import { nodePlatform } from '../../src/runtime/node.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { bitsOf, noiseFace, synthWeights } from '../support/engine-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'arcface-arrival-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const face = noiseFace(1);
const others = [2, 3].map(noiseFace);
const weights = synthWeights(synthesize('r18', 1));
const path = join(folder, 'r18.safetensors');
writeFileSync(path, weights);

/** A model that is handed out while its file is being read. */
async function loadEarly(from = path) {
  const model = await loadModel(from);
  return { model, first: model.embed(face) };
}

describe('a large local file', () => {
  it('is handed out before it is read, and gives the bits that it gives after', async () => {
    const reads: number[] = [];
    const { openFile } = nodePlatform;
    vi.spyOn(nodePlatform, 'openFile').mockImplementation(async (from) => {
      const source = await openFile?.(from);
      if (!source) throw new Error('no files here');
      const read = async (into: Uint8Array, position: number): Promise<number> => {
        const count = await source.read(into, position);
        reads.push(position);
        return count;
      };
      return { ...source, read };
    });
    const { model, first } = await loadEarly();
    const before = reads.length;
    const embedding = bitsOf(await first);
    expect(reads.length).toBeGreaterThan(before);
    expect(bitsOf(await model.embed(face))).toEqual(embedding);
    model.dispose();
    // Who follows the bytes waits for them.
    const whole = await loadModel(path, { onProgress: () => undefined });
    const all = reads.length;
    expect(bitsOf(await whole.embed(face))).toEqual(embedding);
    expect(reads.length).toBe(all);
    whole.dispose();
  });

  it('is waited for by a batch and by a profile', async () => {
    const reference = await loadModel(path, { onProgress: () => undefined });
    const expected = (await reference.embedBatch([face, ...others])).map(bitsOf);
    reference.dispose();
    const batched = await loadModel(path);
    expect((await batched.embedBatch([face, ...others])).map(bitsOf)).toEqual(expected);
    batched.dispose();
    const profiled = await loadModel(path);
    expect(bitsOf(await profiled.embed(face, { profile: true }))).toEqual(expected[0]);
    expect(profiled.profile?.length).toBe(profiled.plan().layers.length);
    profiled.dispose();
  });

  it('answers calls that overlap while it arrives', async () => {
    const { model, first } = await loadEarly();
    const more = others.map((one) => model.embed(one));
    const got = (await Promise.all([first, ...more])).map(bitsOf);
    const again = await model.embedBatch([face, ...others]);
    expect(got).toEqual(again.map(bitsOf));
    model.dispose();
  });

  it('refuses every call when its rest is not finite', async () => {
    const bad = join(folder, 'bad.safetensors');
    const bytes = weights.slice();
    new DataView(bytes.buffer).setFloat32(bytes.length - 4096, Number.NaN, true);
    writeFileSync(bad, bytes);
    const { model, first } = await loadEarly(bad);
    const expected = { code: 'bad_weights', message: expect.stringMatching(/NaN or infinity/) };
    await expect(first).rejects.toMatchObject(expected);
    await expect(model.embed(face)).rejects.toMatchObject(expected);
    await expect(model.embedBatch(others)).rejects.toMatchObject(expected);
    model.dispose();
    await expect(loadModel(bad, { onProgress: () => undefined })).rejects.toMatchObject(expected);
  });

  it('refuses every call when it shrinks while it is read', async () => {
    const shrinking = join(folder, 'shrinking.safetensors');
    writeFileSync(shrinking, weights);
    const model = await loadModel(shrinking);
    const file = await open(shrinking, 'r+');
    await file.truncate(weights.length - 8 * 1024 * 1024);
    await file.close();
    const message = expect.stringMatching(
      /it changed while it was read \(.*truncated\); load it again/,
    );
    for (let call = 0; call < 2; call++) {
      await expect(model.embed(face)).rejects.toMatchObject({ code: 'bad_weights', message });
    }
    model.dispose();
  });

  /** A file of its own whose bytes from 24 MB on are those of `other` when reading gets there. */
  function overwritten(other: Uint8Array): string {
    const changing = join(folder, 'changing.safetensors');
    writeFileSync(changing, weights);
    // A clock of files may stand still for some ms.
    utimesSync(changing, 1_000_000, 1_000_000);
    const { openFile } = nodePlatform;
    let isOver = false;
    vi.spyOn(nodePlatform, 'openFile').mockImplementation(async (from) => {
      const source = await openFile?.(from);
      if (!source) throw new Error('no files here');
      const read = async (into: Uint8Array, position: number): Promise<number> => {
        if (position >= CHANGED && !isOver) {
          isOver = true;
          const file = openSync(changing, 'r+');
          writeSync(file, other, CHANGED, other.length - CHANGED, CHANGED);
          closeSync(file);
        }
        return source.read(into, position);
      };
      return { ...source, read };
    });
    return changing;
  }
  const CHANGED = 24 * 1024 * 1024;
  const changed = {
    code: 'bad_weights',
    message: expect.stringMatching(/changed while it was read/),
  };

  it.each([
    ['other weights of the same length', () => synthWeights(synthesize('r18', 2))],
    ['what is not finite', () => weights.slice().fill(0xff, CHANGED)],
  ])('refuses every call when it is overwritten in place with %s', async (_, other) => {
    const { model, first } = await loadEarly(overwritten(other()));
    await expect(first).rejects.toMatchObject(changed);
    await expect(model.embed(face)).rejects.toMatchObject(changed);
    await expect(model.embedBatch(others)).rejects.toMatchObject(changed);
    model.dispose();
  });

  it('is refused when it is overwritten while it is read at once', async () => {
    const path = overwritten(synthWeights(synthesize('r18', 2)));
    await expect(loadModel(path, { onProgress: () => undefined })).rejects.toMatchObject(changed);
  });

  it('stays what it was when another takes its name meanwhile', async () => {
    const replaced = join(folder, 'replaced.safetensors');
    writeFileSync(replaced, weights);
    const { model, first } = await loadEarly(replaced);
    writeFileSync(join(folder, 'new.safetensors'), synthWeights(synthesize('r18', 2)));
    renameSync(join(folder, 'new.safetensors'), replaced);
    const whole = await loadModel(weights);
    expect(bitsOf(await first)).toEqual(bitsOf(await whole.embed(face)));
    for (const each of [model, whole]) each.dispose();
  });

  it('refuses every call when it can no longer be read', async () => {
    const { openFile } = nodePlatform;
    vi.spyOn(nodePlatform, 'openFile').mockImplementation(async (from) => {
      const source = await openFile?.(from);
      if (!source) throw new Error('no files here');
      const read = async (into: Uint8Array, position: number): Promise<number> => {
        if (position > 16 * 1024 * 1024) throw new Error('the disk is gone');
        return source.read(into, position);
      };
      return { ...source, read };
    });
    const { model, first } = await loadEarly();
    const expected = { code: 'io', message: expect.stringMatching(/disk is gone.*load it again/) };
    await expect(first).rejects.toMatchObject(expected);
    await expect(model.embedBatch(others)).rejects.toMatchObject(expected);
    model.dispose();
  });

  it('is let go of when the model is disposed meanwhile', async () => {
    const { openFile } = nodePlatform;
    let closed = 0;
    vi.spyOn(nodePlatform, 'openFile').mockImplementation(async (from) => {
      const source = await openFile?.(from);
      if (!source) throw new Error('no files here');
      return { ...source, close: () => source.close().finally(() => closed++) };
    });
    const { model, first } = await loadEarly();
    model.dispose();
    await expect(first).rejects.toMatchObject({ code: 'closed' });
    await expect(model.embed(face)).rejects.toMatchObject({ code: 'closed' });
    await vi.waitFor(() => expect(closed).toBe(1));
  });
});

describe('Arrival', () => {
  const turn = async (): Promise<void> => undefined;
  const soon = () => new Promise((resolve) => setTimeout(resolve));

  /** An arrival whose reads and faults the test makes. */
  function arriving() {
    const checked: number[] = [];
    let tell: (bytes: number) => void = () => undefined;
    let finish: () => void = () => undefined;
    let bad = Number.POSITIVE_INFINITY;
    const check = (bytes: number): void => {
      if (bytes > bad) throw new Error(`bad after ${bad}`);
      checked.push(bytes);
    };
    const arrival = new Arrival(turn, Promise.resolve(check), (onRead) => {
      tell = onRead;
      return new Promise((resolve) => {
        finish = resolve;
      });
    });
    const spoil = (after: number): void => {
      bad = after;
    };
    return { arrival, checked, spoil, tell: (bytes: number) => tell(bytes), end: () => finish() };
  }

  it('serves who waits as bytes are read, and checks so many first', async () => {
    const { arrival, checked, tell, end } = arriving();
    await arrival.upTo(0);
    const served: number[] = [];
    for (const bytes of [10, 20, 30]) arrival.upTo(bytes).then(() => served.push(bytes));
    tell(20);
    await soon();
    expect(served).toEqual([10, 20]);
    expect(checked).toEqual([0, 10, 20]);
    tell(30);
    end();
    await arrival.all();
    expect(served).toEqual([10, 20, 30]);
    expect(checked).toEqual([0, 10, 20, 30, 30]);
  });

  it('tells who needs bad bytes, each time, and nobody else', async () => {
    const { arrival, spoil, tell, end } = arriving();
    spoil(10);
    tell(30);
    end();
    await arrival.upTo(10);
    for (let time = 0; time < 2; time++) await expect(arrival.upTo(20)).rejects.toThrow('bad');
    await expect(arrival.all()).rejects.toThrow('bad after 10');
    await arrival.read;
  });

  it('tells at once who waits for bytes that never come that it was stopped', async () => {
    const fault = new Error('closed');
    const unchecked = Promise.resolve(() => undefined);
    const arrival = new Arrival(turn, unchecked, () => new Promise(() => undefined));
    const waiting = arrival.upTo(8);
    arrival.stop(fault);
    await expect(waiting).rejects.toBe(fault);
  });

  it('gives nothing more once it is stopped, whatever was read', async () => {
    const { arrival, tell, end } = arriving();
    tell(30);
    end();
    await arrival.upTo(20);
    const fault = new Error('closed');
    arrival.stop(fault);
    await expect(arrival.upTo(20)).rejects.toBe(fault);
    await expect(arrival.all()).rejects.toBe(fault);
  });

  it('tells who waits, and who comes later, what stopped it', async () => {
    const fault = new Error('no more');
    let tell: (bytes: number) => void = () => undefined;
    const unchecked = Promise.resolve(() => undefined);
    const arrival = new Arrival(turn, unchecked, async (onRead) => {
      tell = onRead;
      await new Promise((resolve) => setTimeout(resolve, 5));
      onRead(8);
    });
    const waiting = arrival.upTo(8);
    arrival.stop(fault);
    await expect(waiting).rejects.toBe(fault);
    await expect(arrival.read).rejects.toBe(fault);
    await expect(arrival.upTo(16)).rejects.toBe(fault);
    await expect(arrival.all()).rejects.toBe(fault);
    expect(() => tell(16)).toThrow(fault);
  });

  it('knows from the header how far each operator needs the file', () => {
    const header = parseWeightsHeader(readFileSync(path));
    const needed = bytesNeeded(header);
    const ops = header.network.ops.filter(({ name }) => needed.has(name));
    const ends = ops.map(({ name }) => needed.get(name) as number);
    expect(ends).toEqual([...ends].sort((a, b) => a - b));
    expect(ends.at(-1)).toBe(header.dataBytes);
    expect(ops.filter(({ op }) => op === 'conv' || op === 'fc')).toHaveLength(
      header.network.ops.filter(({ op }) => op === 'conv' || op === 'fc').length,
    );
  });
});
