/** `dispose` settles what is open at once, and memory comes back. On the built package where there are threads. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { loadModel } from '../../dist/entries/node.js';
import { nodePlatform } from '../../dist/runtime/node.js';
import type { WorkerHandle } from '../../src/runtime/platform.ts';
import { resNet, synthesize } from '../../src/synth/architectures.ts';
import { noiseFace, synthWeights } from '../support/engine-files.ts';
import { tinyModel } from '../support/synth-graph.ts';

const folder = mkdtempSync(join(tmpdir(), 'arcface-dispose-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const tiny = synthWeights(tinyModel());
const face = noiseFace(1);

/** Workers that were started, and how many of them are gone. */
function watchWorkers() {
  const spawn = nodePlatform.spawnWorker as () => Promise<WorkerHandle>;
  const counts = { started: 0, ended: 0 };
  vi.spyOn(nodePlatform, 'spawnWorker').mockImplementation(async () => {
    const worker = await spawn();
    counts.started += 1;
    worker.onEnd(() => {
      counts.ended += 1;
    });
    return worker;
  });
  return counts;
}

describe('dispose', () => {
  it.each([1, 2])('resolves when workers are gone; %i threads', async (threads) => {
    const workers = watchWorkers();
    const model = await loadModel(tiny, { threads });
    await model.embed(face);
    const first = model.dispose();
    const again = model.dispose();
    await expect(model.embed(face)).rejects.toMatchObject({ code: 'closed' });
    expect(await Promise.all([first, again])).toEqual([undefined, undefined]);
    expect(workers.started).toBe(threads === 1 ? 0 : threads);
    expect(workers.ended).toBe(workers.started);
  });

  it('ends workers that are still starting', async () => {
    const workers = watchWorkers();
    const model = await loadModel(tiny, { threads: 3 });
    const call = model.embed(face);
    await vi.waitFor(() => expect(workers.started).toBeGreaterThan(0), { interval: 1 });
    const disposed = model.dispose();
    await expect(call).rejects.toMatchObject({ code: 'closed' });
    await disposed;
    expect(workers.ended).toBe(workers.started);
  });

  it('settles calls that run and wait, a list among them, with and without threads', async () => {
    for (const threads of [1, 2]) {
      const model = await loadModel(tiny, { threads });
      const calls = [model.embed(face), model.embedBatch(Array(50).fill(face)), model.embed(face)];
      const disposed = model.dispose();
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'closed' });
      await disposed;
    }
  });

  it('belongs to both kinds of `using`', async () => {
    const kept: Awaited<ReturnType<typeof loadModel>>[] = [];
    const workers = watchWorkers();
    {
      using one = await loadModel(tiny);
      await using two = await loadModel(tiny, { threads: 2 });
      await two.embed(face);
      kept.push(one, two);
    }
    expect(workers).toEqual({ started: 2, ended: 2 });
    for (const model of kept) {
      await expect(model.embed(face)).rejects.toMatchObject({ code: 'closed' });
    }
  });
});

describe('dispose while a file stalls', () => {
  const path = join(folder, 'r18.safetensors');
  writeFileSync(path, synthWeights(synthesize('r18', 1)));

  it('settles every call at once', async () => {
    const { openFile } = nodePlatform;
    vi.spyOn(nodePlatform, 'openFile').mockImplementation(async (from) => {
      const source = await openFile?.(from);
      if (!source) throw new Error('no files here');
      const read = (into: Uint8Array, position: number): Promise<number> =>
        position > 4 * 1024 * 1024 ? new Promise(() => undefined) : source.read(into, position);
      return { ...source, read };
    });
    const model = await loadModel(path);
    const calls = [model.embed(face), model.embed(face), model.embedBatch([face, face])];
    await new Promise((resolve) => setTimeout(resolve, 50));
    const signal = AbortSignal.timeout(5);
    await expect(model.embed(face, { signal })).rejects.toMatchObject({ code: 'aborted' });
    const disposed = model.dispose();
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'closed' });
    await disposed;
    await expect(model.embed(face)).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('memory', () => {
  const path = join(folder, 'middle.safetensors');
  const spec = { units: [1, 1, 1, 1], channels: [32, 32, 64, 128, 256], embedding: 256 } as const;
  writeFileSync(path, synthWeights(resNet('middle', spec, 1)));

  /** RSS in MB: after the third of `cycles` loads, at the most after any, and at the end. */
  function cycle(threads: number, cycles: number, ...flags: string[]): number[] {
    const url = (file: string): string => JSON.stringify(pathToFileURL(file).href);
    const program = `
      import { loadModel } from ${url('dist/index.js')};
      const face = { data: new Uint8Array(112 * 112 * 3), width: 112, height: 112, channels: 'rgb' };
      const settle = () => new Promise((resolve) => setTimeout(resolve, 20));
      const rss = [];
      for (let i = 0; i < ${cycles}; i++) {
        const model = await loadModel(${JSON.stringify(path)}, { threads: ${threads} });
        await model.embed(face);
        await model.dispose();
        await settle();
        rss.push(process.memoryUsage.rss() / 1e6);
      }
      globalThis.gc?.();
      await settle();
      console.log(JSON.stringify([rss[2], Math.max(...rss), process.memoryUsage.rss() / 1e6]));`;
    const args = [...flags, '--input-type=module', '-e', program];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  }

  it.each([
    [1, []],
    [3, []],
    [1, ['--expose-gc']],
    [3, ['--expose-gc']],
  ])('is back within 10 % after 30 loads; %i threads, node %j', (threads, flags) => {
    const [early, most, last] = cycle(threads, 30, ...flags) as [number, number, number];
    expect(last).toBeLessThan(1.1 * early);
    // At no time are there more than one or two of them, each about 25 MB.
    expect(most).toBeLessThan(early + 80);
  });
});
