import { describe, expect, it } from 'vitest';
import { ArcfaceError } from '../../src/errors.ts';
import { parseWeightsHeader } from '../../src/formats/safetensors.ts';
import { loadModel } from '../../src/index.ts';
import type { ModelSource } from '../../src/runtime/source.ts';
import { synthWeights } from '../support/engine-files.ts';
import { mulberry32 } from '../support/graphs.ts';
import { microModel } from '../support/synth-graph.ts';

const weights = synthWeights(microModel());
const { tensors, dataOffset } = parseWeightsHeader(weights, weights.length);

/** 'loaded' or the error's code; anything but a coded error is thrown on. */
async function outcome(source: ModelSource): Promise<string> {
  try {
    (await loadModel(source)).dispose();
    return 'loaded';
  } catch (error) {
    if (error instanceof ArcfaceError) return error.code;
    throw error;
  }
}

function streamed(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  return (async function* () {
    yield bytes;
  })();
}

describe('damaged weights', () => {
  it('load when they are whole', async () => {
    expect(await outcome(weights)).toBe('loaded');
    expect(await outcome(streamed(weights))).toBe('loaded');
  });

  it('are refused when they end early, anywhere', async () => {
    const ends = [0, 1, 7, 8, 9, dataOffset - 1, dataOffset, dataOffset + 1, weights.length - 1];
    const random = mulberry32(17);
    for (let i = 0; i < 60; i++) ends.push(Math.floor(random() * weights.length));
    for (const end of ends) {
      const cut = weights.subarray(0, end);
      expect([end, await outcome(cut)]).toEqual([end, 'bad_weights']);
      expect([end, await outcome(streamed(cut))]).toEqual([end, 'bad_weights']);
    }
  });

  it.each([1, 4, 64, 5000])('are refused with %i bytes behind their end', async (extra) => {
    const longer = new Uint8Array(weights.length + extra);
    longer.set(weights);
    expect(await outcome(longer)).toBe('bad_weights');
    expect(await outcome(streamed(longer))).toBe('bad_weights');
  });

  it.each([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['negative infinity', Number.NEGATIVE_INFINITY],
  ])('are refused with %s at the start, inside and at the end of any tensor', async (_, value) => {
    for (const { name, offset, bytes } of tensors) {
      for (const at of [0, 4 * Math.floor(bytes / 8), bytes - 4]) {
        const damaged = weights.slice();
        new DataView(damaged.buffer).setFloat32(dataOffset + offset + at, value, true);
        expect([name, at, await outcome(damaged)]).toEqual([name, at, 'bad_weights']);
      }
    }
  });

  it('end in a coded error or a model when bits of the header flip', async () => {
    const random = mulberry32(23);
    const seen = new Set<string>();
    for (let i = 0; i < 300; i++) {
      const damaged = weights.slice();
      const at = Math.floor(random() * dataOffset);
      damaged[at] = (damaged[at] as number) ^ (1 << Math.floor(random() * 8));
      seen.add(await outcome(damaged));
    }
    expect([...seen].filter((code) => code !== 'loaded' && code !== 'bad_weights')).toEqual([]);
    expect(seen).toContain('bad_weights');
  });

  it('are refused when they are something else', async () => {
    for (const text of ['', '<html>', '<!doctype html>'.padEnd(9000), 'version https://git-lfs']) {
      expect(await outcome(new TextEncoder().encode(text))).toBe('bad_weights');
    }
  });
});
