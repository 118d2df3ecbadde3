import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ArcfaceError } from '../../src/errors.ts';
import { alignFace, type Picture } from '../../src/image/align.ts';
import { estimateSimilarity } from '../../src/image/fit.ts';
import { toFivePoints } from '../../src/image/landmarks.ts';
import { HOSTILE_VALUES } from '../support/hostile-values.ts';
import { codeOf } from '../support/outcome.ts';

/** Typed in again from FaceAlign's published values, so that a wrong digit in the source shows. */
const TEMPLATE: [number, number][] = [
  [38.2946, 51.6963],
  [73.5318, 51.5014],
  [56.0252, 71.7366],
  [41.5493, 92.3655],
  [70.7299, 92.2041],
];

function noise(width: number, height: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: width * height * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

/** Where the template's points are in the picture if the crop is rotated, scaled and shifted. */
function placed(scale: number, degrees: number, dx: number, dy: number): [number, number][] {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return TEMPLATE.map(([x, y]) => [scale * (c * x - s * y) + dx, scale * (s * x + c * y) + dy]);
}

const placements: [number, number, number, number][] = [
  [1, 0, 0, 0],
  [2.5, 17, 140, 33],
  [0.4, -75, 12, 150],
  [1.3, 180, 260, 250],
  [3.7, 91, 480, 20],
];

describe('estimateSimilarity', () => {
  it.each(placements)(
    'recovers scale %f, rotation %f, shift (%f, %f)',
    (scale, degrees, dx, dy) => {
      const points = placed(scale, degrees, dx, dy);
      const [a, b, tx, ty] = estimateSimilarity(toFivePoints(points));
      expect(Math.hypot(a, b)).toBeCloseTo(1 / scale, 6);
      for (const [i, [x, y]] of points.entries()) {
        expect(a * x - b * y + tx).toBeCloseTo(TEMPLATE[i]?.[0] as number, 4);
        expect(b * x + a * y + ty).toBeCloseTo(TEMPLATE[i]?.[1] as number, 4);
      }
    },
  );

  it('has the least squared distance: every neighbouring similarity is worse', () => {
    const points = placed(1.8, 12, 40, 30).map(([x, y], i) => [
      x + 5 * Math.sin(7 * i),
      y + 6 * Math.cos(5 * i),
    ]);
    const best = estimateSimilarity(toFivePoints(points));
    const error = ([a, b, tx, ty]: readonly number[]): number =>
      points.reduce((sum, [x, y], i) => {
        const u = (a as number) * (x as number) - (b as number) * (y as number) + (tx as number);
        const v = (b as number) * (x as number) + (a as number) * (y as number) + (ty as number);
        const [qx, qy] = TEMPLATE[i] as [number, number];
        return sum + (u - qx) ** 2 + (v - qy) ** 2;
      }, 0);
    for (let parameter = 0; parameter < 4; parameter++) {
      for (const step of [-1, 1]) {
        const other = best.map((v, i) => v + (i === parameter ? step * (i < 2 ? 1e-4 : 1e-2) : 0));
        expect(error(other)).toBeGreaterThan(error(best));
      }
    }
  });
});

describe('alignFace', () => {
  const pixels = noise(112, 112, 1);
  const square: Picture = { data: pixels, width: 112, height: 112, channels: 'rgb' };

  it('returns the same pixels for a crop that is aligned already', () => {
    const crop = alignFace(square, TEMPLATE);
    expect({ ...crop, data: undefined }).toEqual({
      width: 112,
      height: 112,
      channels: 'rgb',
      data: undefined,
    });
    expect(Buffer.compare(crop.data, pixels)).toBe(0);
  });

  it('shifts by whole pixels exactly, and leaves black what lies outside the picture', () => {
    const crop = alignFace(
      square,
      TEMPLATE.map(([x, y]) => [x - 10, y + 3]),
    );
    for (let y = 0; y < 112; y++) {
      for (let x = 0; x < 112; x++) {
        const inside = x >= 10 && y + 3 < 112;
        const expected = inside
          ? [...pixels.subarray(((y + 3) * 112 + x - 10) * 3).subarray(0, 3)]
          : [0, 0, 0];
        expect([...crop.data.subarray((y * 112 + x) * 3).subarray(0, 3)], `${x},${y}`).toEqual(
          expected,
        );
      }
    }
  });

  it.each(placements)(
    'samples a smooth picture where the transform says (%f, %f, %f, %f)',
    (scale, degrees, dx, dy) => {
      // Red = x / 2, green = y / 2: bilinear interpolation of a ramp is the ramp.
      const side = 500;
      const data = new Uint8Array(side * side * 3);
      for (let i = 0; i < side * side; i++)
        data.set([(i % side) >> 1, Math.floor(i / side) >> 1, 9], 3 * i);
      const crop = alignFace(
        { data, width: side, height: side, channels: 'rgb' },
        placed(scale, degrees, dx, dy),
      );
      const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
      let compared = 0;
      for (let i = 0; i < 112 * 112; i++) {
        const [x, y] = [i % 112, Math.floor(i / 112)];
        const px = scale * (c * x - s * y) + dx;
        const py = scale * (s * x + c * y) + dy;
        if (px < 1 || py < 1 || px > side - 2 || py > side - 2) continue;
        compared++;
        // The ramp itself is cut to whole levels (0.5), sampling to 1/32 pixel, the result rounded.
        expect(Math.abs((crop.data[3 * i] as number) - px / 2)).toBeLessThanOrEqual(1.1);
        expect(Math.abs((crop.data[3 * i + 1] as number) - py / 2)).toBeLessThanOrEqual(1.1);
        expect(crop.data[3 * i + 2]).toBe(9);
      }
      expect(compared).toBeGreaterThan(3000);
    },
  );

  // OpenCV 4.14: cv2.warpAffine(picture, umeyama(points, template), (112, 112), borderValue=0).
  it.each<[[number, number][], string]>([
    [
      [
        [101.5, 88.25],
        [168.75, 104.5],
        [130, 140.5],
        [92.25, 165],
        [150.5, 178.75],
      ],
      'ce7470be7f846ddbf3fa0b0ad1fc036c83030da29ec33feee96bff12a5e070e7',
    ],
    [
      [
        [30, 20],
        [61, 12],
        [50, 40],
        [38, 61],
        [66, 55],
      ],
      'da26d7445ba0e2efbee3570f9d06a0d890fff4c954ed2e4afb2b85cafc91df34',
    ],
  ])("has the bytes of OpenCV's warpAffine for the landmarks %j", (points, sha256) => {
    const crop = alignFace(
      { data: noise(300, 260, 9), width: 300, height: 260, channels: 'rgb' },
      points,
    );
    expect(createHash('sha256').update(crop.data).digest('hex')).toBe(sha256);
  });

  it('gives the same crop for RGB, BGR, RGBA, BGRA and ImageData', () => {
    const points = placed(1.4, 20, 30, -10);
    const rgb = noise(150, 130, 5);
    const expected = alignFace(
      { data: rgb, width: 150, height: 130, channels: 'rgb' },
      points,
    ).data;
    for (const channels of ['bgr', 'rgba', 'bgra'] as const) {
      const data = new Uint8ClampedArray(150 * 130 * channels.length);
      for (let i = 0; i < 150 * 130; i++) {
        for (const [k, name] of [...channels].entries()) {
          data[i * channels.length + k] =
            name === 'a' ? 3 : (rgb[3 * i + 'rgb'.indexOf(name)] as number);
        }
      }
      const size = { width: 150, height: 130 };
      expect(alignFace({ data, ...size, channels }, points).data).toEqual(expected);
      if (channels === 'rgba') expect(alignFace({ data, ...size }, points).data).toEqual(expected);
    }
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /picture: expected ImageData/],
    [
      'floats',
      { data: new Float32Array(12), width: 2, height: 2, channels: 'rgb' },
      /a Float32Array of 12/,
    ],
    ['a size of 0', { data: new Uint8Array(0), width: 0, height: 5, channels: 'rgb' }, /got 0x5/],
    [
      'too few bytes',
      { data: new Uint8Array(10), width: 2, height: 2, channels: 'rgb' },
      /expected 12 bytes.*got 10/,
    ],
    ['no channels', { data: new Uint8Array(12), width: 2, height: 2 }, /picture.channels/],
  ])('refuses a picture with %s', (_, picture, message) => {
    expect(() => alignFace(picture as Picture, TEMPLATE)).toThrow(message);
  });

  const swap = (...order: number[]): [number, number][] =>
    order.map((i) => TEMPLATE[i] as [number, number]);
  it.each<[string, unknown, RegExp]>([
    ["the subject's left first", swap(1, 0, 2, 4, 3), /got them mirrored; swap points 1 and 2/],
    ['only the eyes swapped', swap(1, 0, 2, 3, 4), /two eyes swapped.*swap points 1 and 2/],
    [
      'only the mouth corners swapped',
      swap(0, 1, 2, 4, 3),
      /mouth corners swapped.*points 4 and 5/,
    ],
    ['one point five times', swap(0, 0, 0, 0, 0), /within a pixel/],
    [
      'relative coordinates',
      TEMPLATE.map(([x, y]) => [x / 112, y / 112]),
      /numbers from 0 to 1.*multiply relative ones: x by the width 112, y by the height 112/,
    ],
    ['points on a line', [0, 1, 2, 3, 4].map((i) => [20 + 10 * i, 30 + 7 * i]), /on one line/],
    [
      'points of a much larger picture',
      TEMPLATE.map(([x, y]) => [x + 2000, y]),
      /all of them outside/,
    ],
    [
      "all x first, as a detector's flat list for a larger picture",
      [106.3, 147.8, 125.2, 110.8, 145.1, 112.9, 111.5, 133.3, 151.7, 150.0],
      /all x first, then all y/,
    ],
    ['NaN', TEMPLATE.map(([x], i) => [x, i === 3 ? Number.NaN : 1]), /landmarks\[3\].*NaN/],
    ['infinity', TEMPLATE.map(([x]) => [x, Number.POSITIVE_INFINITY]), /landmarks\[0\].*Infinity/],
  ])('refuses %s', (_, points, message) => {
    expect(() => alignFace(square, points as [number, number][])).toThrow(message);
    try {
      alignFace(square, points as [number, number][]);
    } catch (error) {
      expect(error).toBeInstanceOf(ArcfaceError);
    }
  });
});

