/** Small files that ask for very much: refused before anything is planned, allocated or computed. */

import { describe, expect, it } from 'vitest';
import { encodeWeightsHeader, parseWeightsHeader } from '../../src/formats/safetensors.ts';
import type { WeightsMetadata } from '../../src/formats/weights-metadata.ts';
import type { NetworkOp } from '../../src/graph/network.ts';
import { loadModel } from '../../src/index.ts';
import { noiseFace, synthWeights } from '../support/engine-files.ts';
import { conv } from '../support/one-conv.ts';
import { tinyModel } from '../support/synth-graph.ts';

const tiny = synthWeights(tinyModel());
const { metadata } = parseWeightsHeader(tiny);

/** A whole weights file of zeros. Whatever its metadata says, it is another network's. */
function fileOf(
  ops: readonly NetworkOp[],
  about: WeightsMetadata = metadata,
): Uint8Array<ArrayBuffer> {
  const last = ops.at(-1)?.name as string;
  const pooled: NetworkOp = { op: 'global_average_pool', name: 'pooled', inputs: [last] };
  const input = { name: 'data', shape: [3, 112, 112] } as const;
  const network = { name: 'test', input, ops: [...ops, pooled], output: 'pooled' };
  const header = encodeWeightsHeader(about, network);
  const bytes = new Uint8Array(header.length + parseWeightsHeader(header).dataBytes);
  bytes.set(header);
  return bytes;
}

/** Like beads on a string: each takes what the one before gives. */
function chain(count: number, make: (name: string, input: string) => NetworkOp): NetworkOp[] {
  return Array.from({ length: count }, (_, i) => make(`n${i}`, i === 0 ? 'large' : `n${i - 1}`));
}

const pads = [1024, 1024, 1024, 1024] as const;
const large = (channels: number): NetworkOp => ({ ...conv(channels, 1), name: 'large', pads });
const after = (name: string, input: string, op: NetworkOp): NetworkOp => ({
  ...op,
  name,
  inputs: [input],
});

const LONG: [string, NetworkOp[]][] = [
  ['a few large convolutions', [large(1), ...chain(40, (n, x) => after(n, x, conv(1, 3)))]],
  ['a kernel of 300 x 300', [{ ...conv(1, 300), pads: [300, 300, 300, 300] }]],
  ['depthwise ones', [large(3), ...chain(40, (n, x) => after(n, x, conv(3, 3, 1, 3)))]],
  ['sigmoids', [large(1), ...chain(60, (name, x) => ({ op: 'sigmoid', name, inputs: [x] }))]],
  ['additions', [large(1), ...chain(900, (name, x) => ({ op: 'add', name, inputs: [x, x] }))]],
  [
    'large strides and pads',
    [large(1), ...chain(40, (n, x) => ({ ...after(n, x, conv(1, 7, 3)), pads }))],
  ],
];

describe('a file that asks for too much', () => {
  it.each(LONG)('work is refused: %s', async (_, ops) => {
    const file = fileOf(ops);
    const started = process.cpuUsage();
    await expect(loadModel(file)).rejects.toMatchObject({
      code: 'bad_weights',
      message: expect.stringMatching(
        /^network: expected at most 150 GMAC of work for a face, got [\d,]+ GMAC; .* limits: \{ macs: Infinity \}/,
      ),
    });
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(1500);
  });

  it('memory is refused', async () => {
    const file = fileOf([large(16)]);
    await expect(loadModel(file)).rejects.toMatchObject({
      code: 'bad_weights',
      message: expect.stringMatching(
        /at most 269 MB of memory for a face, got [\d,]+ MB; .*bytes: Inf/,
      ),
    });
    const table: NetworkOp = { ...conv(1, 1000), pads: [500, 500, 500, 500] };
    const limits = { macs: Number.POSITIVE_INFINITY };
    await expect(loadModel(fileOf([table]), { limits })).rejects.toMatchObject({
      message: expect.stringMatching(/MB of memory/),
    });
  });

  it('is counted from its network, whatever its metadata says', async () => {
    const counts = { macs: 1, convolutions: 1, zoo: metadata.counts.zoo };
    const file = fileOf((LONG[0] as [string, NetworkOp[]])[1], { ...metadata, counts });
    await expect(loadModel(file)).rejects.toMatchObject({ code: 'bad_weights' });
  });
});

describe('options.limits', () => {
  it('are lower or higher on request', async () => {
    await expect(loadModel(tiny, { limits: { macs: 1e6 } })).rejects.toThrow(/at most 1 GMAC/);
    await expect(loadModel(tiny, { limits: { bytes: 1e5 } })).rejects.toThrow(/at most 1 MB/);
    const limits = { macs: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
    const model = await loadModel(
      fileOf([large(1), ...chain(2, (n, x) => after(n, x, conv(1, 1)))]),
      { limits },
    );
    expect(await model.embed(noiseFace(1))).toEqual(Float32Array.of(0));
    await model.dispose();
  });
});
