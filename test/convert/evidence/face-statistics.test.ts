/**
 * Statistics of pictures against their definition, and the numbers that ship against the pictures they are
 * of.
 */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  covarianceAt,
  measureFaces,
  REACH,
} from '../../../src/convert/evidence/face-statistics.ts';
import { LFW_FACES } from '../../../src/convert/evidence/lfw-faces.ts';
import { readLfwBin } from '../../../src/dataset/lfw-bin.ts';
import { decodePicture } from '../../../src/image/decode.ts';
import { pretendFaces } from '../../support/pretend-faces.ts';

const SIDE = 112;
const FOLDS = '../shared/data/lfw-folds-1-5.bin';
const skipped = process.env.SKIP_SLOW
  ? 'SKIP_SLOW is set'
  : existsSync(FOLDS)
    ? ''
    : `${FOLDS} is absent`;
if (skipped) console.warn(`the shipped statistics of faces are not computed again: ${skipped}`);

const close = (got: number, expected: number): void => {
  expect(Math.abs(got - expected)).toBeLessThan(1e-9 * Math.max(1, Math.abs(expected)));
};

describe('statistics of pictures', () => {
  const pictures = pretendFaces(3);
  const statistics = measureFaces(pictures);
  const at = (picture: Float64Array, c: number, y: number, x: number): number =>
    picture[4 * (y * SIDE + x) + c] as number;
  const average = (of: (picture: Float64Array, y: number, x: number) => number | undefined) => {
    let [sum, count] = [0, 0];
    for (const picture of pictures) {
      for (let y = 0; y < SIDE; y++) {
        for (let x = 0; x < SIDE; x++) {
          const value = of(picture, y, x);
          if (value === undefined) continue;
          sum += value;
          count += 1;
        }
      }
    }
    return sum / count;
  };

  it('are mean and covariance of the channels', () => {
    const mean = [0, 1, 2].map((c) => average((picture, y, x) => at(picture, c, y, x)));
    expect(statistics.pictures).toBe(3);
    for (const [c, value] of mean.entries()) close(statistics.mean[c] as number, value);
    for (const a of [0, 1, 2]) {
      for (const b of [0, 1, 2]) {
        const product = average((picture, y, x) => at(picture, a, y, x) * at(picture, b, y, x));
        const expected = product - (mean[a] as number) * (mean[b] as number);
        close(covarianceAt(statistics, [a, b], [0, 0]), expected);
      }
    }
  });

  it.each([
    [0, 0, 0, 1],
    [0, 1, 3, 0],
    [2, 1, 2, 5],
    [2, 0, REACH, REACH],
  ])(
    'are half the mean product of differences of %i and %i, (%i, %i) apart, either way round',
    (a, b, dy, dx) => {
      const products = [dx, -dx].map((step) =>
        average((picture, y, x) => {
          if (y + dy >= SIDE || x + step >= SIDE || x + step < 0) return undefined;
          const difference = (c: number): number =>
            at(picture, c, y, x) - at(picture, c, y + dy, x + step);
          return difference(a) * difference(b);
        }),
      ) as [number, number];
      const lost =
        covarianceAt(statistics, [a, b], [0, 0]) - covarianceAt(statistics, [a, b], [dy, dx]);
      close(lost, (products[0] + products[1]) / 4);
      expect(covarianceAt(statistics, [b, a], [-dy, -dx])).toBe(
        covarianceAt(statistics, [a, b], [dy, dx]),
      );
    },
  );
});

describe.skipIf(skipped !== '')('the statistics that ship', () => {
  it('are those of every second distinct picture in folds 4 and 5 of LFW', async () => {
    const { images } = readLfwBin(readFileSync(FOLDS));
    const distinct = new Map(
      images
        .slice(3 * 1200, 5 * 1200)
        .map((image) => [Buffer.from(image).toString('base64'), image]),
    );
    const crops: Uint8ClampedArray[] = [];
    const chosen = [...distinct.values()].filter((_, i) => i % 2 === 0);
    for (const image of chosen) crops.push((await decodePicture(image, FOLDS)).data);
    const { pictures, mean, covariance, variogram } = measureFaces(crops);
    expect(pictures).toBe(LFW_FACES.pictures);
    const numbers = [mean, covariance, ...variogram].flat();
    const shipped = [LFW_FACES.mean, LFW_FACES.covariance, ...LFW_FACES.variogram].flat();
    expect(shipped).toHaveLength(numbers.length);
    for (const [i, value] of numbers.entries()) {
      expect(Math.abs((shipped[i] as number) - value)).toBeLessThan(0.0051);
    }
  }, 600_000);
});
