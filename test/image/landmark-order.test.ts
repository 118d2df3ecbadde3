/**
 * The order of five landmarks on thousands of faces: simulated ones of any pose, and those that SCRFD and
 * YuNet find in pictures of LFW. `LANDMARK_PICTURES=6000` takes all of them; docs/alignment.md has the
 * figures.
 */

import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { readLfwBin } from '../../src/dataset/lfw-bin.ts';
import { decodePicture } from '../../src/image/decode.ts';
import { checkOrder } from '../../src/image/landmark-order.ts';
import { FiveDetector, type Found } from '../support/five-detector.ts';
import {
  ANY_POSE,
  type Pose,
  plausibleFace,
  seeded,
  USUAL_POSE,
  WRONG_ORDERS,
} from '../support/plausible-faces.ts';

function refusalOf(points: Float64Array, picture = { width: 640, height: 480 }): string | null {
  try {
    checkOrder(points, picture);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Shares of `count` simulated faces, in percent. */
function simulate(
  pose: Pose,
  count: number,
  make: (points: Float64Array) => Float64Array = (points) => points,
  name = /^/,
): { refused: number; named: number } {
  const random = seeded(20);
  let [refused, named] = [0, 0];
  for (let i = 0; i < count; i++) {
    const face = plausibleFace(random, pose);
    const message = refusalOf(make(face.points), face);
    if (message === null) continue;
    refused += 1;
    if (name.test(message)) named += 1;
  }
  return { refused: (100 * refused) / count, named: (100 * named) / count };
}

describe('points in the right order', () => {
  it.each<[string, Pose, number]>([
    ['turned up to 60 degrees, any roll', USUAL_POSE, 0.05],
    [
      'turned up to 60 degrees, twice the error of the detector',
      { ...USUAL_POSE, noise: 0.06 },
      0.1,
    ],
    ['up to a full profile', ANY_POSE, 0.1],
    ['in profile, 75 to 90 degrees', { ...ANY_POSE, leastYaw: 75 }, 0.3],
  ])('are accepted of faces %s', (_, pose, mostRefused) => {
    expect(simulate(pose, 8000).refused).toBeLessThanOrEqual(mostRefused);
  });

  it('are accepted in a mirrored picture, where they were found', () => {
    const random = seeded(3);
    for (let i = 0; i < 500; i++) {
      const { points, width, height } = plausibleFace(random, USUAL_POSE);
      // Left and right change places with the picture, and so do their points.
      const selfie = [1, 0, 2, 4, 3].flatMap((k) => [
        width - (points[2 * k] as number),
        points[2 * k + 1] as number,
      ]);
      expect(refusalOf(Float64Array.from(selfie), { width, height })).toBeNull();
    }
  });
});

describe('points in another order', () => {
  it.each(WRONG_ORDERS)('%s: are refused by that name', (_, make, name) => {
    const { refused, named } = simulate(USUAL_POSE, 1000, make, name);
    expect(refused).toBeGreaterThanOrEqual(99.9);
    expect(named).toBeGreaterThanOrEqual(96);
  });

  it('are told apart in profile, too, except left from right', () => {
    const profile: Pose = { ...ANY_POSE, leastYaw: 75 };
    for (const [name, make] of WRONG_ORDERS) {
      if (/x|nose/.test(name) && !/before x|upwards/.test(name)) {
        expect(simulate(profile, 500, make).refused, name).toBeGreaterThanOrEqual(99);
      }
    }
  });

  it('the flat list of a detector with all x first is named as that', () => {
    const list = [106.3, 147.8, 125.2, 110.8, 145.1, 112.9, 111.5, 133.3, 151.7, 150.0];
    expect(refusalOf(Float64Array.from(list))).toMatch(
      /got all x first, then all y \(MTCNN's flat form\); write them as x1, y1, x2, y2/,
    );
  });

  it('a small face far to the right in a large picture, whose flat list is almost a line, is named, too', () => {
    const list = [5000, 5040, 5021, 5004, 5036, 120, 121, 141, 163, 164];
    expect(refusalOf(Float64Array.from(list))).toMatch(/got all x first, then all y/);
    const square = [5000, 5040, 5021, 5004, 5036, 4120, 4121, 4141, 4163, 4164];
    expect(refusalOf(Float64Array.from(square))).toMatch(/got all x first, then all y/);
  });

  const upright = Float64Array.of(200, 100, 270, 100, 235, 140, 206, 180, 264, 180);
  it.each<[string, Float64Array, RegExp]>([
    ['y upwards', upright.map((v, i) => (i % 2 === 0 ? v : 480 - v)), /use height - y/],
    ['y before x', upright.map((_, i) => upright[i ^ 1] as number), /swap x and y/],
    [
      "the person's left first",
      Float64Array.from([1, 0, 2, 4, 3].flatMap((k) => [...upright.slice(2 * k, 2 * k + 2)])),
      /swap points 1 and 2, and points 4 and 5/,
    ],
  ])(
    'three mistakes that mirror a face are told apart when it is upright: %s',
    (_, points, remedy) => {
      expect(refusalOf(points)).toMatch(remedy);
    },
  );
});

const DATA = '../shared/data/lfw-folds-1-5.bin';
const DETECTORS = {
  SCRFD: '../shared/fixtures/detectors/scrfd_det_500m.onnx',
  YuNet: '../shared/fixtures/detectors/yunet_2026may.onnx',
};
const absent = [DATA, ...Object.values(DETECTORS)].filter((path) => !existsSync(path));
if (absent.length > 0) console.warn(`${absent.join(', ')} absent: landmarks of LFW are skipped`);

describe.skipIf(absent.length > 0)('points that detectors find in LFW', () => {
  const count = Number(process.env.LANDMARK_PICTURES ?? 60);
  const found = new Map<string, Found[]>();

  beforeAll(async () => {
    const { images } = readLfwBin(new Uint8Array(readFileSync(DATA)), DATA);
    const step = Math.max(1, Math.floor(images.length / count));
    for (const [name, path] of Object.entries(DETECTORS)) {
      const detector = await FiveDetector.open(name as keyof typeof DETECTORS, readFileSync(path));
      const points: Found[] = [];
      for (let i = 0; i < images.length && points.length < count; i += step) {
        const face = await detector.find(await decodePicture(images[i] as Uint8Array));
        if (face) points.push(face);
      }
      found.set(name, points);
    }
  }, 3_600_000);

  it.each(Object.keys(DETECTORS))('%s: are accepted, and in any other order refused', (name) => {
    const faces = found.get(name) as Found[];
    expect(faces.length).toBeGreaterThanOrEqual(0.95 * count);
    const refused = faces.filter(({ points }) => refusalOf(points) !== null);
    console.log(`${name}: ${refused.length} of ${faces.length} faces refused in the right order`);
    expect(refused.length).toBeLessThanOrEqual(faces.length / 1000);
    for (const [order, make] of WRONG_ORDERS) {
      const missed = faces.filter(({ points }) => refusalOf(make(points)) === null);
      console.log(`${name}, ${order}: ${missed.length} of ${faces.length} accepted`);
      expect(missed.length, order).toBeLessThanOrEqual(faces.length / 100);
    }
  });
});
