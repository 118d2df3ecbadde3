import { describe, expect, it } from 'vitest';
import { type Landmarks, toFivePoints } from '../../src/image/landmarks.ts';

const five: [number, number][] = [
  [10, 20],
  [50, 21],
  [30, 40],
  [15, 60],
  [46, 61],
];

function many(count: number, at: Record<number, [number, number]>): [number, number][] {
  return Array.from({ length: count }, (_, i) => at[i] ?? [1000 + i, 2000 + i]);
}

/** Six points whose mean is (x, y). */
function around(indices: number[], [x, y]: [number, number]): Record<number, [number, number]> {
  const offsets = [-6, -2, 2, 6, 2, -2];
  return Object.fromEntries(
    indices.map((index, k) => [index, [x + (offsets[k] ?? 0), y + (k < 3 ? 1 : -1)]]),
  );
}

const [leftEye, rightEye, nose, leftMouth, rightMouth] = five as [
  [number, number],
  [number, number],
  [number, number],
  [number, number],
  [number, number],
];

describe('toFivePoints', () => {
  it.each<[string, Landmarks]>([
    ['pairs', five],
    ['objects', five.map(([x, y]) => ({ x, y }))],
    ['pairs with a third coordinate', five.map(([x, y]) => [x, y, 7])],
    ['flat numbers', five.flat()],
    ['a typed array', Float32Array.from(five.flat())],
  ])('takes five points as %s', (_, landmarks) => {
    expect([...toFivePoints(landmarks)]).toEqual(five.flat());
  });

  it('takes 68 points: means of the eye contours, nose tip, outer mouth corners', () => {
    const points = many(68, {
      ...around([36, 37, 38, 39, 40, 41], leftEye),
      ...around([42, 43, 44, 45, 46, 47], rightEye),
      30: nose,
      48: leftMouth,
      54: rightMouth,
    });
    for (const [i, v] of toFivePoints(points).entries())
      expect(v).toBeCloseTo(five.flat()[i] as number, 9);
  });

  it.each([468, 478])('takes the %i points of a face mesh', (count) => {
    const points = many(count, {
      ...around([33, 160, 158, 133, 153, 144], leftEye),
      ...around([362, 385, 387, 263, 373, 380], rightEye),
      1: nose,
      61: leftMouth,
      291: rightMouth,
    });
    for (const [i, v] of toFivePoints(points).entries())
      expect(v).toBeCloseTo(five.flat()[i] as number, 9);
  });

  // Index by index as published: WFLW's and 2d106det's mark-up, and what public code takes for alignment.
  it.each<[number, number[]]>([
    [98, [96, 97, 54, 76, 82]],
    [106, [38, 88, 86, 52, 61]],
  ])('takes %i points: pupils, nose tip, mouth corners', (count, five5) => {
    const points = many(
      count,
      Object.fromEntries(five5.map((index, k) => [index, five[k] ?? [0, 0]])),
    );
    expect([...toFivePoints(points)]).toEqual(five.flat());
    expect([...toFivePoints(Float32Array.from(points.flat()))]).toEqual(five.flat());
  });

  it.each<[string, unknown, RegExp]>([
    [
      "YuNet's row: x, y, width, height, ten numbers, score",
      [5, 10, 50, 60, ...five.flat(), 0.93],
      /got 15 numbers, which look like a detector's row.*numbers 5 to 14$/,
    ],
    [
      "RetinaFace's row: box, score, ten numbers",
      [5, 10, 55, 70, 0.98, ...five.flat()],
      /6 to 15$/,
    ],
    ['a box and five points', new Float32Array([5, 10, 50, 60, ...five.flat()]), /5 to 14$/],
    ['a box of two points before five', [[5, 10], [55, 70], ...five], /got 14 numbers.*5 to 14$/],
    ['five points and a score', [...five.flat(), 0.9], /got 11 numbers.*1 to 10$/],
    [
      'x, y and a score of each',
      five.flatMap(([x, y], i) => [x, y, 0.9 - i / 50]),
      /15 numbers, which look like x, y and a score or depth for each of five points/,
    ],
    [
      'a face mesh with depths in one list',
      new Float32Array(478 * 3),
      /three for each of 478 points/,
    ],
    [
      'all x and all y as two lists',
      [five.map(([x]) => x), five.map(([, y]) => y)],
      /pairs: \[x1, y1\]/,
    ],
    ['the points of the first of one faces', [five], /one list of 5; pass landmarks\[0\]/],
    [
      'named points',
      { left_eye: five[0], right_eye: five[1] },
      /an object with left_eye, right_eye; five are: left eye, right eye, nose/,
    ],
  ])('refuses %s and says which numbers are wanted', (_, landmarks, message) => {
    expect(() => toFivePoints(landmarks)).toThrow(message);
  });

  it('refuses six points, because they have no mouth corners', () => {
    expect(() => toFivePoints(many(6, {}))).toThrow(
      /got 6; six-point layouts .* centre of the mouth/,
    );
    expect(() => toFivePoints(many(6, {}).flat())).toThrow(/got 6; six-point layouts/);
  });

  it.each<[string, unknown, RegExp]>([
    ['no points', [], /got 0/],
    ['four points', many(4, {}), /expected 5, 68, 98, 106, 468 or 478 points, got 4/],
    ['an odd number of numbers', [1, 2, 3], /got 3 numbers/],
    ['a text', '1,2,3', /got '1,2,3'/],
    ['null', null, /got null/],
    ['a sparse list', new Array(5), /landmarks\[0\].*got undefined/],
    ['an endless list', new Array(4_000_000_000), /got 4000000000/],
    ['points of text', five.map(([x, y]) => [`${x}`, `${y}`]), /landmarks\[0\]/],
    ['text among flat numbers', [1, 2, 3, 4, '5', 6, 7, 8, 9, 10], /landmarks\[2\]/],
    ['big integers', new BigInt64Array(10), /got a BigInt64Array/],
    ['coordinates beyond any picture', five.map(([x, y]) => [x * 1e6, y]), /landmarks\[0\]/],
  ])('refuses %s', (_, landmarks, message) => {
    expect(() => toFivePoints(landmarks)).toThrow(message);
  });
});
