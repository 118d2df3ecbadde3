/** However many calls wait, the event loop has its turn between two runs, and signals are heard. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadModel } from '../../src/index.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import { bitsOf, noiseFace, synthWeights } from '../support/engine-files.ts';
import { LYING_SIGNALS } from '../support/lying-signals.ts';
import { tinyModel } from '../support/synth-graph.ts';

const tiny = synthWeights(tinyModel());
/** A run of it takes some ms. */
const small = synthWeights(synthesize('mobilefacenet', 1));
const face = noiseFace(1);

afterEach(() => {
  vi.restoreAllMocks();
});

/** How many of `calls` were done when a timer of `ms` fired. */
async function doneAtTimer(ms: number, calls: readonly Promise<unknown>[]): Promise<number> {
  let done = 0;
  for (const call of calls) call.then(() => done++);
  await new Promise((resolve) => setTimeout(resolve, ms));
  const atTimer = done;
  await Promise.all(calls);
  return atTimer;
}

describe('the event loop', () => {
  it('has a turn between two of 40 calls that overlap', async () => {
    await using model = await loadModel(small);
    await model.embed(face);
    const calls = Array.from({ length: 40 }, () => model.embed(face));
    expect(await doneAtTimer(5, calls)).toBeLessThan(20);
  });

  it('has a turn between two calls that await each other', async () => {
    await using model = await loadModel(small);
    await model.embed(face);
    const chain = async (): Promise<void> => {
      for (let i = 0; i < 40; i++) await model.embed(face);
    };
    let ended = false;
    const all = chain().then(() => {
      ended = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(ended).toBe(false);
    await all;
  });

  it('has a turn between two runs of a long list, and of two models', async () => {
    await using model = await loadModel(small);
    await using other = await loadModel(small);
    await model.embedBatch([face, face]);
    const lists = [model, other].map((each) => each.embedBatch(Array(48).fill(face)));
    let done = 0;
    for (const list of lists) list.then(() => done++);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(done).toBe(0);
    await Promise.all(lists);
  });

  it('is entered once per run, and not by runs alone: results are those of single calls', async () => {
    await using model = await loadModel(tiny);
    const faces = [1, 2, 3, 4].map(noiseFace);
    const alone = [];
    for (const each of faces) alone.push(bitsOf(await model.embed(each)));
    const together = await Promise.all(faces.map((each) => model.embed(each)));
    expect(together.map(bitsOf)).toEqual(alone);
  });
});

describe('a signal', () => {
  it('of 10 ms leaves none of 64 calls that had not begun', async () => {
    await using model = await loadModel(small);
    await model.embed(face);
    const signal = AbortSignal.timeout(10);
    const started = performance.now();
    const calls = Array.from({ length: 64 }, () =>
      model.embed(face, { signal }).then(
        () => 'done',
        ({ code }) => code,
      ),
    );
    const ends = await Promise.all(calls);
    const took = performance.now() - started;
    expect(ends.filter((end) => end === 'aborted').length).toBeGreaterThan(32);
    expect(new Set(ends)).toContain('aborted');
    // In order: once one is aborted, so are all that come after it.
    expect(ends.slice(ends.indexOf('aborted'))).not.toContain('done');
    // All 64 would take several times as long as those that ran.
    const alone = performance.now();
    await model.embed(face);
    expect(took).toBeLessThan(48 * Math.max(2, performance.now() - alone));
  });

  it('may be shared by thousands of calls without a warning, and holds nothing afterwards', async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error): void => void warnings.push(warning);
    process.on('warning', hear);
    await using model = await loadModel(tiny);
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    const options = { signal };
    const calls = Array.from({ length: 3000 }, () => model.embedBatch([], options));
    calls.push(model.embedBatch([face], options));
    await Promise.all(calls);
    await loadModel(tiny, options);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('warning', hear);
    expect(warnings).toEqual([]);
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
  });

  it.each(LYING_SIGNALS)('$name ends its own call at most', async ({ make, ends }) => {
    await using model = await loadModel(tiny);
    const settled = async (call: Promise<unknown>): Promise<string> =>
      call.then(
        () => 'well',
        ({ code }) => code,
      );
    const batch = Array(40).fill(face);
    const [lying, other] = [model.embedBatch(batch, { signal: make() }), model.embed(face)];
    const loading = settled(loadModel(tiny, { signal: make() }));
    const fetching = settled(loadModel('http://127.0.0.1:9/x', { signal: make() }));
    expect(await settled(lying)).toBe(ends);
    expect(await other).toHaveLength(16);
    expect([ends, 'well']).toContain(await loading);
    expect([ends, 'io']).toContain(await fetching);
    // What fires late fires into nothing.
    await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
