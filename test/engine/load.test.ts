import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LoadOptions, LoadProgress } from '../../src/engine/options.ts';
import { loadModel } from '../../src/index.ts';
import type { ModelSource } from '../../src/runtime/source.ts';
import {
  bitsOf,
  IR_TINY,
  irTinyWeights,
  largestDifference,
  noiseFace,
  npyFloats,
  synthWeights,
} from '../support/engine-files.ts';
import { tinyModel } from '../support/synth-graph.ts';

const folder = mkdtempSync(join(tmpdir(), 'arcface-load-'));
const path = join(folder, 'tiny.safetensors');
const weights = synthWeights(tinyModel());
const integrity = `sha256-${createHash('sha256').update(weights).digest('base64')}`;
const face = noiseFace(3);

const kernels = new URL('../../dist/wasm/simd.wasm', import.meta.url);

let server: Server;
let origin: string;
/** When the answer of '/stalled' is closed from outside. */
let stalled: Promise<string>;
beforeAll(async () => {
  writeFileSync(path, weights);
  server = createServer((request, response) => {
    if (request.url === '/weights') {
      response.setHeader('content-length', weights.length);
      response.end(weights);
    } else if (request.url === '/chunked') {
      response.write(weights.subarray(0, 1000));
      response.end(weights.subarray(1000));
    } else if (request.url === '/page') {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>Sign in</title>');
    } else if (request.url === '/cut') {
      response.setHeader('content-length', weights.length);
      response.write(weights.subarray(0, 5000), () => response.destroy());
    } else if (request.url === '/stalled') {
      response.setHeader('content-length', weights.length);
      response.write(weights.subarray(0, 5000));
      stalled = new Promise((resolve) => response.once('close', () => resolve('closed')));
    } else if (request.url === '/simd.wasm') {
      response.end(readFileSync(kernels));
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function streamOf(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  const source = pieces(bytes, size);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

/** The weights in an array that is no `instanceof Uint8Array` here, as from a frame or a `vm`. */
function foreign(): Uint8Array {
  const array = runInNewContext(`new Uint8Array(${weights.length})`) as Uint8Array;
  array.set(weights);
  return array;
}

/** Starts as `weights` do and never goes on. */
function stalling(bytes = weights.subarray(0, 5000)): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(bytes) });
}

async function embedFrom(source: ModelSource, options?: LoadOptions): Promise<number[]> {
  const model = await loadModel(source, options);
  const embedding = await model.embed(face);
  model.dispose();
  return bitsOf(embedding);
}

const sources: [string, () => ModelSource | Promise<ModelSource>][] = [
  ['a path', () => path],
  ['a file: URL', () => pathToFileURL(path)],
  ['a file: URL as text', () => pathToFileURL(path).href],
  ['an http: URL', () => new URL(`${origin}/weights`)],
  ['an http: URL as text', () => `${origin}/weights`],
  ['an http: URL without a length', () => `${origin}/chunked`],
  ['a Response', () => fetch(`${origin}/weights`)],
  ['a Blob', () => new Blob([weights])],
  ['an ArrayBuffer', () => weights.slice().buffer],
  ['a Uint8Array', () => weights],
  ['a Uint8Array inside a larger buffer', () => new Uint8Array([1, ...weights, 2]).subarray(1, -1)],
  ['a ReadableStream', () => streamOf(weights, 777)],
  ['an ArrayBuffer of another realm', () => foreign().buffer as ArrayBuffer],
  ['a Uint8Array of another realm', () => foreign()],
  ['an AsyncIterable of another realm', () => pieces(foreign(), 5000)],
  ['an AsyncIterable', () => pieces(weights, 1)],
  ['an AsyncIterable of one piece', () => pieces(weights, weights.length)],
];

const fixtureAbsent = !existsSync(IR_TINY);
if (fixtureAbsent) console.warn(`skipped: ${IR_TINY} is absent`);

describe('loadModel', () => {
  it.each(sources)('gives the same bits from %s', async (_, open) => {
    expect(await embedFrom(await open())).toEqual(await embedFrom(weights));
  });

  it.skipIf(fixtureAbsent)('gives the embedding of ir-tiny within 1e-5', async () => {
    const data = npyFloats(`${IR_TINY}/input.npy`);
    const model = await loadModel(irTinyWeights());
    const embedding = await model.embed({ data, layout: 'nchw', channels: 'rgb' });
    expect(largestDifference(embedding, npyFloats(`${IR_TINY}/fc1.npy`))).toBeLessThanOrEqual(1e-5);
  });

  it('describes what was loaded', async () => {
    const { info } = await loadModel(weights);
    expect(info).toMatchObject({ dtype: 'f32', isa: 'simd', threads: 1, reason: undefined });
    expect(info.contract).toMatch(/^arcface-wasm\/1:/);
    expect(info.weightsBytes).toBeLessThan(weights.length);
    expect(info.arenaBytes).toBeGreaterThanOrEqual(112 * 112 * 4 * 4);
  });

  it('reports progress up to the last byte, with the total where it is known', async () => {
    const seen: LoadProgress[] = [];
    const onProgress = (progress: LoadProgress): void => void seen.push(progress);
    await loadModel(path, { onProgress });
    expect(seen.at(-1)).toEqual({ loaded: weights.length, total: weights.length, source: 'file' });
    await loadModel(pieces(weights, 5000), { onProgress });
    expect(seen.at(-1)).toEqual({ loaded: weights.length, total: undefined, source: 'stream' });
    for (const { loaded } of seen) expect(loaded).toBeGreaterThan(0);
  });

  it('accepts the right SHA-256 and refuses another', async () => {
    expect(await embedFrom(path, { integrity })).toEqual(await embedFrom(path));
    const other = `sha256-${createHash('sha256').update('other').digest('base64')}`;
    await expect(loadModel(path, { integrity: other })).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringContaining(integrity),
    });
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 5],
    ['an array', [1]],
    ['a symbol', Symbol('weights')],
    ['an object without a prototype', Object.create(null)],
    [
      'an iterable of text',
      (async function* () {
        yield 'text';
      })(),
    ],
  ])('refuses %s as a source', async (_, source) => {
    await expect(loadModel(source as ModelSource)).rejects.toMatchObject({ code: 'bad_argument' });
  });

  it.each<[string, unknown]>([
    ['no object', null],
    ['a symbol', Symbol('options')],
    ['threads 0', { threads: 0 }],
    ['threads -1', { threads: -1 }],
    ['threads 1.5', { threads: 1.5 }],
    ['threads 10000', { threads: 10_000 }],
    ['threads NaN', { threads: Number.NaN }],
    ['threads as text', { threads: '2' }],
    ['an unknown isa', { isa: 'avx' }],
    ['a short hash', { integrity: 'sha256-abc' }],
    ['another hash', { integrity: integrity.replace('256', '512') }],
    ['progress that is no function', { onProgress: true }],
    ['a signal that is none', { signal: {} }],
    ['a symbol as their value', { threads: Symbol('2') }],
    ['a symbol as hash', { integrity: Symbol('sha256') }],
    ['a hash without a prototype', { integrity: Object.create(null) }],
    ['a signal without a prototype', { signal: Object.create(null) }],
    ['kernels that are no module', { wasm: new Uint8Array([1, 2, 3]) }],
    ['a module that is not ours', { wasm: new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]) }],
  ])('refuses options with %s', async (_, options) => {
    const loading = loadModel(path, options as LoadOptions);
    await expect(loading).rejects.toMatchObject({
      code: 'bad_argument',
      message: expect.stringMatching(/^loadModel: options.*expected|cannot be compiled/),
    });
  });

  it.each<[string, () => ModelSource, string, RegExp]>([
    ['a file that does not exist', () => join(folder, 'none'), 'io', /none.*cannot be read/],
    ['a folder', () => folder, 'io', /cannot be read/],
    ['an address that answers 404', () => `${origin}/none`, 'io', /HTTP status 404/],
    ['an address where nobody listens', () => 'http://127.0.0.1:9/x', 'io', /cannot be fetched/],
    ['a page instead of weights', () => `${origin}/page`, 'bad_weights', /a web page/],
    ['a connection that is cut', () => `${origin}/cut`, 'io', /reading failed after \d+ bytes/],
    ['a stream that somebody else reads', () => lockedStream(), 'io', /reading failed/],
    ['a stream that fails with a symbol', () => failing(Symbol('why')), 'io', /Symbol\(why\)/],
    ['a stream that fails with no prototype', () => failing(Object.create(null)), 'io', /no keys/],
  ])('refuses %s', async (_, open, code, message) => {
    await expect(loadModel(open())).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it.each<[string, () => ModelSource]>([
    ['a stream that stalls', () => stalling()],
    ['an address that stalls', () => `${origin}/stalled`],
    ['an iterable that stalls', () => stalling() as AsyncIterable<Uint8Array>],
  ])(
    'ends at once when aborted while it waits for %s',
    async (_, open) => {
      const controller = new AbortController();
      const loading = loadModel(open(), { signal: controller.signal });
      setTimeout(() => controller.abort(), 50);
      await expect(loading).rejects.toMatchObject({ code: 'aborted' });
    },
    5000,
  );

  it('ends the transfer of a Response when aborted while it stalls', async () => {
    const controller = new AbortController();
    const response = await fetch(`${origin}/stalled`);
    const loading = loadModel(response, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(loading).rejects.toMatchObject({ code: 'aborted' });
    expect(await stalled).toBe('closed');
  }, 5000);

  it('cancels a stream when aborted while it stalls', async () => {
    const cancel = vi.fn();
    const start = (c: ReadableStreamDefaultController) => c.enqueue(weights.subarray(0, 5000));
    const controller = new AbortController();
    const loading = loadModel(new ReadableStream({ start, cancel }), { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(loading).rejects.toMatchObject({ code: 'aborted' });
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it.each([1000, weights.length * 2])(
    'takes a length of %i that the network states for progress, not for the size of the file',
    async (length) => {
      const seen: LoadProgress[] = [];
      const response = new Response(weights, { headers: { 'content-length': String(length) } });
      const onProgress = (progress: LoadProgress): void => void seen.push(progress);
      expect(await embedFrom(response, { onProgress })).toEqual(await embedFrom(weights));
      expect(seen[0]).toEqual({ loaded: 8, total: length, source: 'network' });
      const total = length < weights.length ? undefined : length;
      expect(seen.at(-1)).toEqual({ loaded: weights.length, total, source: 'network' });
    },
  );

  it('takes kernels from bytes, a module and from file: and http: URLs', async () => {
    const expected = await embedFrom(weights);
    const bytes = readFileSync(kernels);
    const given = [bytes, new WebAssembly.Module(bytes), kernels, new URL(`${origin}/simd.wasm`)];
    for (const wasm of given) expect(await embedFrom(weights, { wasm })).toEqual(expected);
  });

  it.each([
    ['a file that does not exist', () => new URL('none.wasm', kernels), 'io', /none.wasm.*read/],
    ['an address that answers 404', () => new URL(`${origin}/none`), 'io', /HTTP status 404/],
    ['a page', () => new URL(`${origin}/page`), 'bad_argument', /page" cannot be compiled/],
    ['a connection that is cut', () => new URL(`${origin}/cut`), 'io', /options.wasm: .* be read/],
  ])('refuses kernels from %s', async (_, url, code, message) => {
    const loading = loadModel(weights, { wasm: url() });
    await expect(loading).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('ends at once when aborted while kernels stall, and closes their transfer', async () => {
    const controller = new AbortController();
    const wasm = new URL(`${origin}/stalled`);
    const loading = loadModel(weights, { wasm, signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(loading).rejects.toMatchObject({ code: 'aborted' });
    expect(await stalled).toBe('closed');
  }, 5000);

  it.each<[string, LoadOptions]>([
    ['as it is', {}],
    ['with threads', { threads: 2 }],
    ['with kernels as bytes', { wasm: new Uint8Array(8) }],
    ['with kernels from an address', { wasm: kernels }],
  ])('says unsupported_runtime where there is no WebAssembly: %s', async (_, options) => {
    vi.stubGlobal('WebAssembly', undefined);
    const loading = loadModel(path, options).finally(() => vi.unstubAllGlobals());
    await expect(loading).rejects.toMatchObject({
      code: 'unsupported_runtime',
      message: expect.stringContaining('no WebAssembly'),
    });
  });

  it('reads nothing when the signal fired before', async () => {
    const signal = AbortSignal.abort();
    for (const source of [path, weights, `${origin}/weights`]) {
      await expect(loadModel(source, { signal })).rejects.toMatchObject({ code: 'aborted' });
    }
  });

  it.each<[string, () => unknown, string, RegExp]>([
    [
      'an iterable that throws',
      () => iterable(throwing),
      'io',
      /failed after \d+ bytes \(no more\)/,
    ],
    ['an iterable without an iterator', () => iterable(() => undefined), 'io', /reading failed/],
    [
      'an iterable whose iterator throws',
      () => iterable(raise),
      'bad_argument',
      /failed \(no more\)/,
    ],
    [
      'an iterable of no results',
      () => iterable(() => ({ next: async () => 5 })),
      'bad_argument',
      /chunks of Uint8Array, got undefined/,
    ],
    ['an iterable whose next throws', () => iterable(() => ({ next: raise })), 'io', /\(no more\)/],
    ['a Response that was read', read, 'bad_argument', /was read before; fetch it again, or give/],
    ['a Response whose body is being read', locked, 'io', /reading failed/],
    ['a Response of an error', () => Response.error(), 'io', /HTTP status 0/],
    ['a path with a zero in it', () => 'a\0b', 'io', /cannot be read/],
    ['a very long path', () => 'x'.repeat(1e6), 'io', /^.{0,1200}$/],
    ['a detached buffer', detached, 'bad_argument', /source: failed .*detached/],
    ['a named pipe', pipe, 'io', /not a file; give a stream of what it holds/],
    ['a device', () => '/dev/zero', 'io', /not a file/],
  ])('refuses %s', async (_, make, code, message) => {
    await expect(loadModel((await make()) as ModelSource)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('takes bytes in shared memory, of a subclass, and in a buffer that may grow', async () => {
    const expected = await embedFrom(weights);
    const shared = new Uint8Array(new SharedArrayBuffer(weights.length));
    class Bytes extends Uint8Array {
      override get length(): number {
        return 7;
      }
      override subarray(): never {
        throw new Error('subarray');
      }
    }
    const growing = Reflect.construct(ArrayBuffer, [weights.length, { maxByteLength: 2 ** 26 }]);
    for (const bytes of [shared, new Bytes(weights.length), new Uint8Array(growing)]) {
      Uint8Array.prototype.set.call(bytes, weights);
      expect(await embedFrom(bytes)).toEqual(expected);
      const pieces = (async function* () {
        yield bytes;
      })();
      expect(await embedFrom(pieces)).toEqual(expected);
    }
  });

  it('says that bytes end early when their buffer shrinks while they are read', async () => {
    const buffer = Reflect.construct(ArrayBuffer, [weights.length, { maxByteLength: 2 ** 26 }]);
    new Uint8Array(buffer).set(weights);
    const loading = loadModel(new Uint8Array(buffer));
    buffer.resize(100);
    await expect(loading).rejects.toMatchObject({ code: 'bad_weights' });
  });

  it('hears a signal while an iterable gives pieces without end', async () => {
    const endless = (async function* () {
      for (;;) yield new Uint8Array(0);
    })();
    const loading = loadModel(endless, { signal: AbortSignal.timeout(20) });
    await expect(loading).rejects.toMatchObject({ code: 'aborted' });
  });

  const late = () =>
    new Promise<void>((_, reject) => setTimeout(() => reject(new Error('no')), 20));
  it.each<[string, () => unknown]>([
    ['throws', () => raise()],
    ['throws a symbol', () => raise(Symbol('no more'))],
    ['rejects', async () => raise()],
    ['rejects later than the last byte', late],
    [
      'gives what only looks like a promise',
      () => Object.defineProperty({}, 'then', { get: raise }),
    ],
  ])('refuses to go on where onProgress %s, and loses nothing', async (_, onProgress) => {
    for (const source of [path, weights, pieces(weights, 5000)]) {
      const loading = loadModel(source, { onProgress: onProgress as () => void });
      await expect(loading).rejects.toMatchObject({
        code: 'bad_argument',
        message: expect.stringMatching(/^loadModel: options.onProgress: it failed \(.*no/),
      });
    }
  });

  it('waits for the promises of onProgress, unless its signal fires', async () => {
    const seen: number[] = [];
    const onProgress = async ({ loaded }: LoadProgress): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      seen.push(loaded);
    };
    await loadModel(weights, { onProgress });
    expect(seen.at(-1)).toBe(weights.length);
    const never = () => new Promise<void>(() => undefined);
    const loading = loadModel(weights, { onProgress: never, signal: AbortSignal.timeout(20) });
    await expect(loading).rejects.toMatchObject({ code: 'aborted' });
  });

  it('says unsupported_runtime where kernels may not be compiled', async () => {
    vi.spyOn(WebAssembly, 'compile').mockRejectedValue(
      new WebAssembly.CompileError('refused by policy'),
    );
    await expect(loadModel(path)).rejects.toMatchObject({
      code: 'unsupported_runtime',
      message: expect.stringMatching(/refused by policy.*wasm-unsafe-eval.*options.wasm/),
    });
  });

  it('says out_of_memory where no memory can be had', async () => {
    const refuse = function refuse(): never {
      throw new RangeError('could not allocate memory');
    };
    vi.spyOn(WebAssembly, 'Memory').mockImplementation(refuse);
    await expect(loadModel(path)).rejects.toMatchObject({ code: 'out_of_memory' });
  });
});

function raise(thrown: unknown = new Error('no more')): never {
  throw thrown;
}

function iterable(iterator: () => unknown): object {
  return { [Symbol.asyncIterator]: iterator };
}

async function* throwing(): AsyncGenerator<Uint8Array> {
  yield weights.subarray(0, 100);
  raise();
}

async function read(): Promise<Response> {
  const response = new Response(weights);
  await response.arrayBuffer();
  return response;
}

function locked(): Response {
  const response = new Response(weights);
  response.body?.getReader();
  return response;
}

function detached(): Uint8Array {
  const bytes = weights.slice();
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function pipe(): string {
  const at = join(folder, 'pipe');
  if (!existsSync(at)) execFileSync('mkfifo', [at]);
  return at;
}

function failing(reason: unknown): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.error(reason) });
}

function lockedStream(): ReadableStream<Uint8Array> {
  const stream = streamOf(weights, 777);
  stream.getReader();
  return stream;
}
