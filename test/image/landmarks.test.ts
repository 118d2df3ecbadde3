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

  it('refuses six points, because they have no mouth corners', () => {
    expect(() => toFivePoints(many(6, {}))).toThrow(
      /got 6; six-point layouts .* centre of the mouth/,
    );
    expect(() => toFivePoints(many(6, {}).flat())).toThrow(/got 6; six-point layouts/);
  });

  it.each<[string, unknown, RegExp]>([
    ['no points', [], /got 0/],
    ['four points', many(4, {}), /expected 5, 68, 468 or 478 points, got 4/],
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
