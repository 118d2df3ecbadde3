import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/cli/commands/evaluate.ts';
import {
  type Dataset,
  limitPairs,
  openLfwBin,
  openPairs,
} from '../../../src/cli/evaluate/dataset.ts';
import { type Embedder, embedPictures } from '../../../src/cli/evaluate/embed-dataset.ts';
import { evaluateModel } from '../../../src/cli/evaluate/evaluation.ts';
import { evaluationJson, evaluationText } from '../../../src/cli/evaluate/print.ts';
import { bool, bytes3, list, pickle, tuple } from '../../support/pickle-writer.ts';
import { pngOf } from '../../support/png.ts';

/** A PNG of one colour whose left half is darker, so that its mirror image differs. */
function picture(r: number, g: number, b: number, size = 112): Uint8Array {
  return pngOf(size, (x) => {
    const share = x < size / 2 ? 0.5 : 1;
    return [r * share, g * share, b * share];
  });
}

/** Mean red of the left, mean red of the right, mean blue: knows colours, sides and channel order. */
class MeanColour implements Embedder {
  faces = 0;

  async embedBatch(faces: Parameters<Embedder['embedBatch']>[0]): Promise<Float32Array[]> {
    this.faces += faces.length;
    return faces.map(({ data, channels }) => {
      const red = channels === 'bgra' ? 2 : 0;
      const sums = [0, 0, 0];
      for (let i = 0; i < 112 * 112; i++) {
        const side = i % 112 < 56 ? 0 : 1;
        sums[side] = (sums[side] ?? 0) + (data[4 * i + red] ?? 0);
        sums[2] = (sums[2] ?? 0) + (data[4 * i + 2 - red] ?? 0);
      }
      return Float32Array.from(sums, (sum) => sum / 6272);
    });
  }
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arcface-evaluate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const red = picture(200, 20, 10);
const dark = picture(100, 60, 5);
const blue = picture(10, 20, 200);

function writeBin(pictures: readonly Uint8Array[], same: readonly boolean[]): string {
  const path = join(folder, 'x.bin');
  writeFileSync(path, pickle(4, tuple(list(...pictures.map(bytes3)), list(...same.map(bool)))));
  return path;
}

const options = { flip: false, bgr: false, orderPairs: 0 };

describe('openLfwBin', () => {
  it('knows which pictures are the same bytes', async () => {
    const { keys, same } = await openLfwBin(writeBin([red, dark, red, blue], [true, false]));
    expect(same).toEqual([true, false]);
    expect(keys[0]).toBe(keys[2]);
    expect(new Set(keys).size).toBe(3);
  });
});

describe('openPairs', () => {
  const text = '1\t1\nAnn\t1\t2\nAnn\t1\tBob\t1\n';

  it('finds pictures in folders of persons or in one folder, whatever their ending', async () => {
    mkdirSync(join(folder, 'Ann'));
    writeFileSync(join(folder, 'Ann', 'Ann_0001.jpg'), red);
    writeFileSync(join(folder, 'Ann', 'Ann_0002.PNG'), dark);
    writeFileSync(join(folder, 'Bob_0001.webp'), blue);
    writeFileSync(join(folder, 'pairs.txt'), text);
    const dataset = await openPairs([join(folder, 'pairs.txt')], folder);
    expect(dataset.same).toEqual([true, false]);
    expect(dataset.keys.map((key) => key.slice(folder.length + 1).replace('\\', '/'))).toEqual([
      'Ann/Ann_0001.jpg',
      'Ann/Ann_0002.PNG',
      'Ann/Ann_0001.jpg',
      'Bob_0001.webp',
    ]);
    expect(new Uint8Array(await dataset.read(3))).toEqual(blue);
  });

  it('names the picture that is missing', async () => {
    writeFileSync(join(folder, 'pairs.txt'), text);
    const missing = openPairs([join(folder, 'pairs.txt')], join(folder, 'none'));
    await expect(missing).rejects.toMatchObject({
      code: 'bad_dataset',
      message: expect.stringContaining('Ann/Ann_0001.jpg'),
    });
  });
});

describe('limitPairs', () => {
  it('spreads the pairs it keeps evenly', async () => {
    const dataset: Dataset = {
      name: '',
      files: [],
      same: Array.from({ length: 600 }, (_, i) => i < 300),
      keys: Array.from({ length: 1200 }, (_, i) => String(i)),
      people: Array.from({ length: 1200 }, (_, i) => `person ${i >> 1}`),
      notes: [],
      read: async (index) => Uint8Array.of(index & 255, index >> 8),
      where: (index) => `at ${index}`,
    };
    const limited = limitPairs(dataset, 4);
    expect(limited.same).toEqual([true, true, false, false]);
    expect(limited.keys).toEqual(['0', '1', '300', '301', '600', '601', '900', '901']);
    expect(limited.people?.slice(0, 3)).toEqual(['person 0', 'person 0', 'person 150']);
    expect(await limited.read(4)).toEqual(Uint8Array.of(600 & 255, 600 >> 8));
    expect(limited.where(7)).toBe('at 901');
    expect(limitPairs(dataset, 700)).toBe(dataset);
  });
});

describe('evaluateModel', () => {
  it('runs each distinct picture once and separates the pairs', async () => {
    const model = new MeanColour();
    const dataset = await openLfwBin(
      writeBin([red, dark, red, blue, red, red], [true, false, true]),
    );
    const result = await evaluateModel(model, dataset, options);
    expect(model.faces).toBe(3);
    expect(result).toMatchObject({ evidence: { distinctPictures: 3 }, channelOrder: null });
    expect(result.timings.embedded).toBe(3);
    expect(result.roc?.auc).toBe(1);
    expect(result.verification.folds).toHaveLength(3);
  });

  it('adds the mirrored picture with flip, and takes XNorm over both passes', async () => {
    const model = new MeanColour();
    const dataset = await openLfwBin(writeBin([red, blue, red, blue], [false, false]));
    const result = await evaluateModel(model, dataset, { ...options, flip: true });
    expect(model.faces).toBe(4);
    const length = (...values: number[]): number => Math.hypot(...values);
    // Left half at half brightness; blue is the mean over both halves, times two.
    const expected = (length(100, 200, 15) + length(5, 10, 300)) / 2;
    expect(result.xnorm).toBeCloseTo(expected, 3);
    const [a, b] = [
      [300, 300, 30],
      [15, 15, 600],
    ] as const;
    const dot = a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
    const cosine = dot / (length(...a) * length(...b));
    const bin = Math.floor((cosine + 1) / result.histogram.width);
    expect(result.histogram.different[bin]).toBe(2);
  });

  it('reads the channels as blue, green, red when told so', async () => {
    const dataset = await openLfwBin(writeBin([red, blue], [false]));
    const view = (bgr: boolean) => ({ bgr, mirrored: false });
    const timings = { decodeMs: 0, embedMs: 0, embedded: 0 };
    const [rgb, bgr] = await embedPictures(
      new MeanColour(),
      dataset,
      [0],
      [view(false), view(true)],
      timings,
    );
    expect([...(rgb?.[0] ?? [])]).toEqual([100, 200, 15]);
    expect([...(bgr?.[0] ?? [])]).toEqual([5, 10, 300]);
  });

  it('checks the channel order on a sample and tells when the crops are swapped', async () => {
    // Persons differ in red alone; blue is noise. A model that sees red separates, one that sees blue not.
    const pictures: Uint8Array[] = [];
    const same: boolean[] = [];
    for (let i = 0; i < 40; i++) {
      const [noiseA, noiseB] = [(i * 37) % 120, (i * 91) % 120];
      pictures.push(picture(i % 2 ? 40 : 200, 0, noiseA), picture(i % 4 < 2 ? 200 : 40, 0, noiseB));
      same.push(i % 2 === (i % 4 < 2 ? 0 : 1));
    }
    // This model looks at the first channel it is given as red: left, right, and a constant.
    const model: Embedder = {
      embedBatch: async (faces) =>
        (await new MeanColour().embedBatch(faces)).map((e) => Float32Array.of(e[1] ?? 0, 100)),
    };
    const dataset = await openLfwBin(writeBin(pictures, same));
    const right = await evaluateModel(model, dataset, { ...options, orderPairs: 40 });
    const wrong = await evaluateModel(model, dataset, { ...options, bgr: true, orderPairs: 40 });
    expect(right.channelOrder?.verdict).toBe('as-given');
    expect(wrong.channelOrder?.verdict).toBe('swapped');
    const info = { model: 'm' } as Parameters<typeof evaluationText>[1]['model'];
    const context = { model: info, dataset: 'x.bin', flip: false };
    expect(evaluationText(wrong, context)).toContain('note: the pictures separate clearly better');
    expect(evaluationText(right, context)).not.toContain('note:');
    expect(JSON.parse(evaluationJson(wrong, context)).channelOrder.verdict).toBe('swapped');
  });

  it('says so where different people all look alike', async () => {
    const dataset = await openLfwBin(
      writeBin([red, red, red, blue, dark, blue], [true, false, false]),
    );
    const colours = new MeanColour();
    /** The mean of all three values in front: small differences on top of it, or nothing else. */
    const biased = (bias: number): Embedder => ({
      embedBatch: async (faces) =>
        (await colours.embedBatch(faces)).map((e) =>
          Float32Array.of(bias, ...e.map((v) => v - 80)),
        ),
    });
    const told = await evaluateModel(biased(0), dataset, options);
    const alike = await evaluateModel(biased(100_000), dataset, options);
    // Mean red of the left and of the right, sum of both means of blue: red is (100, 200, 15).
    const cosine = (a: number[], b: number[]): number => {
      const dot = (p: number[], q: number[]): number =>
        p.reduce((s, v, i) => s + v * (q[i] as number), 0);
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    };
    const [r, d, b] = [
      [20, 120, -65],
      [-30, 20, -73],
      [-75, -70, 220],
    ] as [number[], number[], number[]];
    expect(told.differentCosine).toBeCloseTo((cosine(r, b) + cosine(d, b)) / 2, 2);
    expect(alike.differentCosine).toBeGreaterThan(0.999);
    const info = { model: 'm' } as Parameters<typeof evaluationText>[1]['model'];
    const context = { model: info, dataset: 'x.bin', flip: false };
    expect(evaluationText(alike, context)).toMatch(
      /^warning: different people all look alike: .* 1\.000/m,
    );
    expect(evaluationText(told, context)).not.toContain('warning');
    expect(JSON.parse(evaluationJson(alike, context)).differentCosine).toBe(alike.differentCosine);
  });

  it('does not run the network for an order check that cannot be made', async () => {
    const model = new MeanColour();
    const dataset = await openLfwBin(writeBin([red, red, dark, dark], [true, true]));
    const result = await evaluateModel(model, dataset, { ...options, orderPairs: 10 });
    expect(result.channelOrder).toMatchObject({ verdict: 'undecided', contrast: null });
    expect(model.faces).toBe(2);
  });

  it('says how little 40 pairs of four pictures are, and deals out what comes kind by kind', async () => {
    for (const name of ['Ann_0001', 'Ann_0002']) writeFileSync(join(folder, `${name}.png`), red);
    for (const name of ['Bob_0001', 'Bob_0002']) writeFileSync(join(folder, `${name}.png`), blue);
    writeFileSync(
      join(folder, 'match.csv'),
      `name,imagenum1,imagenum2\n${'Ann,1,2\nBob,1,2\n'.repeat(10)}`,
    );
    writeFileSync(
      join(folder, 'mismatch.txt'),
      `10 300\n${'Ann 1 Bob 1\nAnn 2 Bob 2\n'.repeat(10)}`,
    );
    const lists = ['match.csv', 'mismatch.txt'].map((name) => join(folder, name));
    const dataset = await openPairs(lists, folder);
    const result = await evaluateModel(new MeanColour(), dataset, options);
    expect(result.verification).toMatchObject({
      accuracy: 1,
      val: 1,
      valReason: null,
      isDealt: true,
    });
    expect(result.evidence).toEqual({
      pairs: 40,
      distinctPairs: 4,
      distinctPictures: 4,
      selfPairs: 0,
      people: 2,
    });
    const info = { model: 'm' } as Parameters<typeof evaluationText>[1]['model'];
    const context = { model: info, dataset: dataset.name, flip: false };
    const text = evaluationText(result, context);
    // Wilson: 4 of 4 is 0.5101 to 1.
    expect(text).toMatch(
      /^Accuracy: 1\.00000\+-0\.00000 \(95 % interval 0\.5101\d to 1\.00000, 4 distinct pairs\)$/m,
    );
    expect(text).toMatch(/40 pairs, 4 distinct, of 4 distinct pictures of 2 people, 10 folds/);
    expect(text).toMatch(/mismatch\.txt: its first line announces 6000 pairs, the list has 20/);
    expect(text).toMatch(/a fold would have one kind of pairs alone; they were dealt out/);
    expect(text).toMatch(/40 pairs, of which 4 distinct/);
    expect(text).toMatch(
      /no more than 4 distinct pairs of 4 pictures of 2 people: the true accuracy/,
    );
    expect(text).toMatch(/^VAL: 1\.00000/m);
    // The two distances are 0 and that of red and blue: the middle is shown.
    const { threshold } = result.verification;
    expect(threshold?.range.to).toBeCloseTo(1, 9);
    expect(threshold?.cosine).toBeCloseTo((1 + (threshold?.range.from ?? 0)) / 2, 9);
    expect(text).toContain(`best threshold: cosine ${threshold?.cosine.toFixed(3)} `);
    const json = JSON.parse(evaluationJson(result, context));
    expect(json.dataset).toMatchObject({ distinctPairs: 4, people: 2, pictures: 80, pairs: 40 });
    expect(json.interval.from).toBeCloseTo(0.5101, 4);
  });

  it('says what is missing where VAL is not defined', async () => {
    const dataset = await openLfwBin(writeBin([red, red, dark, dark], [true, true]));
    const result = await evaluateModel(new MeanColour(), dataset, options);
    const info = { model: 'm' } as Parameters<typeof evaluationText>[1]['model'];
    const text = evaluationText(result, { model: info, dataset: 'x.bin', flip: false });
    expect(text).toMatch(/^VAL: not defined: the pairs are all of one kind$/m);
    expect(text).toMatch(/^best threshold: not defined: the pairs are all of one kind$/m);
  });

  it('refuses pictures of another size and says which', async () => {
    const dataset = await openLfwBin(writeBin([red, picture(1, 2, 3, 100)], [true]));
    await expect(evaluateModel(new MeanColour(), dataset, options)).rejects.toMatchObject({
      code: 'bad_picture',
      message: expect.stringContaining('picture 1: expected an aligned 112x112 crop, got 100x100'),
    });
  });
});

describe('the evaluate command', () => {
  it.each([
    ['nothing', []],
    ['no data set', ['w.safetensors']],
    ['pairs without images', ['w.safetensors', '--pairs', 'p.txt']],
    ['both kinds of data sets', ['w.safetensors', 'x.bin', '--pairs', 'p.txt', '--images', 'd']],
    ['three files', ['a', 'b', 'c']],
    ['a limit of one', ['w', 'x.bin', '--limit', '1']],
    ['a report of another kind', ['w', 'x.bin', '--report', 'r.pdf']],
    ['an unknown option', ['w', 'x.bin', '--fast']],
    ['contradicting order options', ['w', 'x.bin', '--check-order', '--skip-order-check']],
  ])('refuses %s as wrong usage', async (_, args) => {
    const bin = writeBin([red, red, red, red], [true, true]);
    const given = args.map((arg) => (arg === 'x.bin' ? bin : arg));
    const error = await evaluate.run(given).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'usage' });
  });
});

const SMALL = '../shared/data/small_lfw.bin';
if (!existsSync(SMALL)) console.warn(`${SMALL} is absent: its test is skipped`);

describe.skipIf(!existsSync(SMALL))("InsightFace's excerpt", () => {
  it('runs through the protocol with its 17 distinct pictures', async () => {
    const model = new MeanColour();
    const result = await evaluateModel(model, await openLfwBin(SMALL), { ...options, flip: true });
    expect(model.faces).toBe(34);
    expect(result.verification).toMatchObject({ pairs: 10, val: null });
  });
});
