/** The entry of each runtime: who gets which, what a bundler takes in, and that all give the same bits. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../dist/index.js';
import { bitsOf, noiseFace, synthWeights } from '../support/engine-files.ts';
import { tinyModel } from '../support/synth-graph.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const face = noiseFace(3);
const weights = synthWeights(tinyModel());
const simd = new WebAssembly.Module(
  readFileSync(new URL('../../dist/wasm/simd.wasm', import.meta.url)),
);

/** Whoever of the entries brings its kernels along. */
const WITH_KERNELS = ['browser', 'standalone'];
const WITHOUT_KERNELS = ['edge', 'bare'];

async function entry(name: string): Promise<{ loadModel: typeof loadModel }> {
  return import(new URL(`../../dist/${name}.js`, import.meta.url).href);
}

async function embeddingOf(load: typeof loadModel, options?: Parameters<typeof load>[1]) {
  const model = await load(weights, options);
  const embedding = await model.embed(face);
  await model.dispose();
  return bitsOf(embedding);
}

/** What a bundler for browsers makes of a program; the package's own name is resolved by its `exports`. */
async function bundled(program: string, conditions: string[] = []) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: root },
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    splitting: true,
    logLevel: 'silent',
    outdir: 'out',
    format: 'esm',
    platform: 'browser',
    conditions,
  });
  const files = outputFiles.map(({ path, text, contents }) => ({ path, text, contents }));
  return { files, inputs: Object.keys(metafile.inputs) };
}

function nodeImports(text: string): string[] {
  return text.match(/["']node:[^"']*["']/g) ?? [];
}

describe('an entry', () => {
  it.each(WITH_KERNELS)('%s gives the bits that Node gives', async (name) => {
    expect(await embeddingOf((await entry(name)).loadModel)).toEqual(await embeddingOf(loadModel));
  });

  it.each(WITHOUT_KERNELS)('%s gives the bits that Node gives, by a Module', async (name) => {
    const { loadModel: load } = await entry(name);
    expect(await embeddingOf(load, { wasm: simd })).toEqual(await embeddingOf(loadModel));
  });

  it.each(WITHOUT_KERNELS)('%s says what it needs before it reads a byte', async (name) => {
    const { loadModel: load } = await entry(name);
    const source = new ReadableStream<Uint8Array>();
    await expect(load(source)).rejects.toMatchObject({
      code: 'bad_argument',
      message: expect.stringMatching(
        /^loadModel: options\.wasm: expected a WebAssembly\.Module, got undefined/,
      ),
    });
    expect(source.locked).toBe(false);
  });

  it('standalone uses the simd kernels where others are asked for, and says so', async () => {
    const model = await (await entry('standalone')).loadModel(weights, { isa: 'relaxed' });
    expect(model.info.isa).toBe('simd');
    expect(model.info.reason).toMatch(/relaxed.*: the simd kernels are used$/);
  });

  it.each([...WITH_KERNELS, ...WITHOUT_KERNELS])(
    '%s bundles for a browser without Node',
    async (name) => {
      const { files } = await bundled(`export * from './dist/${name}.js'`);
      expect(files.flatMap(({ text }) => nodeImports(text))).toEqual([]);
    },
  );

  it('standalone is one file that imports nothing, not even when asked to', async () => {
    const { inputs } = await bundled("export * from './dist/standalone.js'");
    expect(inputs.sort()).toEqual(['<stdin>', 'dist/standalone.js']);
  });
});

describe("the package's exports", () => {
  const conditions = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).exports['.'];

  it('name types first, then the runtimes, each before what it would also take', () => {
    expect(Object.keys(conditions)).toEqual([
      'types',
      'workerd',
      'edge-light',
      'browser',
      'deno',
      'bun',
      'node',
      'default',
    ]);
  });

  it.each([
    ['browser', []],
    ['edge', ['workerd']],
    ['edge', ['edge-light']],
  ])('lead bundlers to %s by %j', async (name, given) => {
    const { files, inputs } = await bundled("export * from 'arcface-wasm'", given);
    expect(inputs).toContain(`dist/${name}.js`);
    expect(files.flatMap(({ text }) => nodeImports(text))).toEqual([]);
  });

  it('lead Node to its own entry', () => {
    expect(import.meta.resolve('arcface-wasm')).toBe(
      new URL('../../dist/index.js', import.meta.url).href,
    );
  });
});

/** Bytes of what `program` loads, with the chunks that match, as they are and compressed. */
async function sizeOf(program: string, chunks?: RegExp) {
  const { files } = await bundled(program);
  const loaded = files.filter(({ path }) => path.endsWith('stdin.js') || chunks?.test(path));
  const sum = (sizes: number[]) => sizes.reduce((a, b) => a + b, 0);
  return {
    files: loaded.length,
    bytes: sum(loaded.map(({ contents }) => contents.length)),
    gzip: sum(loaded.map(({ contents }) => gzipSync(contents).length)),
    text: loaded.map(({ text }) => text).join(''),
  };
}

describe('what a page loads', () => {
  it('is at most 115 kB, 43 kB compressed, for simd on one thread', async () => {
    const start = await sizeOf("export { loadModel } from 'arcface-wasm'", /simd-(?!threads)/);
    expect(start.files).toBe(2);
    expect(start.bytes).toBeLessThanOrEqual(115_000);
    expect(start.gzip).toBeLessThanOrEqual(43_000);
  });

  it('has neither engine nor kernels where it compares embeddings only', async () => {
    const { bytes, gzip, text } = await sizeOf("export { cosineSimilarity } from 'arcface-wasm'");
    expect(text).not.toMatch(/import\(|WebAssembly/);
    expect(bytes).toBeLessThanOrEqual(3_300);
    expect(gzip).toBeLessThanOrEqual(1_650);
  });
});
