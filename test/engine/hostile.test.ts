/** Every error is an ArcfaceError, whatever is given, wherever it is given, however it behaves. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Model } from '../../src/engine/model.ts';
import { CHECK_KERNELS } from '../../src/engine/weights.ts';
import { isArcfaceError } from '../../src/errors.ts';
import { loadModel } from '../../src/index.ts';
import { bitsOf, noiseFace, synthWeights } from '../support/engine-files.ts';
import { HOSTILE_VALUES } from '../support/hostile-values.ts';
import { tinyModel } from '../support/synth-graph.ts';

const weights = synthWeights(tinyModel());
const face = noiseFace(1);
let model: Model;
beforeAll(async () => {
  model = await loadModel(weights);
});
afterAll(() => model.dispose());

type AnyCall = (...args: unknown[]) => unknown;

/** 'well' or the code; anything but an ArcfaceError is thrown on. */
async function endOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'well';
  } catch (error) {
    if (isArcfaceError(error)) return error.code;
    throw error;
  }
}

const load = loadModel as AnyCall;
const embed: AnyCall = (...args) => (model.embed as AnyCall).apply(model, args);
const embedBatch: AnyCall = (...args) => (model.embedBatch as AnyCall).apply(model, args);

/** An object whose property throws `thrown` when it is read. */
function raising(target: object, key: PropertyKey, thrown: unknown): object {
  return Object.defineProperty(target, key, {
    enumerable: true,
    get: () => {
      throw thrown;
    },
  });
}

const LOAD_OPTIONS = ['threads', 'isa', 'wasm', 'onProgress', 'signal', 'integrity', 'limits'];
const EMBED_OPTIONS = ['flip', 'normalize', 'profile', 'signal'];

describe('an argument that is', () => {
  it.each(HOSTILE_VALUES)('%s is refused with a coded error, or does no harm', async (_, make) => {
    const calls: (() => unknown)[] = [
      () => load(make()),
      () => load(weights, make()),
      () => embed(make()),
      () => embed(face, make()),
      () => embedBatch(make()),
      () => embedBatch([make()]),
      () => embedBatch([face, make()]),
      () => embedBatch(raising([face], 0, make())),
      () => embedBatch([face], make()),
      () => (model.plan as AnyCall)(make()),
      () => model.plan(make() as number),
      ...['macs', 'bytes'].map((key) => () => load(weights, { limits: { [key]: make() } })),
      ...LOAD_OPTIONS.flatMap((key) => [
        () => load(weights, { [key]: make() }),
        () => load(weights, raising({}, key, make())),
      ]),
      ...EMBED_OPTIONS.flatMap((key) => [
        () => embed(face, { [key]: make() }),
        () => embed(face, raising({}, key, make())),
      ]),
    ];
    for (const call of calls) await endOf(call);
    expect(await endOf(() => load(make()))).toMatch(/^(bad_argument|bad_weights|io)$/);
    expect(await endOf(() => embed(make()))).toBe('bad_picture');
    for (const key of [...EMBED_OPTIONS, 'unknown']) {
      expect(await endOf(() => embed(face, raising({}, key, make())))).toBe('bad_argument');
    }
    // The model is none the worse for it.
    expect(await model.embed(face)).toHaveLength(16);
  });
});

describe('options', () => {
  it.each<[object, RegExp]>([
    [{ normalise: true }, /^embed: options: there is no 'normalise'; did you mean normalize\?$/],
    [{ flipped: true }, /there is no 'flipped'; expected flip, normalize, profile, signal$/],
    [{ Flip: false }, /did you mean flip\?/],
    [{ abortSignal: null }, /there is no 'abortSignal'; expected flip/],
    [[true], /expected an object with flip, .* got an array of 1/],
    [Promise.resolve({}), /got a Promise \(is an `await` missing\?\)/],
    [new AbortController().signal, /expected an object with .*signal/],
    [new Map([['flip', true]]), /expected an object with flip/],
  ])('of embed: %o', async (options, message) => {
    await expect(embed(face, options)).rejects.toMatchObject({
      code: 'bad_argument',
      message: expect.stringMatching(message),
    });
    await expect(embedBatch([face], options)).rejects.toMatchObject({ code: 'bad_argument' });
  });

  it.each<[object, RegExp]>([
    [{ thread: 2 }, /^loadModel: options: there is no 'thread'; did you mean threads\?$/],
    [{ onprogress: () => undefined }, /did you mean onProgress\?/],
    [{ cache: true }, /there is no 'cache'; expected threads, isa, /],
    [{ limits: { mac: 1 } }, /^loadModel: options.limits: there is no 'mac'; did you mean macs\?$/],
    [{ limits: { macs: 0 } }, /options.limits.macs: expected a number above 0, or Infinity, got 0/],
    [{ limits: { bytes: Number.NaN } }, /options.limits.bytes: .*got NaN/],
    [{ limits: 5 }, /options.limits: expected an object with macs, bytes, got 5/],
  ])('of loadModel: %o', async (options, message) => {
    const loading = load(weights, options);
    await expect(loading).rejects.toMatchObject({
      code: 'bad_argument',
      message: expect.stringMatching(message),
    });
  });

  it('may be of a class, frozen, without a prototype, or undefined', async () => {
    class Options {
      get normalize() {
        return true;
      }
    }
    const expected = bitsOf(await model.embed(face, { normalize: true }));
    const bare = Object.assign(Object.create(null), { normalize: true });
    for (const options of [new Options(), Object.freeze({ normalize: true }), bare]) {
      expect(bitsOf((await embed(face, options)) as Float32Array)).toEqual(expected);
    }
    expect(await endOf(() => embed(face, undefined))).toBe('well');
    expect(await endOf(() => embed(face, { flip: undefined, signal: undefined }))).toBe('well');
  });
});

