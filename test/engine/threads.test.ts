/** On the built package: a worker's program is a file of its own. */

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadModel } from '../../dist/entries/node.js';
import { nodePlatform } from '../../dist/runtime/node.js';
import type { ToWorker } from '../../src/engine/worker-protocol.ts';
import type { WorkerHandle } from '../../src/runtime/platform.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import {
  bitsOf,
  IR_TINY,
  irTinyWeights,
  noiseFace,
  synthWeights,
} from '../support/engine-files.ts';
import { tinyModel } from '../support/synth-graph.ts';

const fixtureAbsent = !existsSync(IR_TINY);
if (fixtureAbsent) console.warn(`skipped: ${IR_TINY} is absent`);
const tiny = synthWeights(tinyModel());
const faces = [1, 2, 3, 4, 5].map(noiseFace);
const [face] = faces as [ReturnType<typeof noiseFace>];

async function embedTiny(threads: number): Promise<number[]> {
  const model = await loadModel(tiny, { threads });
  const bits = bitsOf(await model.embed(face));
  model.dispose();
  return bits;
}

const networks: [string, () => Uint8Array][] = [
  ['mobilefacenet', () => synthWeights(synthesize('mobilefacenet', 1))],
  ['r18, by Winograd', () => synthWeights(synthesize('r18', 1))],
];
if (!fixtureAbsent) networks.push(['ir-tiny', irTinyWeights]);

describe('threads', () => {
  it.each(networks)(
    '1, 2, 3 and 4 give the same bits, alone and in a batch: %s',
    async (_, make) => {
      const weights = make();
      const one = await loadModel(weights);
      const expected = (await one.embedBatch(faces)).map(bitsOf);
      for (const threads of [2, 3, 4]) {
        const model = await loadModel(weights, { threads });
        expect(model.info).toMatchObject({ threads });
        const singles = await Promise.all(faces.map((each) => model.embed(each)));
        expect([threads, ...singles.map(bitsOf)]).toEqual([threads, ...expected]);
        const batch = await model.embedBatch(faces);
        expect([threads, ...batch.map(bitsOf)]).toEqual([threads, ...expected]);
        model.dispose();
      }
    },
  );

  it('are as many as processors when asked for auto, and no more than a container may use', async () => {
    const model = await loadModel(tiny, { threads: 'auto' });
    expect(model.info.threads).toBe(Math.min(64, nodePlatform.cores()));
    expect(model.info.threads).toBeLessThanOrEqual(availableParallelism());
    expect(model.info.reason).toBeUndefined();
    model.dispose();
  });

  it.each([
    [64, 2, '64 threads share 2 processors: fewer are faster'],
    [3, 1, '3 threads share one processor: fewer are faster'],
    [2, 2, undefined],
    [2, 8, undefined],
  ])(
    'are %i on %i processors when asked for, and say what that means',
    async (threads, cores, reason) => {
      vi.spyOn(nodePlatform, 'cores').mockReturnValue(cores);
      const model = await loadModel(tiny, { threads });
      vi.restoreAllMocks();
      expect(model.info).toMatchObject({ threads, reason });
      model.dispose();
    },
  );

  it('are no more than 64, with the reason, however many processors there are', async () => {
    vi.spyOn(nodePlatform, 'cores').mockReturnValue(192);
    const model = await loadModel(tiny, { threads: 'auto' });
    vi.restoreAllMocks();
    expect(model.info).toMatchObject({
      threads: 64,
      reason: '64 threads instead of 192: the most',
    });
    model.dispose();
  });

  it('measure layers as one thread does', async () => {
    const model = await loadModel(tiny, { threads: 2 });
    await model.embed(face, { profile: true });
    expect(model.profile?.length).toBe(model.plan().layers.length);
    model.dispose();
  });

  it('leave a waiting call at once when its signal fires', async () => {
    const model = await loadModel(tiny, { threads: 2 });
    const controller = new AbortController();
    const ended: string[] = [];
    const running = model.embed(face).then(() => ended.push('running'));
    const waiting = model.embed(face, { signal: controller.signal }).catch((error) => {
      ended.push(error.code);
    });
    controller.abort();
    await Promise.all([running, waiting]);
    expect(ended).toEqual(['aborted', 'running']);
    expect(bitsOf(await model.embed(face))).toEqual(await embedTiny(1));
    model.dispose();
  });

  it('are one, with the reason, where memory cannot be shared', async () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    const model = await loadModel(tiny, { threads: 3 });
    vi.unstubAllGlobals();
    expect(model.info.threads).toBe(1);
    expect(model.info.reason).toMatch(/^one thread instead of 3: SharedArrayBuffer/);
    expect(bitsOf(await model.embed(face))).toEqual(await embedTiny(1));
  });

  it('let the process end by itself, without dispose', () => {
    const ended = runAlone(`
      await model.embed(face);
      console.log((await model.embed(face)).length);`);
    expect(ended).toMatchObject({ status: 0, stdout: '16\n', stderr: '' });
  });

  it.each([
    ['throws during a run', 'run', 1],
    ['throws during a run that it leads', 'run', 0],
    ['throws while another starts', 'start', 0],
  ])('keep the process until a call is done that follows one whose worker %s', (_, on, thread) => {
    const ended = runAlone(`
      const spawn = nodePlatform.spawnWorker;
      let count = 0;
      nodePlatform.spawnWorker = async () => {
        const worker = await spawn();
        const isBad = count++ === ${thread};
        const post = (message) =>
          worker.post(isBad && message.type === '${on}' ? { type: 'run' } : message);
        return { ...worker, post };
      };
      await model.embed(face).catch((error) => console.log(error.code));
      console.log((await model.embed(face)).length);`);
    expect(ended).toMatchObject({ status: 0, stdout: 'worker_died\n16\n', stderr: '' });
  });
});