describe('alignFace with arguments that misbehave', () => {
  const points = [38, 51, 73, 51, 56, 71, 41, 92, 70, 92];
  const pairs = Array.from({ length: 5 }, (_, i) => [points[2 * i], points[2 * i + 1]]);
  const picture = () => ({
    data: new Uint8Array(112 * 112 * 3),
    width: 112,
    height: 112,
    channels: 'rgb',
  });
  const align = (...given: unknown[]): unknown => Reflect.apply(alignFace, undefined, given);

  it.each(HOSTILE_VALUES)('refuses %s, anywhere, with a coded error', (_, make) => {
    const raising = (target: object, key: PropertyKey): unknown =>
      Object.defineProperty(target, key, {
        get: () => {
          throw make();
        },
      });
    const calls: (() => unknown)[] = [
      () => align(make(), points),
      () => align(picture(), make()),
      () => align(picture(), [...points.slice(0, 9), make()]),
      () => align(picture(), [make(), ...pairs.slice(1)]),
      () => align(picture(), [[make(), 1], ...pairs.slice(1)]),
      () => align(picture(), [...points, make()]),
      () => align(picture(), raising([...points], 3)),
      () => align(picture(), raising([...pairs], 1)),
      () => align(picture(), [raising({ y: 1 }, 'x'), ...pairs.slice(1)]),
      ...['data', 'width', 'height', 'channels'].flatMap((key) => [
        () => align({ ...picture(), [key]: make() }, points),
        () => align(raising(picture(), key) as object, points),
      ]),
    ];
    for (const call of calls) expect(codeOf(call)).toMatch(/^bad_(picture|argument)$/);
  });

  it('reads an array by index, whatever its own iterator gives', () => {
    class Endless extends Array {
      override *[Symbol.iterator](): Generator<number[]> {
        for (;;) yield [1, 1];
      }
    }
    const expected = align(picture(), pairs);
    expect(align(picture(), Endless.from(pairs))).toEqual(expected);
  });

  it('reads landmarks before the picture, which reading them could take away', () => {
    const given = picture();
    const list = [...points];
    Object.defineProperty(list, 0, {
      get: () => {
        structuredClone(given.data.buffer, { transfer: [given.data.buffer] });
        return 38;
      },
    });
    expect(() => align(given, list)).toThrow(/^picture.data: expected 37632 bytes .*, got 0$/);
  });

  it('says that there are no options', () => {
    expect(() => align(picture(), points, { size: 224 })).toThrow(
      /^alignFace: .* got an object with size too; there are no options/,
    );
    expect(codeOf(() => align(picture(), points, undefined))).toBe('read');
  });
});
