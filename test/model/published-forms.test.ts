/**
 * One seeded network in every form that models are published in: each form is written to the disk,
 * counted, converted by the command line in a process of its own, loaded and run. Every form must
 * give the embedding of the ONNX zoo's. No form stays on the disk longer than its own test.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Inspection, inspectPath } from '../../src/cli/inspection.ts';
import { writeFileAtomically } from '../../src/cli/output.ts';
import { readParams } from '../../src/formats/mxnet/params.ts';
import { loadModel } from '../../src/index.ts';
import { cosineSimilarity, l2Normalize } from '../../src/similarity.ts';
import { synthesize } from '../../src/synth/architectures.ts';
import type { SynthModel } from '../../src/synth/model.ts';
import { onnxOfSynth } from '../../src/synth/onnx.ts';
import { largestDifference } from '../support/engine-files.ts';
import { writeMxnetParams, writeMxnetSymbol } from '../support/mxnet/write.ts';
import { openWeights, runNetwork } from '../support/network-run.ts';
import {
  type OpenvinoWriteOptions,
  writeOpenvinoBin,
  writeOpenvinoXml,
} from '../support/openvino/write.ts';
import { pixels } from '../support/synth-graph.ts';

const TIMEOUT = 300_000;
const SEED = 1;
/**
 * Of unit vectors: what f32 rounding of weights that were scaled on the way may cost. Computed directly,
 * so that nothing else is in it; Winograd rounds more, and differently for weights that differ.
 */
const F32_BOUND = 1e-6;
const WINOGRAD_BOUND = 4e-6;
const F16_COSINE = 0.9999;
const RSS_BOUND_MB = 700;
const FACE = { data: pixels(SEED), layout: 'nchw', channels: 'rgb' } as const;

/**
 * The command line as it is installed, which then tells its own peak. Linux counts what the parent
 * held at the fork into maxRSS, but not into VmHWM.
 */
const MEASURED = `
  import { existsSync, readFileSync } from 'node:fs';
  const status = '/proc/self/status';
  process.on('exit', () => {
    const own = existsSync(status) && /^VmHWM:\\s*(\\d+) kB/m.exec(readFileSync(status, 'utf8'));
    const rssMb = (own ? Number(own[1]) : process.resourceUsage().maxRSS) / 1024;
    console.error('measured ' + JSON.stringify({ rssMb, ms: performance.now() }));
  });
  await import(${JSON.stringify(pathToFileURL('dist/cli/main.js').href)});
`;

/** As the Open Model Zoo publishes them, of its MXNet and of its ONNX entry. */
const MXNET_ROW = { gflops: 24.209, mparams: 65.131 };
const ONNX_ROW = { gflops: 24.2115, mparams: 65.132 };
/** By the rule of the ONNX entry, of a form that leaves the normalisation of its input to the caller. */
const TORCH_ROW = { gflops: 24.2114, mparams: 65.132 };
/** By the same rule, of a form in which `bn1`, 2 x 512 constants, is absorbed in the FC layer. */
const IR_ROW = { gflops: 24.2114, mparams: 65.1309 };

interface Summary {
  readonly inputOrder: 'rgb' | 'bgr';
  readonly gflops: number;
  readonly mparams: number;
  readonly notes: readonly string[];
}

interface Outcome {
  readonly inspection: Inspection;
  readonly summary: Summary;
  /** Of length 1: as the library gives it, and without Winograd. */
  readonly embedding: Float32Array;
  readonly direct: Float32Array;
  readonly rssMb: number;
}

type Write = (folder: string) => Promise<string>;