describe('a list of faces', () => {
  it('is read by index, whatever its own iterator gives, and once', async () => {
    class Endless extends Array {
      override *[Symbol.iterator](): Generator<unknown> {
        for (;;) yield face;
      }
    }
    const expected = bitsOf(await model.embed(face));
    const got = (await embedBatch(Endless.from([face, face]))) as Float32Array[];
    expect(got.map(bitsOf)).toEqual([expected, expected]);
  });

  it('that states more than it has is refused at the first that is missing', async () => {
    const long = new Proxy([face], {
      get: (target, key) => (key === 'length' ? 1e9 : Reflect.get(target, key)),
    });
    await expect(embedBatch(long)).rejects.toMatchObject({
      code: 'bad_picture',
      message: expect.stringMatching(/^faces\[1\]: expected .*got undefined/),
    });
    expect(await endOf(() => embedBatch({ length: Number.POSITIVE_INFINITY }))).toBe(
      'bad_argument',
    );
    expect(await endOf(() => embedBatch(new Array(2 ** 32 - 1)))).toBe('bad_picture');
  });

  it('of promises, and a promise of one, say that an await is missing', async () => {
    const missing = { message: expect.stringMatching(/is an `await` missing\?/) };
    await expect(embedBatch([Promise.resolve(face)])).rejects.toMatchObject(missing);
    await expect(embedBatch(Promise.resolve([face]))).rejects.toMatchObject(missing);
    await expect(embed(Promise.resolve(face))).rejects.toMatchObject(missing);
    await expect(load(fetch('data:,x'))).rejects.toMatchObject(missing);
  });

  it('may dispose the model while it is read', async () => {
    const own = await loadModel(weights);
    const list = Object.defineProperty([face], 0, {
      get: () => {
        own.dispose();
        return face;
      },
    });
    await expect(own.embedBatch(list)).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('a method without its model', () => {
  it.each(['embed', 'embedBatch', 'plan', 'dispose'] as const)('%s says so', async (name) => {
    const method = model[name] as AnyCall;
    for (const self of [undefined, {}, new Proxy(model, {})]) {
      const call = async (): Promise<unknown> => method.call(self, face);
      await expect(call()).rejects.toMatchObject({
        code: 'bad_argument',
        message: expect.stringContaining(
          `${name}: expected a call on a model, as in model.${name}(`,
        ),
      });
    }
  });
});

describe('kernels that are not ours', () => {
  it('end a call with a coded error when they trap', async () => {
    const names = [...new Set(model.plan().steps.map(({ kernel }) => kernel)), 'barrier'];
    const own = await loadModel(weights, { wasm: trapping(names) });
    await expect(own.embed(face)).rejects.toMatchObject({
      code: 'bad_argument',
      message: expect.stringMatching(/^embed: kernels: failed \(unreachable\)/),
    });
    own.dispose();
  });
});

/** A module with functions of these names that end in `unreachable`, and a count of 0. */
function trapping(names: readonly string[]): Uint8Array<ArrayBuffer> {
  const text = (value: string): number[] => [value.length, ...Buffer.from(value)];
  const section = (id: number, ...bytes: number[]): number[] => {
    const length = [(bytes.length & 127) | 128, bytes.length >> 7];
    return [id, ...length, ...bytes];
  };
  const exports = [...names, ...CHECK_KERNELS];
  return Uint8Array.from([
    ...[0, 97, 115, 109, 1, 0, 0, 0],
    ...section(1, 2, 0x60, 3, 127, 127, 127, 0, 0x60, 2, 127, 127, 1, 127),
    ...section(2, 1, ...text('env'), ...text('memory'), 2, 0, 1),
    ...section(3, exports.length, ...names.map(() => 0), ...CHECK_KERNELS.map(() => 1)),
    ...section(7, exports.length, ...exports.flatMap((name, i) => [...text(name), 0, i])),
    ...section(
      10,
      exports.length,
      ...names.flatMap(() => [3, 0, 0, 11]),
      ...CHECK_KERNELS.flatMap(() => [4, 0, 65, 0, 11]),
    ),
  ]);
}