/** A process of its own that has a `model` of two threads and a `face`; it ends by itself. */
function runAlone(program: string): SpawnSyncReturns<string> {
  const folder = mkdtempSync(join(tmpdir(), 'arcface-threads-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'tiny.safetensors');
  writeFileSync(path, tiny);
  const url = (file: string): string => JSON.stringify(pathToFileURL(file).href);
  const given = `
    import { loadModel } from ${url('dist/entries/node.js')};
    import { nodePlatform } from ${url('dist/runtime/node.js')};
    const model = await loadModel(${JSON.stringify(path)}, { threads: 2 });
    const face = { data: new Uint8Array(112 * 112 * 3), width: 112, height: 112, channels: 'rgb' };`;
  const options = { encoding: 'utf8', timeout: 20_000 } as const;
  return spawnSync(process.execPath, ['--input-type=module', '-e', given + program], options);
}

describe('a worker that fails', () => {
  /** All workers of the pool, and what happens instead of the next message of a type. */
  let workers: WorkerHandle[] = [];
  let fault: { on: ToWorker['type']; thread: number; act(worker: WorkerHandle): void } | undefined;
  const spawn = nodePlatform.spawnWorker as () => Promise<WorkerHandle>;

  beforeEach(() => {
    workers = [];
    vi.spyOn(nodePlatform, 'spawnWorker').mockImplementation(async () => {
      const worker = await spawn();
      const thread = workers.push(worker) - 1;
      const post = (message: unknown): void => {
        const hit = fault?.on === (message as ToWorker).type && fault.thread === thread;
        const act = hit ? fault?.act : undefined;
        if (act) fault = undefined;
        if (act) act(worker);
        else worker.post(message);
      };
      return { ...worker, post };
    });
  });
  afterEach(() => {
    fault = undefined;
    vi.restoreAllMocks();
  });

  const end = (worker: WorkerHandle): void => void worker.terminate();
  /** The worker's program throws on what it does not know. */
  const confuse = (worker: WorkerHandle): void => worker.post({ type: 'run' });

  it.each([
    ['ends while the others wait for it', 'run', 1, end],
    ['ends while it leads', 'run', 0, end],
    ['throws during a run', 'run', 2, confuse],
    ['ends before it is ready', 'start', 1, end],
    ['throws before it is ready', 'start', 2, confuse],
  ] as const)('fails the call when it %s, and later calls work', async (_, on, thread, act) => {
    const model = await loadModel(tiny, { threads: 3 });
    fault = { on, thread, act };
    const failing = model.embed(face);
    const waiting = model.embed(face);
    await expect(failing).rejects.toMatchObject({ code: 'worker_died' });
    expect(bitsOf(await waiting)).toEqual(await embedTiny(1));
    model.dispose();
  });

  it('says once that it ended, with its error', async () => {
    const worker = await spawn();
    const ends: (string | undefined)[] = [];
    const gone = new Promise<void>((resolve) => {
      worker.onEnd((error) => {
        ends.push(error?.name);
        setTimeout(resolve, 20);
      });
    });
    worker.post({ type: 'run' });
    await gone;
    expect(ends).toEqual(['TypeError']);
  });

  it('is replaced when it ended between calls', async () => {
    const model = await loadModel(tiny, { threads: 2 });
    const before = bitsOf(await model.embed(face));
    await workers[1]?.terminate();
    expect(bitsOf(await model.embed(face))).toEqual(before);
    expect(workers).toHaveLength(4);
    model.dispose();
  });

  it('fails the call when it cannot be started at all, and later calls work', async () => {
    const model = await loadModel(tiny, { threads: 2 });
    vi.spyOn(nodePlatform, 'spawnWorker').mockRejectedValueOnce(new Error('no more threads'));
    await expect(model.embed(face)).rejects.toMatchObject({
      code: 'worker_died',
      message: expect.stringContaining('no more threads'),
    });
    expect(bitsOf(await model.embed(face))).toEqual(await embedTiny(1));
    model.dispose();
  });

  it.each(['start', 'run'] as const)('because of dispose at %s rejects with closed', async (on) => {
    const model = await loadModel(tiny, { threads: 2 });
    fault = { on, thread: 1, act: () => model.dispose() };
    const running = model.embed(face);
    const waiting = model.embed(face);
    await expect(running).rejects.toMatchObject({ code: 'closed' });
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    await expect(model.embed(face)).rejects.toMatchObject({ code: 'closed' });
  });
});