const r100 = synthesize('r100', SEED);
const base = mkdtempSync(join(tmpdir(), 'arcface-forms-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(base, 'form-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns the path of the file that holds the weights */
async function writeMxnet(model: SynthModel, folder: string): Promise<string> {
  const path = join(folder, 'model-0000.params');
  await writeFileAtomically(join(folder, 'model-symbol.json'), writeMxnetSymbol(model));
  await writeFileAtomically(path, writeMxnetParams(model));
  return path;
}

function onnx(...[style, options]: [style: 'zoo' | 'torch', options?: object]): Write {
  return async (folder) => {
    const path = join(folder, 'model.onnx');
    await writeFileAtomically(path, onnxOfSynth(r100, style, options));
    return path;
  };
}

function openvino(options: OpenvinoWriteOptions): Write {
  return async (folder) => {
    const path = join(folder, 'model.xml');
    await writeFileAtomically(path, writeOpenvinoXml(r100, options));
    await writeFileAtomically(join(folder, 'model.bin'), writeOpenvinoBin(r100, options));
    return path;
  };
}

function convert(path: string, output: string): { summary: Summary; rssMb: number; ms: number } {
  const script = join(base, 'measured.mjs');
  writeFileSync(script, MEASURED);
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [script, 'convert', path, '-o', output, '--json'],
    { encoding: 'utf8' },
  );
  const measured = /^measured (.*)$/m.exec(stderr)?.[1];
  if (stdout === '' || measured === undefined) throw new Error(`convert ${path}: ${stderr}`);
  return { summary: JSON.parse(stdout) as Summary, ...JSON.parse(measured) };
}

async function embed(weights: string): Promise<Float32Array> {
  const model = await loadModel(weights, { threads: 1 });
  try {
    return l2Normalize(await model.embed(FACE));
  } finally {
    model.dispose();
  }
}

/** The planes of an NCHW picture in reverse. */
function swapped(face: Float32Array): Float32Array {
  const plane = face.length / 3;
  return Float32Array.from(
    face,
    (_, i) => face[i + (1 - Math.floor(i / plane)) * 2 * plane] as number,
  );
}

async function outcomeOf(name: string, write: Write): Promise<Outcome> {
  return inFolder(async (folder) => {
    const path = await write(folder);
    const inspection = await inspectPath(path);
    const output = join(folder, 'weights.safetensors');
    const { summary, rssMb, ms } = convert(path, output);
    console.info(`${name}: converted in ${(ms / 1000).toFixed(2)} s, ${rssMb.toFixed(0)} MB RSS`);
    const data = summary.inputOrder === 'bgr' ? swapped(FACE.data) : FACE.data;
    const direct = runNetwork(openWeights(output), data, false).embedding;
    return { inspection, summary, embedding: await embed(output), direct, rssMb };
  });
}

describe('R100 in every published form', () => {
  let zoo: Outcome;

  beforeAll(async () => {
    zoo = await outcomeOf('ONNX zoo', onnx('zoo', { spatial: 0, slope: 'C' }));
  }, TIMEOUT);

  it('comes out of the ONNX zoo form with its defects repaired, and says so', () => {
    expect(zoo.inspection.formatDetail).toMatch(/^ONNX opset 8\b/);
    expect(zoo.summary.notes.join('\n')).toMatch(/repaired: BatchNormalization with spatial=0/);
    expect(zoo.summary.notes.join('\n')).toMatch(/repaired: PRelu slopes of shape \[C\]/);
    expect(zoo.inspection.counts).toEqual({ mxnet: MXNET_ROW, onnx: ONNX_ROW });
  });

  it(`is converted from ONNX in less than ${RSS_BOUND_MB} MB of memory`, () => {
    expect(zoo.rssMb).toBeLessThan(RSS_BOUND_MB);
  });

  it.each<[string, 'rgb' | 'bgr', Inspection['counts']['onnx'], Write]>([
    ['MXNet', 'rgb', ONNX_ROW, (folder) => writeMxnet(r100, folder)],
    ['ONNX, torch style', 'rgb', TORCH_ROW, onnx('torch')],
    ['OpenVINO IR v11', 'rgb', IR_ROW, openvino({ version: 11 })],
    ['OpenVINO IR v10 for BGR', 'bgr', IR_ROW, openvino({ version: 10, reverseChannels: true })],
    ['OpenVINO IR v7', 'rgb', IR_ROW, openvino({ version: 7 })],
  ])(
    'has the same embedding and counts as %s',
    async (name, inputOrder, onnxRow, write) => {
      const { inspection, summary, embedding, direct } = await outcomeOf(name, write);
      const difference = largestDifference(direct, zoo.direct);
      const shipped = largestDifference(embedding, zoo.embedding);
      const figures = [difference, shipped].map((value) => value.toExponential(2)).join(', ');
      console.info(`${name}: differs by (direct, as shipped) ${figures}`);
      expect(summary.inputOrder).toBe(inputOrder);
      expect(inspection.counts.mxnet).toEqual(MXNET_ROW);
      expect(difference).toBeLessThanOrEqual(F32_BOUND);
      expect(shipped).toBeLessThanOrEqual(WINOGRAD_BOUND);
      expect(inspection.counts.onnx).toEqual(onnxRow);
    },
    TIMEOUT,
  );

  it(
    'has the same embedding as OpenVINO IR v11 in f16 up to the rounding of weights',
    async () => {
      const form = openvino({ version: 11, type: 'f16' });
      const { inspection, embedding } = await outcomeOf('OpenVINO IR v11 f16', form);
      const cosine = cosineSimilarity(embedding, zoo.embedding);
      console.info(`OpenVINO IR v11 f16: cosine ${cosine}`);
      expect(cosine).toBeGreaterThanOrEqual(F16_COSINE);
      expect(largestDifference(embedding, zoo.embedding)).toBeGreaterThan(WINOGRAD_BOUND);
      expect(inspection.counts.mxnet).toEqual(MXNET_ROW);
    },
    TIMEOUT,
  );
});

describe('MXNet files of the family', () => {
  it(
    'R100 has 463 arguments and 308 running statistics in the published 260,958,682 bytes',
    async () => {
      await inFolder(async (folder) => {
        const bytes = readFileSync(await writeMxnet(r100, folder));
        const names = readParams(bytes).map(({ name }) => name);
        expect(bytes.length).toBe(260_958_682);
        expect(names.filter((name) => name.startsWith('arg:'))).toHaveLength(463);
        expect(names.filter((name) => name.startsWith('aux:'))).toHaveLength(308);
      });
    },
    TIMEOUT,
  );

  it.each([
    ['r34', 8.934, 34.129],
    ['r50', 12.637, 43.576],
    ['mobilefacenet', 0.449, 0.993],
  ] as const)(
    'inspect tells the published row of %s',
    async (architecture, gflops, mparams) => {
      await inFolder(async (folder) => {
        const { counts } = await inspectPath(
          await writeMxnet(synthesize(architecture, SEED), folder),
        );
        expect(counts.mxnet).toEqual({ gflops, mparams });
      });
    },
    TIMEOUT,
  );
});
