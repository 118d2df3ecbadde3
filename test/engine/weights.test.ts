import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { checkLoadOptions } from '../../src/engine/options.ts';
import type { KernelExports } from '../../src/engine/run.ts';
import { createFiniteCheck, WeightsReader } from '../../src/engine/weights.ts';
import type { WeightsHeader } from '../../src/formats/safetensors.ts';
import type { ByteSource } from '../../src/runtime/platform.ts';

/** Chunks of 1, 2, 4 and 8 MB, and one that is cut short. */
const BYTES = 16 * 2 ** 20 + 64;
/** Reads of at most 3 MB that each of them takes. */
const READS = [1, 1, 2, 3, 1];
const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
const file = new Uint8Array(BYTES).map((_, i) => (i * 31) ^ (i >> 13));
const header = { dataBytes: BYTES, tensors: [{ name: 't', offset: 0, bytes: BYTES }] };

interface Watched extends ByteSource {
  mostInFlight: number;
}

/** Answers later reads first, a piece at a time. */
function shuffledSource(lanes: number, content: Uint8Array): Watched {
  let inFlight = 0;
  const source: Watched = {
    size: content.length,
    total: content.length,
    kind: 'file',
    lanes,
    mostInFlight: 0,
    read: async (into, position) => {
      source.mostInFlight = Math.max(source.mostInFlight, ++inFlight);
      await new Promise((resolve) => setTimeout(resolve, position % (8 * 2 ** 20) === 0 ? 9 : 1));
      inFlight--;
      const part = content.subarray(position, position + Math.min(into.length, 3_000_000));
      into.set(part);
      return part.length;
    },
    close: async () => {},
  };
  return source;
}

function readAll(
  source: ByteSource,
  integrity?: string,
  onRead?: (bytes: number) => void | Promise<void>,
) {
  const seen: number[] = [];
  const options = checkLoadOptions({
    ...(integrity === undefined ? {} : { integrity }),
    onProgress: ({ loaded }) => seen.push(loaded),
  });
  const hash = createHash('sha256');
  const hasher = {
    update: (bytes: Uint8Array) => void hash.update(bytes),
    digest: () => hash.digest('base64'),
  };
  const memory = new WebAssembly.Memory({ initial: Math.ceil((BYTES + 64) / 65536) });
  const reading = new WeightsReader(source, options, integrity ? hasher : undefined).readTensors(
    header as unknown as WeightsHeader,
    memory,
    64,
    onRead,
  );
  return { reading, seen, got: () => new Uint8Array(memory.buffer, 64, BYTES) };
}

describe.each([1, 3])('weights read in %i lanes', (lanes) => {
  it('lie in memory as in the file, whatever read ends first', async () => {
    const source = shuffledSource(lanes, file);
    const { reading, got } = readAll(source);
    await reading;
    expect(Buffer.compare(got(), file)).toBe(0);
    expect(source.mostInFlight).toBe(lanes);
  });

  it('are hashed in the order of the file', async () => {
    const digest = createHash('sha256').update(file).digest('base64');
    await readAll(shuffledSource(lanes, file), `sha256-${digest}`).reading;
  });

  it('are reported after every read, each time more, up to the last byte', async () => {
    const { reading, seen } = readAll(shuffledSource(lanes, file));
    await reading;
    expect(seen).toHaveLength(sum(READS));
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(BYTES);
  });

  it('go on being read while somebody looks at the first of them', async () => {
    const told: number[] = [];
    let go: () => void = () => {};
    const looked = new Promise<void>((resolve) => {
      go = resolve;
    });
    const onRead = (bytes: number) => {
      told.push(bytes);
      return looked;
    };
    const { reading, seen } = readAll(shuffledSource(lanes, file), undefined, onRead);
    // One more than the lanes: the next read starts before the first is shown.
    await vi.waitFor(() => expect(seen).toHaveLength(sum(READS.slice(0, lanes + 1))));
    expect(told).toHaveLength(1);
    go();
    await reading;
    expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
    expect(told.at(-1)).toBe(BYTES);
  });

  it('stop being read when who looks at them throws', async () => {
    const fault = new Error('bad');
    const { reading, seen } = readAll(shuffledSource(lanes, file), undefined, () => {
      throw fault;
    });
    await expect(reading).rejects.toBe(fault);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // What was under way when the first was shown, and no more.
    expect(seen).toHaveLength(sum(READS.slice(0, lanes + 1)));
  });

  it.each([
    ['truncated', file.subarray(0, BYTES - 1), /expected \d+ more bytes.*truncated/],
    ['longer than its header says', Buffer.concat([file, file.subarray(0, 1)]), /got more/],
  ])('are refused where the file is %s', async (_, content, message) => {
    await expect(readAll(shuffledSource(lanes, content)).reading).rejects.toMatchObject({
      code: 'bad_weights',
      message: expect.stringMatching(message),
    });
  });
});

describe('the check for NaN and infinity', () => {
  const spec = { role: 'weight', dtype: 'f32' };
  const tensors = [0, 1, 2].map((i) => ({ name: `t${i}`, spec, offset: i * 64, bytes: 64 }));
  const ADDRESS = 1024;

  /** The check of three tensors whose float `bad` is none, and the ranges it looked at. */
  function checkWith(bad: number) {
    const looked: [number, number][] = [];
    const kernels = {
      f32_count_nonfinite: (address: number, count: number) => {
        const from = (address - ADDRESS) / 4;
        looked.push([from, count]);
        return from <= bad && bad < from + count ? 1 : 0;
      },
    } as unknown as KernelExports;
    const check = createFiniteCheck({ tensors } as unknown as WeightsHeader, kernels, ADDRESS);
    return { check, looked };
  }

  it('looks at each byte once', () => {
    const { check, looked } = checkWith(-1);
    for (const bytes of [0, 64, 64, 32, 192]) check(bytes);
    expect(looked).toEqual([
      [0, 16],
      [16, 32],
    ]);
  });

  it('names the tensor where what is bad begins, whenever it is asked', () => {
    const { check } = checkWith(20);
    check(64);
    const refused = /expected finite numbers, got NaN or infinity in or after tensor "t1"/;
    for (let time = 0; time < 2; time++) expect(() => check(128)).toThrow(refused);
    check(64);
  });
});
